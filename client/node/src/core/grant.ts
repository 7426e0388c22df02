/** Requests for leases and granted leases, as messages. */

import { create } from "@bufbuild/protobuf";
import { InvalidResponseError } from "../errors.js";
import {
  type AcquireLeaseRequest,
  AcquireLeaseRequestSchema,
  type AcquireLeaseResponse,
} from "../gen/apportion/v1/quota_service_pb.js";
import { Priority as WirePriority } from "../gen/apportion/v1/priority_pb.js";
import type { GrantedLease } from "./lease.js";
import type { Identity } from "./report.js";
import { fromWire, toWire } from "./span.js";

/** What is served first when permits are scarce. */
export type Priority = "CRITICAL" | "DEFAULT" | "SHEDDABLE";

/** What a lease is requested with. */
export interface Ask {
  readonly permits: number;
  readonly minPermits: number | undefined;
  /** Undefined: that of the team. */
  readonly priority: Priority | undefined;
  readonly maxWaitMs: number;
}

/** Returns the message that requests a lease. */
export function requestOf(identity: Identity, ask: Ask, waitMs: number, requestId: string): AcquireLeaseRequest {
  const message = create(AcquireLeaseRequestSchema, {
    ...identity,
    priority: WirePriority[ask.priority ?? "UNSPECIFIED"],
    permits: ask.permits,
    maxWait: toWire(waitMs),
    requestId,
  });
  if (ask.minPermits !== undefined) message.minPermits = ask.minPermits;
  return message;
}

/** Returns the lease of a response. Its end counts from when that attempt was sent, so a late answer cannot extend it. */
export function granted(response: AcquireLeaseResponse, sentAt: number): GrantedLease {
  const { lease } = response;
  if (lease === undefined) throw new InvalidResponseError("the response contains no lease");
  const heldMs = fromWire(lease.held);
  const validForMs = fromWire(lease.validFor);
  if (heldMs < 0 || validForMs < 0) throw new InvalidResponseError("the lease has a negative duration");
  const priority = (WirePriority[lease.priority] as string | undefined) ?? "UNSPECIFIED";
  return {
    permits: lease.permits,
    end: sentAt + heldMs + validForMs,
    priority: priority === "UNSPECIFIED" ? "" : priority,
    isContended: lease.contended,
    source: lease.leaseId,
  };
}
