/** What a response of the provider says about its limits. */

/**
 * What one response of the provider said about one limit. Report only what was read, never an estimate.
 *
 * A value that the server would not accept is left out, so that one odd response does no harm.
 */
export interface Observation {
  /** The id of the limit. By default the limit with the shortest window. */
  readonly limit?: string | undefined;
  /** The HTTP status. */
  readonly status?: number | undefined;
  /** The permits per window, as the provider counts them. */
  readonly limitPermits?: number | undefined;
  /** The permits that remain in the window, as the provider counts them. */
  readonly remainingPermits?: number | undefined;
  /** The end of the window on the provider's clock, in nanoseconds since the Unix epoch. */
  readonly resetTimeNs?: bigint | undefined;
  /** The end of the window as a span after the response. */
  readonly resetAfterMs?: number | undefined;
  /** The rounding error of the reset, in either direction. */
  readonly resetPrecisionMs?: number | undefined;
  /** Whether the provider refused the request because the window is exhausted. */
  readonly throttled?: boolean | undefined;
  /** How long after the response to send nothing. */
  readonly retryAfterMs?: number | undefined;
  /** How long ago the response was received. By default now. */
  readonly ageMs?: number | undefined;
}

/** A response of the provider, as readers get it. */
export interface ProviderResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The headers by their names in lower case. The values of a header that occurs repeatedly are joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** The body, if it was read and has at most 4 KiB. */
  readonly body?: Uint8Array | undefined;
}

/** Reads what a response says about limits. What it throws is a warning, and the response is taken to say nothing. */
export type Reader = (response: ProviderResponse) => Iterable<Observation> | Observation | undefined;

/** Headers as HTTP clients have them. */
export type HeadersLike =
  Iterable<readonly [string, string]> | Readonly<Record<string, string | number | readonly string[] | null | undefined>>;

/** The largest body that a reader gets, in bytes. */
export const BODY_MAX = 4_096;

/** Returns a response for readers. */
export function response(status: number, headers: HeadersLike, body?: Uint8Array): ProviderResponse {
  const byName = new Map<string, string>();
  const add = (name: string, value: string): void => {
    const key = asciiLower(name);
    const before = byName.get(key);
    const stripped = value.replace(/^[ \t]+|[ \t]+$/g, "");
    byName.set(key, before === undefined ? stripped : `${before}, ${stripped}`);
  };
  if (isIterable(headers)) {
    for (const [name, value] of headers) add(name, value);
  } else {
    for (const [name, value] of Object.entries(headers)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== null && one !== undefined) add(name, String(one));
      }
    }
  }
  return { status, headers: byName, body: body !== undefined && body.length <= BODY_MAX ? body : undefined };
}

/** Returns the text with its ASCII letters in lower case. */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function isIterable(headers: HeadersLike): headers is Iterable<readonly [string, string]> {
  return Symbol.iterator in headers;
}
