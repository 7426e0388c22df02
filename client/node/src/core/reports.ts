/** The reports that wait to be sent: merged by lease, until one of them is due. */

import { toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { Refusal } from "../gen/apportion/v1/lease_pb.js";
import type { SettleLeaseRequest, SettleOutcome } from "../gen/apportion/v1/quota_service_pb.js";
import { SettleLeaseRequestSchema } from "../gen/apportion/v1/quota_service_pb.js";
import { Reason } from "../gen/apportion/v1/reason_pb.js";
import { Backoff } from "./backoff.js";
import type { CallFailure } from "./failure.js";
import { type Identity, type LeaseReport, LINGER_MS, type Urgency } from "./report.js";
import { fromWire } from "./span.js";

/** The most leases whose reports wait. Further ones are dropped, and the permits that they return are spent. */
const WAITING_MAX = 100_000;
/** The most requests of one call, as the contract allows. */
const REQUESTS_MAX = 1_000;
/** The largest call, well below the 1 MiB that a server accepts unless it is configured otherwise. */
const BYTES_MAX = 512 * 1_024;
const TOO_MUCH: ReadonlySet<Code> = new Set([Code.InvalidArgument, Code.OutOfRange, Code.ResourceExhausted]);

/** The reports of one call, with the number of requests of each. */
export interface ReportBatch {
  readonly reports: { readonly report: LeaseReport; readonly count: number }[];
  readonly requests: SettleLeaseRequest[];
}

/** The waiting reports, oldest first, by lease. */
export class PendingReports {
  readonly #identity: Identity;
  readonly #warn: (message: string) => void;
  #reports = new Map<string, LeaseReport>();
  #dueAt = Infinity;
  #pausedUntil = 0;
  #backoff = new Backoff();
  #requestsMax = REQUESTS_MAX;

  constructor(identity: Identity, warn: (message: string) => void) {
    this.#identity = identity;
    this.#warn = warn;
  }

  /** The number of leases whose reports wait. */
  get size(): number {
    return this.#reports.size;
  }

  /** When the next call is due; `Infinity` if nothing waits. */
  get dueAt(): number {
    return Math.max(this.#dueAt, this.#pausedUntil);
  }

  /** Adds a report, or drops it with a warning if too many wait. */
  add(now: number, report: LeaseReport, urgency: Urgency): void {
    const waiting = this.#reports.get(report.leaseId);
    if (waiting !== undefined) {
      waiting.merge(report);
    } else if (this.#reports.size < WAITING_MAX) {
      this.#reports.set(report.leaseId, report);
    } else {
      this.#warn(`a lease report is dropped: ${String(WAITING_MAX)} are waiting`);
      return;
    }
    this.#dueAt = Math.min(this.#dueAt, now + LINGER_MS[urgency]);
  }

  /** Makes all reports due at once. */
  flush(now: number): void {
    if (this.#reports.size > 0) this.#dueAt = this.#pausedUntil = now;
  }

  /** Drops all reports. */
  clear(): void {
    this.#reports.clear();
    this.#dueAt = Infinity;
  }

  /** Takes the reports of the next call, if it is due. The rest stays due. */
  take(now: number): ReportBatch | undefined {
    if (now < this.dueAt) return undefined;
    const batch: ReportBatch = { reports: [], requests: [] };
    let bytes = 0;
    for (const [leaseId, report] of this.#reports) {
      const requests = report.requests(this.#identity, now);
      for (const request of requests) bytes += toBinary(SettleLeaseRequestSchema, request).length + 8;
      const isFull = batch.requests.length + requests.length > this.#requestsMax || bytes > BYTES_MAX;
      if (isFull && batch.requests.length > 0) break;
      this.#reports.delete(leaseId);
      batch.reports.push({ report, count: requests.length });
      batch.requests.push(...requests);
    }
    if (this.#reports.size === 0) this.#dueAt = Infinity;
    return batch;
  }

  /** Notes the answer to a call, and keeps the reports that are to be sent again. */
  answered(now: number, batch: ReportBatch, outcomes: readonly SettleOutcome[]): void {
    this.#backoff = new Backoff();
    this.#requestsMax = REQUESTS_MAX;
    const again: LeaseReport[] = [];
    let delayMs = 0;
    let at = 0;
    for (const { report, count } of batch.reports) {
      const refusal = lastRefusal(outcomes.slice(at, at + count));
      at += count;
      if (refusal === undefined || !this.#isRepeated(report, refusal)) continue;
      again.push(report);
      delayMs = Math.max(delayMs, fromWire(refusal.retryAfter));
    }
    if (again.length === 0) return;
    this.#pause(now, delayMs);
    this.#putBack(now, again);
  }

  /** Notes that a call failed, and keeps its reports as long as they are of use. */
  failed(now: number, batch: ReportBatch, failure: CallFailure): void {
    if (!failure.isRerouted) this.#pause(now, failure.retryAfterMs ?? 0);
    this.#putBack(
      now,
      batch.reports.map(({ report }) => report),
    );
  }

  /** Notes that a call was refused as a whole. Fewer requests at once may be accepted. */
  rejected(now: number, batch: ReportBatch, failure: CallFailure): void {
    if (batch.requests.length <= 1 || !TOO_MUCH.has(failure.code)) {
      this.#warn(`${String(batch.reports.length)} lease reports are dropped: ${failure.message}`);
      return;
    }
    this.#requestsMax = Math.max(Math.floor(batch.requests.length / 2), 1);
    this.failed(now, batch, failure);
  }

  #pause(now: number, atLeastMs: number): void {
    this.#pausedUntil = now + this.#backoff.next(atLeastMs);
  }

  /** Puts back reports that were not accepted, before those that wait. Later reports of the same leases win. */
  #putBack(now: number, reports: readonly LeaseReport[]): void {
    const kept = new Map<string, LeaseReport>();
    let useless = 0;
    for (const report of reports) {
      const later = this.#reports.get(report.leaseId);
      if (later !== undefined) report.merge(later);
      this.#reports.delete(report.leaseId);
      if (report.isUseless(now)) useless += 1;
      else kept.set(report.leaseId, report);
    }
    if (useless > 0)
      this.#warn(`${String(useless)} lease reports are dropped: they could not be sent before their leases ended`);
    for (const [leaseId, report] of this.#reports) if (kept.size < WAITING_MAX) kept.set(leaseId, report);
    this.#reports = kept;
    this.#dueAt = kept.size > 0 ? now : Infinity;
  }

  #isRepeated(report: LeaseReport, refusal: Refusal): boolean {
    if (refusal.retryAfter !== undefined) return true;
    const name = Reason[refusal.reason] as string | undefined;
    this.#warn(`the report of lease ${report.leaseId} is refused (${name ?? String(refusal.reason)}): ${refusal.message}`);
    // An observation that the server does not accept must not take the returned permits with it.
    const isAboutObservation = refusal.reason === Reason.MALFORMED || refusal.reason === Reason.UNKNOWN_LIMIT;
    const hasObservations = report.observations.length > 0;
    report.observations = [];
    return isAboutObservation && hasObservations;
  }
}

function lastRefusal(outcomes: readonly SettleOutcome[]): Refusal | undefined {
  const refusals = outcomes.flatMap(({ outcome }) => (outcome.case === "refusal" ? [outcome.value] : []));
  return refusals.at(-1);
}
