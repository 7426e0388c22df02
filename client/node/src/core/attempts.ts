/** When the attempts of one request are sent, how long each may take, and when the request ends. */

import { Backoff } from "./backoff.js";

/** A request has at least so long for the way to the server and back, even if it may not wait there. */
export const LEAST_MS = 250;
const HOUR_MS = 3_600_000;
/** How long before the end of an attempt the server must have answered, so that a late answer is not taken for an outage. */
const ANSWER_MARGIN_MS = 100;
/** How long an attempt may take while no server is known to be reachable and a local share could be used instead. */
const PROBE_MS = 1_000;
/** How often in a row an attempt is repeated at once. */
const AT_ONCE_MAX = 3;

/** One attempt: how long the call may take, and how long the server may let the request wait. */
export interface Attempt {
  readonly timeoutMs: number;
  readonly waitMs: number;
}

/** The attempts of one request. */
export class Attempts {
  readonly #backoff = new Backoff();
  readonly #maxWaitMs: number;
  #start: number;
  #atOnce = 0;

  constructor(now: number, maxWaitMs: number) {
    this.#start = now;
    this.#maxWaitMs = Math.min(maxWaitMs, HOUR_MS);
  }

  /** When the request ends without an answer. */
  get end(): number {
    return this.#start + Math.max(this.#maxWaitMs, LEAST_MS);
  }

  /** Returns the attempt that is sent now. A probe only finds out whether a server is reachable again. */
  next(now: number, isProbe: boolean): Attempt {
    const leftMs = Math.max(this.end - now, 0);
    const timeoutMs = isProbe ? Math.min(leftMs, PROBE_MS) : leftMs;
    const allowedMs = Math.max(this.#start + this.#maxWaitMs - now, 0);
    return { timeoutMs, waitMs: Math.min(allowedMs, Math.max(timeoutMs - ANSWER_MARGIN_MS, 0)) };
  }

  /** Returns how long to wait before the next attempt. The last one is sent early enough to be answered. */
  delay(now: number, atLeastMs: number, isRerouted: boolean): number {
    if (isRerouted && this.#atOnce < AT_ONCE_MAX) {
      this.#atOnce += 1;
      return 0;
    }
    this.#atOnce = 0;
    const leftMs = Math.max(this.end - now - LEAST_MS, 0);
    const delayMs = this.#backoff.next(atLeastMs);
    return delayMs > leftMs && leftMs > atLeastMs ? leftMs : delayMs;
  }

  /** Whether an attempt after the delay would come too late. */
  isOverAfter(now: number, delayMs: number): boolean {
    return now + delayMs >= this.end;
  }

  /** Starts the request's time anew, because it waits for a server however long that takes. */
  restart(now: number): void {
    this.#start = now;
  }
}
