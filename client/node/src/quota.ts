/** The client. */

import type { Priority } from "./core/grant.js";
import type { QuotaCounts } from "./counts.js";
import { now } from "./engine/clock.js";
import { Credentials } from "./engine/credentials.js";
import { Engine } from "./engine/engine.js";
import { RemoteService } from "./engine/remote.js";
import {
  type AcquireOptions,
  checkedAsk,
  checkedHolding,
  checkedSpan,
  type PermitOptions,
  type PrefetchOptions,
} from "./options.js";
import { Lease, type Permit } from "./permit.js";
import { checked, type ConnectOptions } from "./settings.js";
import { telemetry } from "./telemetry/found.js";
import { acquireState, OnDemand, type PermitSource, Prefetch } from "./source.js";

const FLUSH_TIMEOUT_MS = 5_000;

/**
 * Creates a client for the servers at `addresses`, one URL such as `http://127.0.0.1:7420` or several. The next is used when one
 * fails. It connects at the first call, and again whenever a connection breaks. Throws `ConfigError` if a setting is invalid.
 */
export function connect(addresses: string | readonly string[], options: ConnectOptions = {}): Quota {
  return new Quota(addresses, options);
}

/** A client of the quota service. `connect` creates it. One serves a whole process. */
export class Quota implements PermitSource {
  readonly #engine: Engine;
  readonly #byPriority = new Map<Priority | undefined, Prefetch>();

  /** @internal */
  constructor(addresses: string | readonly string[], options: ConnectOptions) {
    const settings = checked(addresses, options);
    const credentials = new Credentials(settings.token, settings.tokenFile, now(), settings.warn);
    const told = telemetry();
    this.#engine = new Engine(settings, told, () => new RemoteService(settings, credentials, told));
  }

  /**
   * Takes one permit, and waits for it up to `maxWaitMs`. Hold it with `await using`. Throws `AcquireError`.
   *
   * Permits are held ready in small numbers, as demand suggests, so that most take no call.
   */
  permit(options: PermitOptions = {}): Promise<Permit> {
    return this.#ofPriority(options.priority).permit(options);
  }

  /** Takes a permit without waiting. If none is held, returns undefined and requests one for a later call. */
  tryPermit(options: Pick<PermitOptions, "priority"> = {}): Permit | undefined {
    return this.#ofPriority(options.priority).tryPermit();
  }

  /** Takes a permit, calls `send` with it, and returns its result. The permit counts as used, also if `send` throws. */
  run<T>(send: (permit: Permit) => T | PromiseLike<T>, options: PermitOptions = {}): Promise<T> {
    return this.#ofPriority(options.priority).run(send, options);
  }

  /** Requests a lease of several permits, and waits for it up to `maxWaitMs`. Hold it with `await using`. Throws `AcquireError`. */
  async acquire(permits: number, options: AcquireOptions = {}): Promise<Lease> {
    const state = await acquireState(this.#engine, checkedAsk(permits, options), options.signal);
    return new Lease(this.#engine, state);
  }

  /** Creates a prefetch with other options than that of `permit`. */
  prefetch(options: PrefetchOptions = {}): Prefetch {
    const ask = checkedAsk(1, options);
    return new Prefetch(this.#engine, checkedHolding(options), ask.priority, ask.maxWaitMs);
  }

  /** Returns a source of permits that are not held ready: each takes a call when it is needed. */
  onDemand(options: Pick<PermitOptions, "priority" | "maxWaitMs"> = {}): OnDemand {
    return new OnDemand(this.#engine, checkedAsk(1, options));
  }

  /** Whether the body of a response with this status is to be read. */
  readsBody(status: number): boolean {
    return this.#engine.settings.reader.readsBody(status);
  }

  /** Sends the reports that are queued, and waits until they are. False if that took longer than the timeout. */
  async flush(timeoutMs: number = FLUSH_TIMEOUT_MS): Promise<boolean> {
    return this.#engine.flush(checkedSpan("timeoutMs", timeoutMs));
  }

  /**
   * Gives everything back, and ends the connections and all waits. Takes `closeTimeoutMs` at most. Permits in use stay valid, and
   * are reported when they are done. False if something could not be reported in time.
   */
  close(): Promise<boolean> {
    return this.#engine.close();
  }

  /** Whether the client is closed. */
  get isClosed(): boolean {
    return this.#engine.isClosed;
  }

  /** Returns counts for diagnosis. */
  counts(): QuotaCounts {
    return this.#engine.counts();
  }

  /** Closes the client, as `await using` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #ofPriority(priority: Priority | undefined): Prefetch {
    let prefetch = this.#byPriority.get(priority);
    if (prefetch === undefined) {
      prefetch = this.prefetch({ priority });
      this.#byPriority.set(priority, prefetch);
    }
    return prefetch;
  }
}
