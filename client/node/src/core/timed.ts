/** Observations on their way to the server, within what the contract accepts. */

import { create } from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { type Observation as Message, ObservationSchema } from "../gen/apportion/v1/observation_pb.js";
import type { Observation } from "../observation.js";
import { toWire } from "./span.js";

const PERMITS_MAX = 2 ** 28;
const HOUR_MS = 3_600_000;
const SPAN_MAX_MS = 366 * 86_400_000;
/** The latest reset that may be reported: the start of 2262. */
const RESET_MAX_NS = 9_214_646_400_000_000_000n;
const LIMIT_ID = /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,62})?$/;

/** An observation within bounds, and when its response was received. */
export class TimedObservation {
  readonly receivedAt: number;
  readonly isThrottled: boolean;
  readonly #seen: Observation;

  private constructor(seen: Observation, receivedAt: number) {
    this.#seen = seen;
    this.receivedAt = receivedAt;
    this.isThrottled = seen.throttled === true;
  }

  /** Returns nothing if it is about a limit that cannot exist: without the limit it would be taken for one of another. */
  static of(seen: Observation, now: number): TimedObservation | undefined {
    const limit: unknown = seen.limit ?? "";
    if (typeof limit !== "string" || !LIMIT_ID.test(limit)) return undefined;
    return new TimedObservation({ ...seen }, now - (within(seen.ageMs, 0, Number.MAX_SAFE_INTEGER) ?? 0));
  }

  /** Returns the message as it is sent at `now`, with its age, or nothing if it is too old to be accepted. */
  at(now: number): Message | undefined {
    const ageMs = Math.max(now - this.receivedAt, 0);
    if (ageMs > HOUR_MS) return undefined;
    const seen = this.#seen;
    const message = create(ObservationSchema, {
      limit: seen.limit ?? "",
      status: count(seen.status, 100, 599) ?? 0,
      throttled: this.isThrottled,
      age: toWire(ageMs),
    });
    const limitPermits = count(seen.limitPermits, 0, PERMITS_MAX);
    if (limitPermits !== undefined) message.limitPermits = limitPermits;
    const remainingPermits = count(seen.remainingPermits, 0, PERMITS_MAX);
    if (remainingPermits !== undefined) message.remainingPermits = remainingPermits;
    setReset(message, seen);
    const precision = span(seen.resetPrecisionMs, HOUR_MS);
    if (precision !== undefined) message.resetPrecision = precision;
    const retryAfter = span(seen.retryAfterMs, SPAN_MAX_MS);
    if (retryAfter !== undefined) message.retryAfter = retryAfter;
    return message;
  }
}

function setReset(message: Message, seen: Observation): void {
  const timeNs: unknown = seen.resetTimeNs;
  const after = span(seen.resetAfterMs, SPAN_MAX_MS);
  if (typeof timeNs === "bigint" && timeNs >= 0n && timeNs < RESET_MAX_NS) {
    const seconds = timeNs / 1_000_000_000n;
    const value = create(TimestampSchema, { seconds, nanos: Number(timeNs % 1_000_000_000n) });
    message.reset = { case: "resetTime", value };
  } else if (after !== undefined) {
    message.reset = { case: "resetAfter", value: after };
  }
}

function within(value: unknown, least: number, most: number): number | undefined {
  return typeof value === "number" && value >= least && value <= most ? value : undefined;
}

function count(value: unknown, least: number, most: number): number | undefined {
  const number = within(value, least, most);
  return number !== undefined && Number.isInteger(number) ? number : undefined;
}

function span(value: unknown, mostMs: number): Duration | undefined {
  const spanMs = within(value, 0, mostMs);
  if (spanMs === undefined) return undefined;
  const rounded = toWire(spanMs + 1e-6 / 2);
  return create(DurationSchema, { seconds: rounded.seconds, nanos: rounded.nanos });
}
