/** The number of permits taken recently. */

/** How long a taken permit counts as recent. */
export const RECENT_MS = 500;
const SLICES = 10;
const SLICE_MS = RECENT_MS / SLICES;

/** The permits taken in the last half second, in slices of 50 ms. */
export class RecentDemand {
  readonly #slices = new Array<number>(SLICES).fill(0);
  #latest = 0;

  /** Counts a permit that is taken at `now`. */
  record(now: number): void {
    this.#advance(now);
    const at = this.#latest % SLICES;
    this.#slices[at] = (this.#slices[at] ?? 0) + 1;
  }

  /** Returns the permits that will be taken within the horizon at the recent rate: rounded down, at most those taken. */
  forecast(now: number, horizonMs: number): number {
    this.#advance(now);
    const recent = this.#slices.reduce((sum, taken) => sum + taken, 0);
    return Math.floor((recent * Math.min(horizonMs, RECENT_MS)) / RECENT_MS);
  }

  #advance(now: number): void {
    const latest = Math.floor(now / SLICE_MS);
    if (latest <= this.#latest) return;
    const passed = Math.min(latest - this.#latest, SLICES);
    for (let back = 0; back < passed; back += 1) this.#slices[(latest - back) % SLICES] = 0;
    this.#latest = latest;
  }
}
