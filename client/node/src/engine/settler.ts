/** Sends the reports of a client, one call at a time. */

import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { CallFailure } from "../core/failure.js";
import type { Identity, LeaseReport, Urgency } from "../core/report.js";
import { PendingReports, type ReportBatch } from "../core/reports.js";
import { BatchSettleLeasesRequestSchema } from "../gen/apportion/v1/quota_service_pb.js";
import { now } from "./clock.js";
import type { Service } from "./service.js";

/** How long a call may take. */
const TIMEOUT_MS = 2_000;

/** The waiting reports, and the call in flight. */
export class Settler {
  readonly #pending: PendingReports;
  readonly #warn: (message: string) => void;
  readonly #service: () => Service;
  readonly #wake: () => void;
  #isSending = false;
  #isGivenUp = false;

  constructor(identity: Identity, warn: (message: string) => void, service: () => Service, wake: () => void) {
    this.#pending = new PendingReports(identity, warn);
    this.#warn = warn;
    this.#service = service;
    this.#wake = wake;
  }

  /** The number of leases whose reports wait or are in flight. */
  get size(): number {
    return this.#pending.size + (this.#isSending ? 1 : 0);
  }

  /** When the next call is due. */
  get dueAt(): number {
    return this.#isSending ? Infinity : this.#pending.dueAt;
  }

  /** Adds a report. */
  add(at: number, report: LeaseReport, urgency: Urgency): void {
    if (this.#isGivenUp) return;
    const before = this.#pending.dueAt;
    this.#pending.add(at, report, urgency);
    if (this.#pending.dueAt !== before) this.#wake();
  }

  /** Makes all reports due at once. */
  flush(at: number): void {
    this.#pending.flush(at);
  }

  /** Sends what is due. */
  step(at: number): void {
    const batch = this.#isSending ? undefined : this.#pending.take(at);
    if (batch !== undefined) void this.#send(batch);
  }

  /** Drops what was not sent, and all that comes. */
  giveUp(): void {
    const { size } = this.#pending;
    if (size > 0)
      this.#warn(`the reports of ${String(size)} leases are dropped: they could not be sent before the client was closed`);
    this.#pending.clear();
    this.#isGivenUp = true;
  }

  async #send(batch: ReportBatch): Promise<void> {
    this.#isSending = true;
    const message = create(BatchSettleLeasesRequestSchema, { requests: batch.requests });
    const result = await this.#service().settle(message, TIMEOUT_MS);
    const at = now();
    this.#isSending = false;
    if (this.#isGivenUp) return;
    if (!(result instanceof CallFailure)) this.#pending.answered(at, batch, result.outcomes);
    // A token that is not accepted may be replaced.
    else if (result.isUnavailable || result.code === Code.Unauthenticated) this.#pending.failed(at, batch, result);
    else this.#pending.rejected(at, batch, result);
    this.#wake();
  }
}
