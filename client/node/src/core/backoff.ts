/** Exponential backoff with jitter, so that clients of a server that restarts do not all retry at once. */

const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/** The delays between the attempts of one request. */
export class Backoff {
  #boundMs = FIRST_MS;

  /** Returns the next delay: from half of a bound that doubles to the whole of it, and at least `atLeastMs`. */
  next(atLeastMs = 0): number {
    const delayMs = this.#boundMs * (0.5 + Math.random() / 2);
    this.#boundMs = Math.min(this.#boundMs * 2, LONGEST_MS);
    return Math.max(delayMs, atLeastMs);
  }
}
