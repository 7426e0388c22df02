/** Where permits come from: a client, a prefetch, or one call for each. */

import type { Ask, Priority } from "./core/grant.js";
import type { LeaseState } from "./core/lease.js";
import type { Holding } from "./core/prefetch.js";
import { now } from "./engine/clock.js";
import type { Engine } from "./engine/engine.js";
import type { InFlight, Refill } from "./engine/refill.js";
import { ClosedError, copied, PermitTimeoutError } from "./errors.js";
import { checkedSpan, type WaitOptions } from "./options.js";
import { Permit } from "./permit.js";

/** Where a hook takes its permits from: a client, a prefetch, or `onDemand` of a client. */
export interface PermitSource {
  /** Takes a permit, and waits for it. Throws `AcquireError`. */
  permit(options?: WaitOptions): Promise<Permit>;
  /** Whether the body of a response with this status is to be read. */
  readsBody(status: number): boolean;
}

/** Permits of one priority that are held ready, judging by the demand of the last half second. `Quota.prefetch` creates it. */
export class Prefetch implements PermitSource {
  readonly #engine: Engine;
  readonly #refill: Refill;
  readonly #maxWaitMs: number;
  readonly #takeBack: (state: LeaseState) => void;

  /** @internal */
  constructor(engine: Engine, holding: Holding, priority: Priority | undefined, maxWaitMs: number) {
    this.#engine = engine;
    this.#refill = engine.addRefill(holding, priority);
    this.#maxWaitMs = maxWaitMs;
    this.#takeBack = (state) => {
      this.#refill.state.putBack(now(), state);
    };
  }

  /** Takes a permit, and waits for it if none is held. Callers are served first come, first served. Throws `AcquireError`. */
  async permit(options: WaitOptions = {}): Promise<Permit> {
    options.signal?.throwIfAborted();
    return this.#take() ?? (await this.#wait(options));
  }

  /** Takes a permit without waiting. If none is held, returns undefined and requests one for a later call. */
  tryPermit(): Permit | undefined {
    const permit = this.#take();
    if (permit === undefined && !this.#refill.isClosed) {
      this.#refill.state.miss();
      this.#engine.wake();
    }
    return permit;
  }

  /** Takes a permit, calls `send` with it, and returns its result. */
  async run<T>(send: (permit: Permit) => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    return within(await this.permit(options), send);
  }

  /** Whether the body of a response with this status is to be read. */
  readsBody(status: number): boolean {
    return this.#engine.settings.reader.readsBody(status);
  }

  /** Returns what is held, and fails who waits. The client does the same for all its prefetches. */
  close(): void {
    this.#engine.removeRefill(this.#refill);
  }

  #take(): Permit | undefined {
    const lease = this.#refill.state.take(now());
    if (lease === undefined) return undefined;
    if (lease.left === 0 || lease.left === lease.lowMark) this.#engine.wake();
    return new Permit(this.#engine, lease, this.#takeBack);
  }

  #wait(options: WaitOptions): Promise<Permit> {
    const maxWaitMs = options.maxWaitMs === undefined ? this.#maxWaitMs : checkedSpan("maxWaitMs", options.maxWaitMs);
    if (this.#refill.isClosed) throw new ClosedError("the client is closed");
    const { state } = this.#refill;
    const since = now();
    const come = new Promise<Permit>((resolve, reject) => {
      const abort = (): void => {
        state.queue.leave(position);
        this.#engine.wake();
        reject(options.signal?.reason as Error);
      };
      const position = state.enter(since, {
        waitUntil: since + maxWaitMs,
        failAt: this.#engine.failAt(since, maxWaitMs),
        grant: (lease) => {
          options.signal?.removeEventListener("abort", abort);
          resolve(new Permit(this.#engine, lease, this.#takeBack));
        },
        fail: (error) => {
          options.signal?.removeEventListener("abort", abort);
          reject(copied(error));
        },
      });
      options.signal?.addEventListener("abort", abort);
      this.#engine.wake();
    });
    return this.#engine.awaited({ what: "permit", permits: 1, priority: this.#refill.priority }, come);
  }
}

/** Permits that take a call each. `Quota.onDemand` creates it. */
export class OnDemand implements PermitSource {
  readonly #engine: Engine;
  readonly #ask: Ask;

  /** @internal */
  constructor(engine: Engine, ask: Ask) {
    this.#engine = engine;
    this.#ask = ask;
  }

  /** Takes a permit, and waits for it. Throws `AcquireError`. */
  async permit(options: WaitOptions = {}): Promise<Permit> {
    const { maxWaitMs = this.#ask.maxWaitMs } = options;
    const deadline = now() + checkedSpan("maxWaitMs", maxWaitMs);
    for (;;) {
      const ask = { ...this.#ask, maxWaitMs: Math.max(deadline - now(), 0) };
      const lease = await acquireState(this.#engine, ask, options.signal);
      if (lease.take(now())) return new Permit(this.#engine, lease, takeBack);
      lease.finish();
      if (now() >= deadline) throw new PermitTimeoutError("every lease arrived after its end");
    }
  }

  /** Takes a permit, calls `send` with it, and returns its result. */
  async run<T>(send: (permit: Permit) => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    return within(await this.permit(options), send);
  }

  /** Whether the body of a response with this status is to be read. */
  readsBody(status: number): boolean {
    return this.#engine.settings.reader.readsBody(status);
  }
}

/**
 * Acquires a lease, unless the signal is aborted first.
 *
 * @internal
 */
export async function acquireState(engine: Engine, ask: Ask, signal: AbortSignal | undefined): Promise<LeaseState> {
  signal?.throwIfAborted();
  if (engine.isClosed) throw new ClosedError("the client is closed");
  const acquire = engine.start(ask);
  const come = signal === undefined ? acquire.outcome : abortable(acquire, signal);
  return engine.awaited({ what: "acquire", permits: ask.permits, priority: ask.priority }, come);
}

function abortable(acquire: InFlight, signal: AbortSignal): Promise<LeaseState> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      acquire.abandon();
      reject(signal.reason as Error);
    };
    const settled = (): void => {
      signal.removeEventListener("abort", abort);
    };
    signal.addEventListener("abort", abort);
    acquire.outcome.then(
      (lease) => {
        settled();
        if (signal.aborted) lease.finish();
        else resolve(lease);
      },
      (error: unknown) => {
        settled();
        reject(error);
      },
    );
  });
}

async function within<T>(permit: Permit, send: (permit: Permit) => T | PromiseLike<T>): Promise<T> {
  try {
    return await send(permit);
  } finally {
    permit.done();
  }
}

function takeBack(state: LeaseState): void {
  state.putBack();
  state.finish();
}
