/** Leases for tests of what decides, and what they reported. */

import { LeaseState } from "../src/core/lease.js";
import type { LeaseReport, Urgency } from "../src/core/report.js";

/** Remembers reports. */
export class Reported {
  readonly reports: { readonly report: LeaseReport; readonly urgency: Urgency }[] = [];
  readonly forgotten: LeaseState[] = [];
  #leases = 0;

  report(report: LeaseReport, urgency: Urgency): void {
    this.reports.push({ report, urgency });
  }

  forget(lease: LeaseState): void {
    this.forgotten.push(lease);
  }

  /** The permits that came back so far. */
  get returned(): number {
    const last = new Map(this.reports.map(({ report }) => [report.leaseId, report.counts.returnedPermits]));
    return [...last.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Grants a lease. */
  lease(permits: number, end = 10_000, isContended = false): LeaseState {
    this.#leases += 1;
    return new LeaseState(this, { permits, end, priority: "DEFAULT", isContended, source: `lease-${String(this.#leases)}` });
  }
}
