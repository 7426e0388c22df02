/**
 * Signals: what the responses of a provider say about its limits, as data. A client gets those of its workspace from the server;
 * `connect` takes others in their place.
 *
 * ```ts
 * const signals: SignalsInit = { limits: [{ remainingPermits: { header: "X-Remaining" } }], throttles: [{ response: { statuses: [420] } }] };
 * const quota = connect("http://127.0.0.1:7420", { signals });
 * ```
 *
 * @module
 */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SignalsSchema } from "./gen/apportion/v1/signals_pb.js";
import { type HeadersLike, response } from "./observation.js";
import { type Interpretation, interpretBy } from "./signals/interpret.js";
import { checkedSignals } from "./signals/reader.js";

export { CountForm, SignalsSchema, ThrottleEffect, TimeForm } from "./gen/apportion/v1/signals_pb.js";
export type { Interpretation } from "./signals/interpret.js";

/** Signals, as a message of the API or as the fields of one. The reference of the API describes them. */
export type SignalsInit = MessageInitShape<typeof SignalsSchema>;

/** Returns what a response says by signals, and whether its request counted. Throws `ConfigError` if the signals are invalid. */
export function interpret(signals: SignalsInit, status: number, headers: HeadersLike, body?: Uint8Array): Interpretation {
  return interpretBy(checkedSignals(signals), response(status, headers, body));
}
