/** What a failed call means for the next attempt. */

import { Code } from "@connectrpc/connect";
import { RefusedError } from "../errors.js";

const OF_TRANSPORT: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.Unknown,
  Code.Internal,
  Code.Canceled,
  Code.DeadlineExceeded,
]);

/** The status of a call that failed, with its details. */
export class CallFailure {
  readonly code: Code;
  readonly message: string;
  /** The reason of the server; undefined if the status has no details, so that it may not be the server's. */
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** Whether the same call goes elsewhere, or with another token, when it is repeated. Then it need not be delayed. */
  readonly isRerouted: boolean;

  constructor(
    code: Code,
    message: string,
    details: { reason?: string | undefined; retryAfterMs?: number | undefined } = {},
    isRerouted = false,
  ) {
    this.code = code;
    this.message = message;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
    this.isRerouted = isRerouted;
  }

  /** Whether it is not of the server: a broken connection, no answer in time, or a proxy in between. */
  get isOfTransport(): boolean {
    return this.reason === undefined && OF_TRANSPORT.has(this.code);
  }

  /** Whether the server is unreachable or cannot serve now, so that the same call is to be repeated. */
  get isUnavailable(): boolean {
    return this.isRerouted || this.isOfTransport || this.code === Code.Unavailable;
  }

  /** Whether the lease that an earlier attempt was granted has ended: the request is repeated with a new id. */
  get isLeaseEnded(): boolean {
    return !this.isUnavailable && this.reason === "LEASE_ENDED";
  }

  /** Returns the error of a refusal. */
  toError(): RefusedError {
    return new RefusedError(this.reason ?? "", this.message, this.retryAfterMs);
  }
}
