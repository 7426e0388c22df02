/** What a client counts of itself. Imports nothing: whoever uses its types needs none of those of its calls. */

/** Counts for diagnosis. */
export interface QuotaCounts {
  /** The permits that are held ahead. */
  readonly held: number;
  /** The permits that were taken and whose scope has not ended. */
  readonly inUse: number;
  /** The callers that wait. */
  readonly waiting: number;
  /** The leases with a report that is not sent yet. */
  readonly pendingReports: number;
  /** The leases that are not settled for good. */
  readonly openLeases: number;
}
