/** One report of how a lease was used. */

import { create } from "@bufbuild/protobuf";
import { type SettleLeaseRequest, SettleLeaseRequestSchema } from "../gen/apportion/v1/quota_service_pb.js";
import type { TimedObservation } from "./timed.js";

/** The most observations of one request, as the contract allows. */
const OBSERVATIONS_MAX = 64;
/** The most observations that wait for one lease. Beyond, those go first that are no throttle. */
const WAITING_OBSERVATIONS_MAX = 1_024;
const THROTTLE_LIFE_MS = 60_000;
const OBSERVATION_LIFE_MS = 10_000;

/** How long a report waits for others, to be sent in one call with them. */
export const LINGER_MS = { usual: 50, returns: 20, throttle: 0 } as const;

/** What a report is about, and so how long it waits. */
export type Urgency = keyof typeof LINGER_MS;

/** Whom leases are granted to. */
export interface Identity {
  readonly workspace: string;
  readonly team: string;
  readonly caller: string;
}

/** The counts of a lease, which are cumulative. */
export interface Counts {
  readonly usedPermits: number;
  readonly returnedPermits: number;
  readonly isFinal: boolean;
}

/** The counts of one lease, and the observations since its last report. */
export class LeaseReport {
  readonly leaseId: string;
  readonly leaseEnd: number;
  counts: Counts;
  observations: TimedObservation[];

  constructor(leaseId: string, leaseEnd: number, counts: Counts, observations: TimedObservation[]) {
    this.leaseId = leaseId;
    this.leaseEnd = leaseEnd;
    this.counts = counts;
    this.observations = observations;
  }

  /** Takes in a later report of the same lease, whose counts include those of this one. */
  merge(later: LeaseReport): void {
    this.counts = later.counts;
    this.observations = [...this.observations, ...later.observations];
    let excess = this.observations.length - WAITING_OBSERVATIONS_MAX;
    if (excess <= 0) return;
    const kept = this.observations.filter((seen) => seen.isThrottled || excess-- <= 0);
    this.observations = kept.slice(0, WAITING_OBSERVATIONS_MAX);
  }

  /** Whether nothing can be returned any more, and the observations are old. */
  isUseless(now: number): boolean {
    const isOld = (seen: TimedObservation): boolean =>
      now >= seen.receivedAt + (seen.isThrottled ? THROTTLE_LIFE_MS : OBSERVATION_LIFE_MS);
    return now >= this.leaseEnd && this.observations.every(isOld);
  }

  /** Returns the requests to send: all bear the counts, and only the last one is final. */
  requests(identity: Identity, now: number): SettleLeaseRequest[] {
    const sendable = this.observations.map((seen) => seen.at(now)).filter((message) => message !== undefined);
    const parts = Math.max(Math.ceil(sendable.length / OBSERVATIONS_MAX), 1);
    return Array.from({ length: parts }, (_, part) =>
      create(SettleLeaseRequestSchema, {
        ...identity,
        leaseId: this.leaseId,
        usedPermits: this.counts.usedPermits,
        returnedPermits: this.counts.returnedPermits,
        isFinal: this.counts.isFinal && part === parts - 1,
        observations: sendable.slice(part * OBSERVATIONS_MAX, (part + 1) * OBSERVATIONS_MAX),
      }),
    );
  }
}
