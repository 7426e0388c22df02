/** What a service holds while it sends: a permit, or a lease of several. */

import type { LeaseState } from "./core/lease.js";
import { TimedObservation } from "./core/timed.js";
import { now } from "./engine/clock.js";
import type { Engine } from "./engine/engine.js";
import { type HeadersLike, type Observation, response } from "./observation.js";

/** What permits and leases have in common. Leaving its scope, also by an exception, counts as used. */
abstract class Held {
  /** @internal */
  protected readonly engine: Engine;
  /** @internal */
  protected readonly state: LeaseState;
  /** @internal */
  protected isDone = false;

  /** @internal */
  constructor(engine: Engine, state: LeaseState) {
    this.engine = engine;
    this.state = state;
  }

  /** How many milliseconds a request may still be sent. 0 at and after the end. */
  get validForMs(): number {
    return Math.max(this.state.end - now(), 0);
  }

  /** The priority that it was granted at, which may be lower than requested. Empty if it is not known. */
  get priority(): string {
    return this.state.priority;
  }

  /** Whether other requests were waiting at the server. If so, take only what is needed now. */
  get isContended(): boolean {
    return this.state.isContended;
  }

  /**
   * Reports what a response of the provider said, for readers of other formats.
   *
   * A throttle is reported at once, and permits that are held ahead are given up then. The rest is sent with later reports.
   */
  observe(observation: Observation): void {
    const seen = TimedObservation.of(observation, now());
    if (seen === undefined) {
      this.engine.settings.warn(`an observation is left out: there can be no limit ${JSON.stringify(observation.limit)}`);
      return;
    }
    this.state.observe(seen);
    if (seen.isThrottled) this.engine.throttled();
  }

  /** Reports what a response of the provider said, as the client's reader reads it. HTTP hooks do this by themselves. */
  observeResponse(status: number, headers: HeadersLike, body?: Uint8Array): void {
    try {
      const read = this.engine.settings.reader.read(response(status, headers, body));
      if (read === undefined) return;
      if (Symbol.iterator in read) for (const observation of read) this.observe(observation);
      else this.observe(read);
    } catch (error) {
      this.engine.settings.warn(`the reader of responses failed: ${String(error)}`);
    }
  }

  /** Ends the scope: what was taken counts as used, and what was not taken goes back. Does nothing if it has ended. */
  done(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.leave();
  }

  /** Ends the scope, as `using` does. */
  [Symbol.dispose](): void {
    this.done();
  }

  /** Ends the scope, as `await using` does. */
  [Symbol.asyncDispose](): Promise<void> {
    this.done();
    return Promise.resolve();
  }

  /** @internal */
  protected abstract leave(): void;
}

/**
 * The right to send one request to the provider, now.
 *
 * It counts as used when its scope is left. `putBack` says that nothing was sent.
 */
export class Permit extends Held {
  readonly #takeBack: (state: LeaseState) => void;

  /** @internal */
  constructor(engine: Engine, state: LeaseState, takeBack: (state: LeaseState) => void) {
    super(engine, state);
    this.#takeBack = takeBack;
  }

  /** Gives the permit back, because the request was certainly not sent. Another caller may have it then. */
  putBack(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.#takeBack(this.state);
  }

  /** @internal */
  protected override leave(): void {
    this.state.done();
  }
}

/**
 * Permits that were granted together, and are valid until the lease ends.
 *
 * Leaving its scope returns those that were not taken. Those that were taken count as used.
 */
export class Lease extends Held {
  /** The permits of the lease. */
  get permits(): number {
    return this.state.permits;
  }

  /** The permits that are not taken yet. */
  get left(): number {
    return this.state.left;
  }

  /**
   * Takes one permit. True if one request may be sent now; false if no permit is left or the lease has ended.
   *
   * Call it as late as possible, once for each attempt on the wire.
   */
  take(): boolean {
    return !this.isDone && this.state.take(now());
  }

  /** Puts back a permit that was taken, because the request was certainly not sent. It can be taken again. */
  putBack(): void {
    if (!this.isDone) this.state.putBack();
  }

  /** @internal */
  protected override leave(): void {
    this.state.finish();
  }
}
