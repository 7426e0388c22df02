/** What a client tells of itself, for spans and metrics. */

import type { Identity } from "../core/report.js";

/** What somebody waits for. */
export interface Waiting {
  /** A lease, or a permit that no prefetch had ready. */
  readonly what: "acquire" | "permit";
  readonly permits: number;
  /** Undefined: that of the team. */
  readonly priority: string | undefined;
}

/**
 * What is told of a client.
 *
 * A permit that is held ready takes none of these calls: it costs about a microsecond, and a span costs more.
 */
export interface Telemetry {
  /** Notes that somebody begins to wait. Returns what notes the end, with the error if there is one. */
  waiting(identity: Identity, waiting: Waiting): (error?: unknown) => void;
  /** Counts the permits of a lease. */
  granted(identity: Identity, permits: number, isLocal: boolean): void;
  /** Counts the permits of a lease that came back, at its end. */
  returned(identity: Identity, permits: number, isLocal: boolean): void;
  /** Counts a call. `error` is the code of a failure. */
  called(method: string, error: string | undefined): void;
}

/** Tells nobody. */
export const SILENT: Telemetry = {
  waiting: () => () => undefined,
  granted: () => undefined,
  returned: () => undefined,
  called: () => undefined,
};
