/** The usual reader: `X-RateLimit-Limit`, `-Remaining` and `-Reset` (Unix seconds), `Retry-After`, and the status 429. */

import type { Observation, ProviderResponse } from "./observation.js";

const PERMITS_MAX = 2 ** 28;
const SPAN_MAX_S = 366 * 86_400;
const RESET_MAX_S = 9_214_646_400;
const TOO_MANY_REQUESTS = 429;

/**
 * Returns what the response says about the shortest limit.
 *
 * Headers that are absent, malformed or out of bounds are left out. Without a body, every 429 counts as a throttle. With one, a
 * 429 about a cap on jobs does not: its delay concerns jobs, and would stop all requests.
 */
export function readHeaders(response: ProviderResponse): Observation {
  const isJobCap = response.body !== undefined && isAboutJobs(response.body);
  const resetS = integer(response, "x-ratelimit-reset", RESET_MAX_S - 1);
  const retryAfterS = isJobCap ? undefined : integer(response, "retry-after", SPAN_MAX_S);
  return {
    status: response.status,
    limitPermits: integer(response, "x-ratelimit-limit", PERMITS_MAX),
    remainingPermits: integer(response, "x-ratelimit-remaining", PERMITS_MAX),
    resetTimeNs: resetS === undefined ? undefined : BigInt(resetS) * 1_000_000_000n,
    throttled: response.status === TOO_MANY_REQUESTS && !isJobCap,
    retryAfterMs: retryAfterS === undefined ? undefined : retryAfterS * 1_000,
  };
}

/** Whether the body of a response with this status helps `readHeaders`. */
export function needsBody(status: number): boolean {
  return status === TOO_MANY_REQUESTS;
}

function isAboutJobs(body: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(body);
  return text.includes(" pending ") && text.includes(" jobs");
}

function integer(response: ProviderResponse, name: string, most: number): number | undefined {
  const text = (response.headers.get(name) ?? "").trim();
  if (!/^[0-9]{1,15}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= most ? value : undefined;
}
