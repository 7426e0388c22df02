/** Reads the status of a call that failed. */

import type { Duration } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfo, RetryInfo } from "../core/details.js";
import { CallFailure } from "../core/failure.js";
import { fromWire } from "../core/span.js";

/** Returns the name of a code as the protocol and the clients of other languages write it, such as `RESOURCE_EXHAUSTED`. */
export function codeName(code: Code): string {
  const name = code === Code.Canceled ? "Cancelled" : (Code[code] ?? "Unknown");
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

/** Returns the failure with what its details say. Details that cannot be read are left out. */
export function failureOf(error: unknown): CallFailure {
  const failed = ConnectError.from(error);
  const [info] = failed.findDetails(ErrorInfo) as { reason?: unknown }[];
  const [retry] = failed.findDetails(RetryInfo) as { retryDelay?: Duration }[];
  return new CallFailure(codeOf(failed), failed.rawMessage === "" ? Code[failed.code] : failed.rawMessage, {
    reason: typeof info?.reason === "string" ? info.reason : undefined,
    retryAfterMs: retry === undefined ? undefined : Math.max(fromWire(retry.retryDelay), 0),
  });
}

/** Returns the code, which for a connection that was reset is not the library's: that one looks like a server's answer. */
function codeOf(failed: ConnectError): Code {
  const isOfNode = failed.cause instanceof Error && "code" in failed.cause;
  return failed.code === Code.Aborted && isOfNode ? Code.Unavailable : failed.code;
}
