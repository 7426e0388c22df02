/** Permits that a client grants by itself while no server is reachable, if it is configured to. */

/** The longest life of a local lease. A short one makes its permits free again early. */
const LIFE_MAX_MS = 2_000;

/** Permits of a share that were granted together. */
export class ShareGrant {
  permits: number;
  readonly end: number;
  readonly freeAt: number;

  constructor(permits: number, end: number, freeAt: number) {
    this.permits = permits;
    this.end = end;
    this.freeAt = freeAt;
  }

  /** Gives back permits that will not be used. */
  giveBack(unused: number): void {
    this.permits = Math.max(this.permits - unused, 0);
  }
}

/**
 * At most so many permits in any span as long as a window.
 *
 * The provider's windows are not known, so every span counts. A permit is free again one window after its lease ended, which is
 * after its latest possible use. One that comes back unused is free at once.
 */
export class LocalShare {
  readonly #permits: number;
  readonly #windowMs: number;
  #grants: ShareGrant[] = [];

  constructor(permits: number, windowMs: number) {
    this.#permits = permits;
    this.#windowMs = windowMs;
  }

  /** Grants up to `most` permits, or nothing if fewer than `least` are free. */
  take(now: number, most: number, least: number): ShareGrant | undefined {
    this.#grants = this.#grants.filter((grant) => now < grant.freeAt && grant.permits > 0);
    const out = this.#grants.reduce((sum, grant) => sum + grant.permits, 0);
    const permits = Math.min(most, this.#permits - out);
    if (permits < Math.max(least, 1)) return undefined;
    const end = now + Math.min(this.#windowMs / 4, LIFE_MAX_MS);
    const grant = new ShareGrant(permits, end, end + this.#windowMs);
    this.#grants.push(grant);
    return grant;
  }
}
