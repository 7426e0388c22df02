/**
 * An adapter for axios that takes a permit for each attempt on the wire, and reports what responses say.
 *
 * ```ts
 * const client = axios.create({ adapter: permitAdapter(quota), maxRedirects: 0 });
 * ```
 *
 * What sends again above the adapter, such as axios-retry, takes a permit each time.
 *
 * @module
 */

import axios, { type AxiosAdapter, AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from "axios";
import { ConfigError } from "./errors.js";
import { Attempt, PERMITS_MAX, PermitEnded } from "./http/attempt.js";
import { guardedTransport, type Transport } from "./http/guarded.js";
import type { HeadersLike } from "./observation.js";
import type { PermitSource } from "./source.js";

/** Errors that tell that nothing was sent. */
const UNSENT: ReadonlySet<string | undefined> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);

/**
 * Returns an adapter that takes a permit before it sends. Where none is granted the request fails with `AcquireError`.
 *
 * `maxRedirects` of a request must be 0 or not set, and no redirect is followed: axios would send again below its adapter,
 * without a permit. `inner` is the adapter that sends, by default that of Node.js' `http`. With that one, a request whose permit
 * ends while it waits for a connection waits for another permit, unless its body is a stream.
 */
export function permitAdapter(source: PermitSource, inner?: AxiosAdapter): AxiosAdapter {
  const send = inner ?? axios.getAdapter("http");
  return async (config) => {
    if ((config.maxRedirects ?? 0) > 0) {
      throw new ConfigError("maxRedirects: must be 0, because axios sends redirects without a permit");
    }
    const { signal } = config;
    for (let permits = 1; ; permits += 1) {
      const permit = await source.permit(signal instanceof AbortSignal ? { signal } : {});
      const attempt = new Attempt(permit, source);
      const transport = guardedTransport(attempt, config.transport as Transport | undefined, config.timeout ?? 0);
      try {
        return await attempted(attempt, send, { ...config, maxRedirects: 0, transport });
      } catch (error) {
        const ended = error instanceof AxiosError && error.cause instanceof PermitEnded ? error.cause : undefined;
        if (ended === undefined) throw error;
        if (permits >= PERMITS_MAX || isStream(config.data)) throw ended;
      }
    }
  };
}

/** Whether a body can be sent only once. */
function isStream(data: unknown): boolean {
  return typeof (data as { pipe?: unknown } | null | undefined)?.pipe === "function" || data instanceof ReadableStream;
}

async function attempted(attempt: Attempt, send: AxiosAdapter, config: InternalAxiosRequestConfig): Promise<AxiosResponse> {
  try {
    const response = await send(config);
    report(attempt, response);
    return response;
  } catch (error) {
    const failed = error instanceof AxiosError ? error : undefined;
    if (failed?.response !== undefined) report(attempt, failed.response);
    else if (UNSENT.has(failed?.code) || failed?.cause instanceof PermitEnded) attempt.unsent();
    throw error;
  } finally {
    attempt.ended();
  }
}

function report(attempt: Attempt, response: AxiosResponse): void {
  attempt.responded(response.status, response.headers as HeadersLike);
  const body = bytes(response.data);
  if (body !== undefined) attempt.received(body);
}

function bytes(data: unknown): Uint8Array | undefined {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return undefined;
}
