/** What a prefetch holds, hands out, requests and returns, and who waits: decided as a function of now. */

import { type AcquireError, InvalidResponseError, RefusedError } from "../errors.js";
import { RecentDemand } from "./demand.js";
import type { LeaseState } from "./lease.js";
import { type QueuedCaller, WaitQueue } from "./queue.js";

/** The most callers that wait at one prefetch. */
const WAITING_MAX = 100_000;
/** How often held permits are checked. */
export const TICK_MS = 50;
/** How long a failure without a delay holds. */
const PAUSE_MS = 1_000;
/** How long a refusal holds at least. */
const PAUSE_MIN_MS = 50;
/** Callers that have so little time left are failed together with the one that found no server. */
const UNREACHABLE_MARGIN_MS = 250;
/** Permits that expire this soon are returned while others can still use them. */
const EXPIRY_MARGIN_MS = 100;

/** How far ahead of demand permits are held. */
export interface Holding {
  readonly horizonMs: number;
  readonly idleTimeoutMs: number;
  readonly maxPermits: number;
}

/** The callers that a request was made for: those before position `end`. Its wait is that of the one that may wait least. */
export interface Covered {
  readonly mostUrgent: number | undefined;
  readonly end: number;
}

/** A request that is to be sent. */
export interface RefillRequest {
  readonly permits: number;
  readonly maxWaitMs: number;
  readonly covered: Covered;
}

/** A refusal of a request for waiting callers: until it ends, nothing is requested for callers. */
interface StandingRefusal {
  readonly error: AcquireError;
  readonly until: number;
  readonly isFinal: boolean;
}

/** The held leases, oldest first, and the waiting callers. While one waits, nothing that it could take is held. */
export class PrefetchState {
  readonly queue = new WaitQueue();
  readonly #holding: Holding;
  readonly #leases: LeaseState[] = [];
  readonly #demand = new RecentDemand();
  #lastUsed = -Infinity;
  #isContended = false;
  #hasMiss = false;
  #pausedUntil = -Infinity;
  #refusal: StandingRefusal | undefined;

  constructor(holding: Holding) {
    this.#holding = holding;
  }

  /** The number of permits held. */
  get held(): number {
    return this.#leases.reduce((sum, lease) => sum + lease.left, 0);
  }

  /** Takes a permit into use, never ahead of a waiting caller. */
  take(now: number): LeaseState | undefined {
    if (this.queue.size > 0) return undefined;
    for (let lease = this.#leases[0]; lease !== undefined; lease = this.#leases[0]) {
      if (lease.take(now)) {
        this.#taken(now);
        return lease;
      }
      this.#leases.shift()?.returnAll();
    }
    return undefined;
  }

  /** Notes that a caller that would not wait left without a permit. */
  miss(): void {
    this.#hasMiss = true;
  }

  /** Queues a caller, and returns its position. Throws if too many wait, or if it would only get the refusal of others. */
  enter(now: number, caller: QueuedCaller): number {
    if (this.queue.size >= WAITING_MAX) {
      throw new RefusedError("CALLER_QUEUE_FULL", `${String(WAITING_MAX)} callers are waiting at this prefetch`);
    }
    const refusal = this.#standing(now);
    if (refusal !== undefined && (refusal.isFinal || caller.waitUntil <= refusal.until)) throw refusal.error;
    return this.queue.enter(caller);
  }

