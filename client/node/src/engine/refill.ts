/** Keeps one prefetch filled: sends one request at a time, and checks what is held. */

import type { Ask, Priority } from "../core/grant.js";
import type { LeaseState } from "../core/lease.js";
import { type Covered, type Holding, PrefetchState, TICK_MS } from "../core/prefetch.js";
import { AcquireError, ClosedError } from "../errors.js";
import { now } from "./clock.js";

/** A request in flight. */
export interface InFlight {
  readonly outcome: Promise<LeaseState>;
  abandon(): void;
}

/** What a refill needs of its client. */
export interface RefillHost {
  start(ask: Ask): InFlight;
  late(): AcquireError;
  wake(): void;
}

/** A prefetch and its request in flight. */
export class Refill {
  readonly state: PrefetchState;
  isClosed = false;
  readonly priority: Priority | undefined;
  readonly #host: RefillHost;
  #inFlight: InFlight | undefined;
  #unneededSince: number | undefined;

  constructor(holding: Holding, priority: Priority | undefined, host: RefillHost) {
    this.state = new PrefetchState(holding);
    this.priority = priority;
    this.#host = host;
  }

  /** Fails callers that have waited too long, returns what is not needed, and requests what is. */
  step(at: number): void {
    if (this.isClosed) return;
    this.state.queue.failLate(at, () => this.#host.late());
    this.state.returnExcess(at);
    if (this.#inFlight !== undefined) {
      this.#withdrawIfUnneeded(at, this.#inFlight);
      return;
    }
    const request = this.state.refill(at);
    if (request === undefined) return;
    this.#unneededSince = undefined;
    const { permits, maxWaitMs, covered } = request;
    const inFlight = this.#host.start({ permits, minPermits: 1, priority: this.priority, maxWaitMs });
    this.#inFlight = inFlight;
    void this.#complete(inFlight, covered);
  }

  /** Returns when to step again, if nothing happens before. */
  nextCheck(at: number): number {
    if (this.isClosed) return Infinity;
    const firstDeadline = this.state.queue.mostUrgent()?.caller.failAt ?? Infinity;
    const withdrawAt = this.#inFlight === undefined ? Infinity : (this.#unneededSince ?? at) + TICK_MS;
    return Math.min(this.state.nextCheck(at), firstDeadline, withdrawAt);
  }

  /** Returns everything, and fails all callers. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.state.returnAll();
    this.state.queue.fail(new ClosedError("the client is closed"), () => true);
    this.#inFlight?.abandon();
  }

  #withdrawIfUnneeded(at: number, inFlight: InFlight): void {
    if (this.state.needsRefill(at)) {
      this.#unneededSince = undefined;
    } else if (this.#unneededSince === undefined) {
      this.#unneededSince = at;
    } else if (at >= this.#unneededSince + TICK_MS) {
      inFlight.abandon();
      this.#inFlight = undefined;
    }
  }

  async #complete(inFlight: InFlight, covered: Covered): Promise<void> {
    let outcome: LeaseState | AcquireError;
    try {
      outcome = await inFlight.outcome;
    } catch (error) {
      outcome = error instanceof AcquireError ? error : new AcquireError(String(error));
    }
    // One that was withdrawn gives back by itself.
    if (this.#inFlight !== inFlight) return;
    this.#inFlight = undefined;
    if (outcome instanceof AcquireError) this.state.refuse(now(), outcome, covered);
    else if (this.isClosed) outcome.finish();
    else this.state.add(now(), outcome);
    this.#host.wake();
  }
}
