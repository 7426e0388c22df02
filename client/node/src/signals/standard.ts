/** The signals of the standard headers, as in the preset `ietf`. */

import { create } from "@bufbuild/protobuf";
import { type Signals, SignalsSchema, ThrottleEffect, TimeForm } from "../gen/apportion/v1/signals_pb.js";

/** Returns the signals that hold until a server has said what the responses of the provider mean. */
export function standardSignals(): Signals {
  return create(SignalsSchema, {
    limits: [
      {
        limitPermits: { header: "RateLimit-Policy", parameter: "q" },
        remainingPermits: { header: "RateLimit", parameter: "r" },
        reset: { header: "RateLimit", parameter: "t", form: TimeForm.SECONDS },
      },
      {
        limitPermits: { header: "RateLimit-Limit" },
        remainingPermits: { header: "RateLimit-Remaining" },
        reset: { header: "RateLimit-Reset", form: TimeForm.SECONDS },
      },
    ],
    throttles: [
      { response: { statuses: [429] } },
      { response: { statuses: [503], headers: [{ header: "Retry-After" }] }, effect: ThrottleEffect.PAUSED },
    ],
    retryAfter: [
      { header: "Retry-After", form: TimeForm.SECONDS },
      { header: "Retry-After", form: TimeForm.HTTP_DATE },
    ],
  });
}
