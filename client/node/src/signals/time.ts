/** Instants and durations as responses write them, in nanoseconds. */

import { TimeForm } from "../gen/apportion/v1/signals_pb.js";
import { integer, scaled } from "./number.js";

const MS = 1_000_000n;
const SECOND = 1_000n * MS;
const DAY = 86_400n * SECOND;
/** The longest duration that can be reported. */
const SPAN_MAX = 366n * DAY;
/** Instants from the start of 2262 on cannot be reported. */
const INSTANT_MAX = 9_214_646_400n * SECOND;
/** The units of durations, in the order in which they must come. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["d", DAY],
  ["h", 3_600n * SECOND],
  ["m", 60n * SECOND],
  ["s", SECOND],
  ["ms", MS],
  ["us", 1_000n],
]);
const PART = /([0-9.]+)(ms|us|d|h|m|s)/y;
const RFC_3339 =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$/;
const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT$/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

type Parser = (text: string) => bigint | undefined;
const seconds: Parser = (text) => scaled(text, SECOND);
const INSTANTS: Readonly<Partial<Record<TimeForm, Parser>>> = {
  [TimeForm.UNIX_SECONDS]: seconds,
  [TimeForm.UNIX_MILLISECONDS]: milliseconds,
  [TimeForm.RFC_3339]: rfc3339,
  [TimeForm.HTTP_DATE]: httpDate,
};
const DURATIONS: Readonly<Partial<Record<TimeForm, Parser>>> = {
  [TimeForm.SECONDS]: seconds,
  [TimeForm.MILLISECONDS]: milliseconds,
  [TimeForm.DURATION]: duration,
};

/** An instant since the Unix epoch, or a duration. */
export interface Time {
  readonly ns: bigint;
  readonly isInstant: boolean;
}

/** Returns the time that is written in a form, unless it is not or is out of range. */
export function readTime(text: string, form: TimeForm): Time | undefined {
  const instant = INSTANTS[form]?.(text);
  if (instant !== undefined) return instant >= 0n && instant < INSTANT_MAX ? { ns: instant, isInstant: true } : undefined;
  const span = DURATIONS[form]?.(text);
  return span !== undefined && isSpan(span) ? { ns: span, isInstant: false } : undefined;
}

/** Whether a duration can be reported. */
export function isSpan(ns: bigint): boolean {
  return ns >= 0n && ns <= SPAN_MAX;
}

/** Returns an HTTP date. */
export function httpDate(text: string): bigint | undefined {
  const match = HTTP_DATE.exec(text);
  if (match === null) return undefined;
  const [, day, month = "", year, hour, minute, second] = match;
  return instantOf([year, MONTHS.indexOf(month) + 1, day, hour, minute, second].map(Number));
}

function milliseconds(text: string): bigint | undefined {
  const count = integer(text);
  return count === undefined ? undefined : BigInt(count) * MS;
}

function duration(text: string): bigint | undefined {
  const units = [...UNITS.keys()];
  let total = 0n;
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const [, number = "", unit = ""] = PART.exec(text) ?? [];
    if (!units.includes(unit)) return undefined;
    const ns = scaled(number, UNITS.get(unit) ?? 0n);
    if (ns === undefined) return undefined;
    total += ns;
    units.splice(0, units.indexOf(unit) + 1);
  }
  return text === "" ? undefined : total;
}

function rfc3339(text: string): bigint | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const at = instantOf(match.slice(1, 7).map(Number));
  if (at === undefined) return undefined;
  const [decimals = "", sign, hours, minutes] = match.slice(7);
  const ns = at + BigInt(decimals.slice(0, 9).padEnd(9, "0"));
  if (sign === undefined) return ns;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offset = BigInt(Number(hours) * 3_600 + Number(minutes) * 60) * SECOND;
  return sign === "+" ? ns - offset : ns + offset;
}

/** Returns the instant of a date and time of day in UTC, if there is such a date. */
function instantOf([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: number[]): bigint | undefined {
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  // Unlike `Date.UTC`, this takes the years 0 to 99 for what they are.
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return BigInt(date.setUTCHours(hour, minute, second)) * MS;
}
