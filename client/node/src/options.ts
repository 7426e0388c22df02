/** What permits and leases are requested with, checked. */

import type { Ask, Priority } from "./core/grant.js";
import type { Holding } from "./core/prefetch.js";

const PRIORITIES: readonly unknown[] = ["CRITICAL", "DEFAULT", "SHEDDABLE"];
const PERMITS_MAX = 2 ** 28;
const MAX_WAIT_MS = 10_000;
const HORIZON_MS = 250;
const HORIZON_MAX_MS = 500;
const IDLE_TIMEOUT_MS = 200;
const PREFETCH_MAX = 500;

/** How a caller waits for a permit. */
export interface WaitOptions {
  /** How long to wait at most. By default 10 s, or that of the prefetch. */
  readonly maxWaitMs?: number | undefined;
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How a permit is requested. */
export interface PermitOptions extends WaitOptions {
  /** What is served first when permits are scarce. By default the priority of the team. */
  readonly priority?: Priority | undefined;
}

/** How a lease is requested. */
export interface AcquireOptions extends PermitOptions {
  /** The least number of permits to accept. By default all of them. */
  readonly minPermits?: number | undefined;
}

/** How a prefetch holds permits. */
export interface PrefetchOptions {
  /** What is served first when permits are scarce. By default the priority of the team. */
  readonly priority?: Priority | undefined;
  /** How long a caller waits at most. By default 10 s. */
  readonly maxWaitMs?: number | undefined;
  /** How far ahead of demand permits are held, at most 500. By default 250. With 0 each is requested when it is needed. */
  readonly horizonMs?: number | undefined;
  /** After how long without a take held permits are returned. By default 200. */
  readonly idleTimeoutMs?: number | undefined;
  /** The most permits to request at once. By default 500. */
  readonly maxPermits?: number | undefined;
}

/** Returns what to request. Throws a `RangeError` that names the option, its value, and what it must be. */
export function checkedAsk(permits: number, options: AcquireOptions): Ask {
  return {
    permits: checkedCount("permits", permits, PERMITS_MAX),
    minPermits: options.minPermits === undefined ? undefined : checkedCount("minPermits", options.minPermits, permits),
    priority: checkedPriority(options.priority),
    maxWaitMs: checkedSpan("maxWaitMs", options.maxWaitMs ?? MAX_WAIT_MS),
  };
}

/** Returns how to hold permits. Throws a `RangeError`. */
export function checkedHolding(options: PrefetchOptions): Holding {
  return {
    horizonMs: Math.min(checkedSpan("horizonMs", options.horizonMs ?? HORIZON_MS), HORIZON_MAX_MS),
    idleTimeoutMs: checkedSpan("idleTimeoutMs", options.idleTimeoutMs ?? IDLE_TIMEOUT_MS),
    maxPermits: checkedCount("maxPermits", options.maxPermits ?? PREFETCH_MAX, PERMITS_MAX),
  };
}

/** Returns a span of time in milliseconds, which may be `Infinity`. Throws a `RangeError`. */
export function checkedSpan(name: string, spanMs: number): number {
  if (typeof spanMs === "number" && spanMs >= 0) return spanMs;
  throw new RangeError(`${name}: must be 0 or more milliseconds, and is ${String(spanMs)}`);
}

function checkedPriority(priority: Priority | undefined): Priority | undefined {
  if (priority === undefined || PRIORITIES.includes(priority)) return priority;
  throw new RangeError(`priority: must be one of ${PRIORITIES.join(", ")}, and is ${JSON.stringify(priority)}`);
}

function checkedCount(name: string, count: number, most: number): number {
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw new RangeError(`${name}: must be an integer from 1 to ${String(most)}, and is ${String(count)}`);
}