  /** Hands the permits of a new lease to waiting callers, and keeps the rest, or one for a miss if others wait for it. */
  add(now: number, lease: LeaseState): void {
    this.#isContended = lease.isContended;
    this.#pausedUntil = now;
    this.#refusal = undefined;
    if (this.#hasMiss) this.#lastUsed = now;
    while (this.queue.size > 0 && lease.take(now)) {
      this.#taken(now);
      this.queue.deliver(lease);
    }
    if (lease.isContended) lease.returnUpTo(lease.left - (this.#hasMiss ? 1 : 0));
    this.#hasMiss = false;
    if (lease.left === 0 || now >= lease.end) {
      lease.returnAll();
      return;
    }
    lease.lowMark = Math.floor(lease.left / 2);
    this.#leases.push(lease);
  }

  /** Fails the caller whose wait is over, and those that cannot wait for a retry: all covered if none can succeed. */
  refuse(now: number, error: AcquireError, covered: Covered): void {
    const isRefusal = error instanceof RefusedError || error instanceof InvalidResponseError;
    const isFinal = isRefusal && error.retryAfterMs === undefined;
    const pauseMs = error.retryAfterMs === undefined ? PAUSE_MS : Math.max(error.retryAfterMs, PAUSE_MIN_MS);
    const retryAt = now + (error.retryAfterMs === undefined ? (isRefusal ? 0 : UNREACHABLE_MARGIN_MS) : pauseMs);
    this.queue.fail(
      error,
      ({ position, caller }) =>
        position === covered.mostUrgent || caller.waitUntil <= retryAt || (isFinal && position < covered.end),
    );
    this.#hasMiss = false;
    this.#pausedUntil = now + pauseMs;
    // A request ahead of demand waits at the server for a short time only, so its refusal does not hold for callers.
    if (isRefusal && covered.mostUrgent !== undefined) this.#refusal = { error, until: this.#pausedUntil, isFinal };
  }

  /** Passes a permit in use that was not used to a waiting caller, or back into its lease. */
  putBack(now: number, lease: LeaseState): void {
    if (now < lease.end && this.queue.deliver(lease)) return;
    lease.putBack();
  }

  /** Returns what is idle, about to expire, or more than will be taken soon. */
  returnExcess(now: number): void {
    if (this.#isIdle(now)) this.returnAll();
    for (let lease = this.#leases[0]; lease !== undefined; lease = this.#leases[0]) {
      if (lease.left > 0 && lease.end > now + EXPIRY_MARGIN_MS) break;
      this.#leases.shift()?.returnAll();
    }
    const held = this.held;
    const keep = Math.max(this.#target(now), 1);
    let excess = Math.floor(held / 2) >= keep ? held - keep : 0;
    for (const lease of this.#leases.toReversed()) {
      if (excess === 0) break;
      excess -= lease.returnUpTo(excess);
      lease.lowMark = Math.floor(lease.left / 2);
    }
  }

  /** Returns the request to send now, if one is due. */
  refill(now: number): RefillRequest | undefined {
    if (now < this.#resumesAt(now)) return undefined;
    const due = this.#due();
    const held = this.held;
    const target = this.#target(now);
    if (due === 0 && held > Math.floor(target / 3)) return undefined;
    const permits = Math.min(due + Math.max(target - held, 0), this.#holding.maxPermits);
    if (permits === 0) return undefined;
    const urgent = this.queue.mostUrgent();
    const maxWaitMs = urgent === undefined ? this.#holding.horizonMs : Math.max(urgent.caller.waitUntil - now, 0);
    return { permits, maxWaitMs, covered: { mostUrgent: urgent?.position, end: this.queue.next } };
  }

  /** Whether a request in flight is still needed. */
  needsRefill(now: number): boolean {
    return this.#due() > 0 || this.#target(now) > this.held;
  }

  /** Returns when to look again, if nothing happens before. */
  nextCheck(now: number): number {
    if (this.#leases.length > 0) return now + TICK_MS;
    const resumesAt = this.#resumesAt(now);
    return this.#due() > 0 && now < resumesAt ? resumesAt : Infinity;
  }

  /** Returns everything to the server. */
  returnAll(): void {
    for (const lease of this.#leases.splice(0)) lease.returnAll();
  }

  /** Spends everything, because the provider throttles. */
  spendAll(): void {
    for (const lease of this.#leases.splice(0)) lease.spend();
  }

  #taken(now: number): void {
    this.#demand.record(now);
    this.#lastUsed = now;
  }

  #isIdle(now: number): boolean {
    return now >= this.#lastUsed + this.#holding.idleTimeoutMs;
  }

  #standing(now: number): StandingRefusal | undefined {
    return this.#refusal !== undefined && now < this.#refusal.until ? this.#refusal : undefined;
  }

  /** When something may be requested. */
  #resumesAt(now: number): number {
    if (this.queue.size === 0) return this.#pausedUntil;
    return this.#standing(now)?.until ?? now;
  }

  /** The permits that callers wait for, or one for a miss. */
  #due(): number {
    return Math.max(this.queue.size, this.#hasMiss ? 1 : 0);
  }

  /** The permits to hold ahead of demand: none while requests of others wait, and none when idle. */
  #target(now: number): number {
    if (this.#isContended || this.#isIdle(now)) return 0;
    return Math.min(this.#demand.forecast(now, this.#holding.horizonMs), this.#holding.maxPermits);
  }
}
