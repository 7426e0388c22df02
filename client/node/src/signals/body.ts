/** Strings in JSON bodies. */

import type { BodyMatch } from "../gen/apportion/v1/signals_pb.js";
import { BODY_MAX } from "../observation.js";

const DEPTH_MAX = 32;
const STEP = /([A-Za-z0-9_-]+)|\[([0-9]{1,2})\]/g;

/** Returns the value of a body, or nothing if it is no JSON text that is looked at. */
export function parsed(body: Uint8Array | undefined): unknown {
  if (body === undefined || body.length > BODY_MAX) return undefined;
  try {
    // A byte order mark is no JSON, and stays here to be refused.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    return depth(text) > DEPTH_MAX ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a condition holds for the value of a body. */
export function bodyHolds(match: BodyMatch, body: unknown): boolean {
  let value = body;
  for (const [, name, index] of match.path.matchAll(STEP)) {
    value = name === undefined ? element(value, Number(index)) : member(value, name);
  }
  if (typeof value !== "string") return false;
  if (match.text.case === "equals") return value === match.text.value;
  return match.text.case === "contains" && value.includes(match.text.value);
}

function member(value: unknown, name: string): unknown {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function element(value: unknown, index: number): unknown {
  return Array.isArray(value) ? (value as unknown[])[index] : undefined;
}

/** Returns how deep a JSON text is nested. */
function depth(text: string): number {
  let deepest = 0;
  let now = 0;
  // Strings are passed over: brackets in them nest nothing.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\[^])*"|[[\]{}]/g)) {
    if (token === "[" || token === "{") deepest = Math.max(deepest, (now += 1));
    else if (token === "]" || token === "}") now -= 1;
  }
  return deepest;
}
