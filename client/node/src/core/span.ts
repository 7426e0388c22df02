/** Spans of time as messages. Everywhere else they are milliseconds. */

import { create } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";

/** Returns the span as a message, rounded down to nanoseconds. */
export function toWire(spanMs: number): Duration {
  const seconds = Math.floor(spanMs / 1_000);
  const nanos = Math.min(Math.floor((spanMs - seconds * 1_000) * 1e6), 999_999_999);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos });
}

/** Returns the span of a message, which may be negative. */
export function fromWire(span: Duration | undefined): number {
  return span === undefined ? 0 : Number(span.seconds) * 1_000 + span.nanos / 1e6;
}
