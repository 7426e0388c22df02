/** The callers that wait for a permit of one prefetch, first come, first served. */

import type { AcquireError } from "../errors.js";
import { Heap } from "./heap.js";
import type { LeaseState } from "./lease.js";

/** A caller: how long it may wait, when it is failed if it has no answer, and how it is answered. */
export interface QueuedCaller {
  readonly waitUntil: number;
  readonly failAt: number;
  grant(lease: LeaseState): void;
  fail(error: AcquireError): void;
}

/** A caller with its position. */
export interface Queued {
  readonly position: number;
  readonly caller: QueuedCaller;
}

/** How many answered callers are kept before their places are freed. */
const COMPACTED_ABOVE = 1_024;

/** The waiting callers by position, which only grows. */
export class WaitQueue {
  #places: (QueuedCaller | undefined)[] = [];
  /** The position of the first place. */
  #base = 0;
  /** The first place that may be taken. */
  #head = 0;
  #size = 0;
  #byWait = new Heap<Queued>(({ caller }) => caller.waitUntil);

  /** The number of callers. */
  get size(): number {
    return this.#size;
  }

  /** The position of the next caller to enter. */
  get next(): number {
    return this.#base + this.#places.length;
  }

  /** Adds a caller, and returns its position. */
  enter(caller: QueuedCaller): number {
    const position = this.next;
    this.#places.push(caller);
    this.#byWait.push({ position, caller });
    this.#size += 1;
    return position;
  }

  /** Removes a caller, and returns it. */
  leave(position: number): QueuedCaller | undefined {
    const caller = this.#at(position);
    if (caller === undefined) return undefined;
    this.#places[position - this.#base] = undefined;
    this.#size -= 1;
    if (this.#size === 0) this.#clear();
    return caller;
  }

  /** Returns the caller that may wait least. */
  mostUrgent(): Queued | undefined {
    for (;;) {
      const first = this.#byWait.first;
      if (first === undefined || this.#at(first.position) === first.caller) return first;
      this.#byWait.pop();
    }
  }

  /** Hands a permit that was taken to the first caller. False if there is none. */
  deliver(lease: LeaseState): boolean {
    while (this.#head < this.#places.length) {
      const caller = this.leave(this.#base + this.#head);
      if (caller === undefined) {
        this.#head += 1;
        this.#compact();
        continue;
      }
      caller.grant(lease);
      return true;
    }
    return false;
  }

  /** Fails every caller that is affected. */
  fail(error: AcquireError, isAffected: (queued: Queued) => boolean): void {
    const all = this.#places.map((caller, at) => ({ position: this.#base + at, caller }));
    for (const { position, caller } of all) {
      if (caller !== undefined && isAffected({ position, caller })) this.leave(position)?.fail(error);
    }
  }

  /** Fails the callers that have waited too long. */
  failLate(now: number, error: () => AcquireError): void {
    for (;;) {
      const urgent = this.mostUrgent();
      if (urgent === undefined || urgent.caller.failAt > now) return;
      this.leave(urgent.position);
      urgent.caller.fail(error());
    }
  }

  #at(position: number): QueuedCaller | undefined {
    return position < this.#base ? undefined : this.#places[position - this.#base];
  }

  #compact(): void {
    if (this.#head <= COMPACTED_ABOVE || this.#head * 2 < this.#places.length) return;
    this.#places = this.#places.slice(this.#head);
    this.#base += this.#head;
    this.#head = 0;
  }

  #clear(): void {
    this.#base = this.next;
    this.#places = [];
    this.#head = 0;
    this.#byWait = new Heap<Queued>(({ caller }) => caller.waitUntil);
  }
}
