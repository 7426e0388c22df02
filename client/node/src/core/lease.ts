/** The permits of one lease: each is left, in use, used, returned or spent. */

import { LeaseReport, type Urgency } from "./report.js";
import type { ShareGrant } from "./share.js";
import type { TimedObservation } from "./timed.js";

/** How long an observation waits at most, if another one follows then. */
const OBSERVATION_WAIT_MS = 500;

/** Where leases report to. */
export interface ReportSink {
  /** Queues a report. */
  report(report: LeaseReport, urgency: Urgency): void;
  /** Notes that a lease has made its last report. */
  forget(lease: LeaseState): void;
}

/** What was granted, by a server under an id, or from the local share. */
export interface GrantedLease {
  readonly permits: number;
  readonly end: number;
  readonly priority: string;
  readonly isContended: boolean;
  readonly source: string | ShareGrant;
}

/** The counts of one lease. No permit can be taken at or after its end. */
export class LeaseState {
  readonly permits: number;
  readonly end: number;
  readonly priority: string;
  readonly isContended: boolean;
  left: number;
  inUse = 0;
  /** The number of permits left at which a refill is due. */
  lowMark = 0;
  #isFinal = false;
  #used = 0;
  #returned = 0;
  #isOpen = true;
  #observations: TimedObservation[] = [];
  readonly #sink: ReportSink;
  readonly #source: string | ShareGrant;

  constructor(sink: ReportSink, granted: GrantedLease) {
    this.#sink = sink;
    this.permits = this.left = granted.permits;
    this.end = granted.end;
    this.priority = granted.priority;
    this.isContended = granted.isContended;
    this.#source = granted.source;
  }

  /** The permits that came back. */
  get returned(): number {
    return this.#returned;
  }

  /** Whether it is of the local share. */
  get isLocal(): boolean {
    return typeof this.#source !== "string";
  }

  /** Takes one permit into use, unless none is left or the lease has ended. */
  take(now: number): boolean {
    if (this.left === 0 || now >= this.end) return false;
    this.left -= 1;
    this.inUse += 1;
    return true;
  }

  /** Notes that a permit in use was used. */
  done(): void {
    if (this.inUse === 0) return;
    this.inUse -= 1;
    this.#used += 1;
    this.#finishIfEmpty();
  }

  /** Puts back a permit in use that was not used. It can be taken again, or is returned if the others were. */
  putBack(): void {
    if (this.inUse === 0) return;
    this.inUse -= 1;
    if (this.#isOpen) {
      this.left += 1;
    } else {
      this.#giveBack(1);
      this.#finishIfEmpty();
    }
  }

  /** Returns up to so many permits that are left, and says how many. */
  returnUpTo(most: number): number {
    const returned = Math.min(Math.max(most, 0), this.left);
    this.left -= returned;
    this.#giveBack(returned);
    return returned;
  }

  /** Returns what is left. Nothing can be taken any more; what is in use can still be put back. */
  returnAll(): void {
    this.#isOpen = false;
    this.returnUpTo(this.left);
    this.#finishIfEmpty();
  }

  /** Spends what is left: in a window in which the provider throttles it is useless to anyone. */
  spend(): void {
    this.#isOpen = false;
    this.left = 0;
    this.#finishIfEmpty();
  }

  /** Reports what a response said: a throttle at once, the rest in company. */
  observe(seen: TimedObservation): void {
    if (typeof this.#source !== "string") return;
    this.#observations.push(seen);
    const first = this.#observations[0] ?? seen;
    if (seen.isThrottled) this.#report("throttle");
    else if (this.#isFinal || seen.receivedAt >= first.receivedAt + OBSERVATION_WAIT_MS) this.#report("usual");
  }

  /** Ends the lease: what is in use counts as used, what is left is returned, and no report of counts follows. */
  finish(): void {
    this.#used += this.inUse;
    this.inUse = 0;
    this.returnAll();
  }

  #giveBack(unused: number): void {
    if (unused === 0) return;
    this.#returned += unused;
    if (typeof this.#source !== "string") this.#source.giveBack(unused);
    this.#report("returns");
  }

  #finishIfEmpty(): void {
    if (this.#isFinal || this.inUse > 0 || this.left > 0) return;
    this.#isOpen = false;
    this.#isFinal = true;
    this.#report("usual");
    this.#sink.forget(this);
  }

  #report(urgency: Urgency): void {
    if (typeof this.#source !== "string") return;
    // A report that only returns permits says nothing of those that may still be put back.
    const usedPermits = urgency === "returns" ? 0 : this.#used;
    const counts = { usedPermits, returnedPermits: this.#returned, isFinal: this.#isFinal };
    const observations = this.#observations;
    this.#observations = [];
    this.#sink.report(new LeaseReport(this.#source, this.end, counts, observations), urgency);
  }
}
