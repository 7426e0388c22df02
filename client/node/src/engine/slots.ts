/** The acquires in flight, by priority. Proxies often allow 100 streams a connection: four times 24 stay below. */

import { after } from "./timers.js";

/** The most acquires of each priority in flight. */
const SLOTS = 24;

/** The slots of one priority: whoever finds none free waits, first come, first served. */
export class Slots {
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  /** Takes a slot, if one is free. */
  tryEnter(): boolean {
    if (this.#taken >= SLOTS) return false;
    this.#taken += 1;
    return true;
  }

  /** Waits for a slot. False if none is free in time, or if the wait is aborted. */
  enter(waitMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isEntered: boolean): void => {
        stop();
        this.#waiting.delete(enter);
        signal.removeEventListener("abort", giveUp);
        resolve(isEntered);
      };
      const enter = (): void => {
        end(true);
      };
      const giveUp = (): void => {
        end(false);
      };
      const stop = after(waitMs, giveUp);
      this.#waiting.add(enter);
      signal.addEventListener("abort", giveUp);
    });
  }

  /** Gives a slot back, or on to the first that waits. */
  leave(): void {
    const [first] = this.#waiting;
    if (first === undefined) this.#taken -= 1;
    else first();
  }
}
