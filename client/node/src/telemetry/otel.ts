/** Tells OpenTelemetry what a client does. */

import type * as api from "@opentelemetry/api";
import type { Identity } from "../core/report.js";
import { RefusedError } from "../errors.js";
import type { Telemetry, Waiting } from "./telemetry.js";

const SCOPE = "apportion";
const MS_PER_S = 1_000;
/** The bounds of the buckets of waits, in seconds. */
const WAITS_S = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Makes spans and measurements. Whoever loads the API passes it on, because it need not be installed. */
export class OpenTelemetry implements Telemetry {
  readonly #api: typeof api;
  readonly #tracer: api.Tracer;
  readonly #waits: api.Histogram;
  readonly #granted: api.Counter;
  readonly #returned: api.Counter;
  readonly #calls: api.Counter;

  constructor(loaded: typeof api, version: string) {
    this.#api = loaded;
    this.#tracer = loaded.trace.getTracer(SCOPE, version);
    const meter = loaded.metrics.getMeter(SCOPE, version);
    this.#waits = meter.createHistogram("apportion.wait.duration", {
      description: "How long callers waited for a permit or a lease that was not at hand.",
      unit: "s",
      advice: { explicitBucketBoundaries: WAITS_S },
    });
    const counter = (name: string, unit: string, description: string): api.Counter =>
      meter.createCounter(name, { unit, description });
    this.#granted = counter("apportion.permits.granted", "{permit}", "Permits that were granted.");
    this.#returned = counter("apportion.permits.returned", "{permit}", "Granted permits that went back unused.");
    this.#calls = counter("apportion.calls", "{call}", "Calls to Apportion.");
  }

  waiting(identity: Identity, { what, permits, priority }: Waiting): (error?: unknown) => void {
    const { SpanKind, SpanStatusCode } = this.#api;
    const attributes: api.Attributes = whose(identity);
    if (priority !== undefined) attributes["apportion.priority"] = priority;
    const span = this.#tracer.startSpan(`apportion.${what}`, {
      kind: SpanKind.CLIENT,
      attributes: { ...attributes, "apportion.permits": permits },
    });
    const start = performance.now();
    return (error) => {
      if (error !== undefined) {
        attributes["error.type"] = kindOf(error);
        span.setAttribute("error.type", kindOf(error));
        span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
      }
      this.#waits.record((performance.now() - start) / MS_PER_S, attributes);
      span.end();
    };
  }

  granted(identity: Identity, permits: number, isLocal: boolean): void {
    this.#granted.add(permits, { ...whose(identity), "apportion.local": isLocal });
  }

  returned(identity: Identity, permits: number, isLocal: boolean): void {
    if (permits > 0) this.#returned.add(permits, { ...whose(identity), "apportion.local": isLocal });
  }

  called(method: string, error: string | undefined): void {
    this.#calls.add(1, { "rpc.method": method, ...(error === undefined ? {} : { "error.type": error }) });
  }
}

function whose({ workspace, team }: Identity): api.Attributes {
  return { "apportion.workspace": workspace || "default", "apportion.team": team || "default" };
}

/** The reason of a refusal, or the name of another error. */
function kindOf(error: unknown): string {
  if (error instanceof RefusedError && error.reason !== "") return error.reason;
  return error instanceof Error ? error.name : typeof error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
