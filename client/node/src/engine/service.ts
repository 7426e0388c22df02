/** The calls that a client makes, whoever answers them. */

import type { CallFailure } from "../core/failure.js";
import type {
  AcquireLeaseRequest,
  AcquireLeaseResponse,
  BatchSettleLeasesRequest,
  BatchSettleLeasesResponse,
  GetSignalsResponse,
} from "../gen/apportion/v1/quota_service_pb.js";

/** Answers calls. None takes longer than its timeout, whatever it waits for, and none rejects. */
export interface Service {
  /** Requests a lease, until the signal is aborted. */
  acquire(message: AcquireLeaseRequest, timeoutMs: number, signal: AbortSignal): Promise<AcquireLeaseResponse | CallFailure>;
  /** Sends reports. */
  settle(message: BatchSettleLeasesRequest, timeoutMs: number): Promise<BatchSettleLeasesResponse | CallFailure>;
  /** Gets the signals of a workspace. */
  signals(workspace: string, timeoutMs: number): Promise<GetSignalsResponse | CallFailure>;
  /** Closes all connections. */
  close(): void;
}
