/** Interprets one response by signals. Nothing here throws: what cannot be read is absent. */

import type { Duration } from "@bufbuild/protobuf/wkt";
import { fromWire } from "../core/span.js";
import {
  CountForm,
  type CountSource,
  type HeaderMatch,
  type LimitSignal,
  type ResponseMatch,
  type Signals,
  ThrottleEffect,
  type ThrottleSignal,
  type TimeSource,
} from "../gen/apportion/v1/signals_pb.js";
import { asciiLower, type Observation, type ProviderResponse } from "../observation.js";
import { bodyHolds, parsed } from "./body.js";
import { parameterOf } from "./item.js";
import { integer } from "./number.js";
import { httpDate, isSpan, readTime, type Time } from "./time.js";

const PERMITS_MAX = 2 ** 28;
const VALUE = /^[\t -~]{0,1024}$/;
const NS_PER_MS = 1e6;

/** What a response says, and whether its request counted. */
export interface Interpretation {
  readonly observations: Observation[];
  readonly isCounted: boolean;
}

/** Interprets a response. */
export function interpretBy(signals: Signals, response: ProviderResponse): Interpretation {
  const seen = new Map<string, Observation>();
  for (const signal of signals.limits) {
    const observation = seen.has(signal.limit) ? undefined : ofLimit(signal, response);
    if (observation !== undefined) seen.set(signal.limit, observation);
  }
  const throttle = signals.throttles.find((each) => matches(each.response, response));
  if (throttle !== undefined) refuse(signals, throttle, response, seen);
  const status = response.status >= 100 && response.status <= 599 ? response.status : undefined;
  return {
    observations: [...seen.values()].map((observation) => ({ ...observation, status })),
    isCounted: !signals.uncounted.some((each) => matches(each, response)),
  };
}

/** Whether a condition on the body may decide what a status means. */
export function wantsBody(signals: Signals, status: number): boolean {
  return signals.throttles.some(
    ({ response }) => response !== undefined && response.body.length > 0 && hasStatus(response, status),
  );
}

function ofLimit(signal: LimitSignal, response: ProviderResponse): Observation | undefined {
  if (!signal.headers.every((match) => headerHolds(match, response))) return undefined;
  const limitPermits = count(signal.limitPermits, response, true);
  const remainingPermits = count(signal.remainingPermits, response, false);
  const reset = time(signal.reset, response);
  if (limitPermits === undefined && remainingPermits === undefined && reset === undefined) return undefined;
  return {
    limit: signal.limit,
    limitPermits,
    remainingPermits,
    resetTimeNs: reset?.isInstant === true ? reset.ns : undefined,
    resetAfterMs: reset?.isInstant === false ? milliseconds(reset.ns) : undefined,
    resetPrecisionMs: reset === undefined ? undefined : spanOf(signal.reset?.precision),
  };
}

function refuse(signals: Signals, throttle: ThrottleSignal, response: ProviderResponse, seen: Map<string, Observation>): void {
  if (throttle.effect === ThrottleEffect.UNRELATED) return;
  const throttled = throttle.effect !== ThrottleEffect.PAUSED;
  const retryAfterMs = retryAfter(signals, response) ?? spanOf(throttle.defaultRetryAfter);
  if (!throttled && retryAfterMs === undefined) return;
  seen.set(throttle.limit, { limit: throttle.limit, ...seen.get(throttle.limit), throttled, retryAfterMs });
}

function retryAfter(signals: Signals, response: ProviderResponse): number | undefined {
  for (const source of signals.retryAfter) {
    const found = time(source, response);
    const span = found?.isInstant === true ? sinceDate(found.ns, response) : found?.ns;
    if (span !== undefined && isSpan(span)) return milliseconds(span);
  }
  return undefined;
}

/** Returns the distance of an instant from when the response was sent, by the clock of its sender. */
function sinceDate(ns: bigint, response: ProviderResponse): bigint | undefined {
  const date = value(response, "date");
  const sent = date === undefined ? undefined : httpDate(date);
  if (sent === undefined) return undefined;
  return ns > sent ? ns - sent : 0n;
}

function matches(match: ResponseMatch | undefined, response: ProviderResponse): boolean {
  if (match === undefined || !hasStatus(match, response.status)) return false;
  if (!match.headers.every((each) => headerHolds(each, response))) return false;
  if (match.body.length === 0) return true;
  const body = parsed(response.body);
  return match.body.every((each) => bodyHolds(each, body));
}

function hasStatus(match: ResponseMatch, status: number): boolean {
  return match.statuses.length === 0 || match.statuses.includes(status);
}

function headerHolds(match: HeaderMatch, response: ProviderResponse): boolean {
  const text = value(response, match.header);
  if (text === undefined) return false;
  const folded = asciiLower(text);
  return match.values.length === 0 || match.values.some((each) => asciiLower(each) === folded);
}

function count(source: CountSource | undefined, response: ProviderResponse, isLimit: boolean): number | undefined {
  const written = source === undefined ? undefined : text(source, response);
  const found = source === undefined || written === undefined ? undefined : counted(written, source.form, isLimit);
  return found !== undefined && found <= PERMITS_MAX ? found : undefined;
}

function counted(written: string, form: CountForm, isLimit: boolean): number | undefined {
  if (form === CountForm.UNSPECIFIED || form === CountForm.INTEGER) return integer(written);
  if (form !== CountForm.USED_OF_LIMIT) return undefined;
  const [used, limit, ...more] = written.split("/").map(integer);
  if (used === undefined || limit === undefined || more.length > 0) return undefined;
  return isLimit ? limit : Math.max(limit - used, 0);
}

function time(source: TimeSource | undefined, response: ProviderResponse): Time | undefined {
  const written = source === undefined ? undefined : text(source, response);
  return source === undefined || written === undefined ? undefined : readTime(written, source.form);
}

function text(source: CountSource | TimeSource, response: ProviderResponse): string | undefined {
  const found = value(response, source.header);
  return found === undefined || source.parameter === "" ? found : parameterOf(found, source.item, source.parameter);
}

function value(response: ProviderResponse, header: string): string | undefined {
  const found = response.headers.get(asciiLower(header));
  return found !== undefined && VALUE.test(found) ? found : undefined;
}

function spanOf(span: Duration | undefined): number | undefined {
  return span === undefined ? undefined : fromWire(span);
}

function milliseconds(ns: bigint): number {
  return Number(ns) / NS_PER_MS;
}
