/** HTTP clients with the hooks of the library in them. */

import { create } from "@bufbuild/protobuf";
import type { PermitSource } from "apportion";
import { permitAdapter } from "apportion/axios";
import { permitFetch, permitInterceptor } from "apportion/undici";
import axios, { type AxiosResponse } from "axios";
import axiosRetry from "axios-retry";
import { Agent as HttpAgent } from "node:http";
import { Agent, type Dispatcher, H2CClient, interceptors, request } from "undici";
import { headerPairs, UnsupportedError } from "./convert.js";
import * as wire from "./driver_pb.js";

const REDIRECTS_MAX = 10;

/** The hooks, with the features of each. */
export const HOOKS: Readonly<Record<string, readonly string[]>> = {
  undici: ["redirects", "retries", "http2"],
  fetch: ["redirects"],
  axios: ["retries"],
};

/** An HTTP client that keeps its connections. */
export interface HttpClient {
  /** Sends one request, and reads the final response. */
  send(message: wire.HttpSend, signal: AbortSignal): Promise<wire.HttpResult>;
  /** Closes its connections. */
  close(): Promise<void>;
}

/** Opens an HTTP client. */
export function openHttp(message: wire.HttpOpen, source: PermitSource): HttpClient {
  const client = opened(message, source);
  const { timeoutMs } = message;
  if (timeoutMs === undefined) return client;
  return {
    send: (request, signal) => client.send(request, AbortSignal.any([signal, AbortSignal.timeout(Number(timeoutMs))])),
    close: () => client.close(),
  };
}

function opened(message: wire.HttpOpen, source: PermitSource): HttpClient {
  if (message.hook === "undici") return new UndiciClient(message, source);
  if (message.hook === "fetch") return new FetchClient(message, source);
  if (message.hook === "axios") return new AxiosClient(message, source);
  throw new UnsupportedError(`hook ${message.hook}`);
}

class UndiciClient implements HttpClient {
  readonly #agent: Agent;
  readonly #dispatcher: Dispatcher;

  constructor(message: wire.HttpOpen, source: PermitSource) {
    this.#agent = new Agent(message.http2 ? { factory: (origin) => new H2CClient(origin) } : {});
    const composed = [permitInterceptor(source)];
    if (message.followRedirects) composed.push(interceptors.redirect({ maxRedirections: REDIRECTS_MAX }));
    if (message.retries > 0) {
      composed.push(interceptors.retry({ maxRetries: message.retries, minTimeout: 1, maxTimeout: 1 }));
    }
    this.#dispatcher = this.#agent.compose(composed);
  }

  async send(message: wire.HttpSend, signal: AbortSignal): Promise<wire.HttpResult> {
    const response = await request(message.url, {
      dispatcher: this.#dispatcher,
      method: message.method,
      headers: headerPairs(message.headers).flat(),
      body: message.body ?? null,
      signal,
    });
    return result(response.statusCode, Object.entries(response.headers), await response.body.bytes());
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

class FetchClient implements HttpClient {
  readonly #agent = new Agent();
  readonly #fetch: ReturnType<typeof permitFetch>;
  readonly #redirect: "follow" | "manual";

  constructor(message: wire.HttpOpen, source: PermitSource) {
    this.#fetch = permitFetch(source, { dispatcher: this.#agent });
    this.#redirect = message.followRedirects ? "follow" : "manual";
  }

  async send(message: wire.HttpSend, signal: AbortSignal): Promise<wire.HttpResult> {
    const response = await this.#fetch(message.url, {
      method: message.method,
      headers: headerPairs(message.headers),
      body: message.body ?? null,
      redirect: this.#redirect,
      signal,
    });
    return result(response.status, [...response.headers], await response.bytes());
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

class AxiosClient implements HttpClient {
  readonly #agent = new HttpAgent({ keepAlive: true });
  readonly #client;

  constructor(message: wire.HttpOpen, source: PermitSource) {
    this.#client = axios.create({
      adapter: permitAdapter(source),
      maxRedirects: 0,
      httpAgent: this.#agent,
      responseType: "arraybuffer",
      proxy: false,
    });
    if (message.retries > 0) axiosRetry(this.#client, { retries: message.retries, retryDelay: () => 1 });
  }

  async send(message: wire.HttpSend, signal: AbortSignal): Promise<wire.HttpResult> {
    const { method, url, body } = message;
    const headers = Object.fromEntries(headerPairs(message.headers));
    const response = await this.#client
      .request<Uint8Array>({ method, url, headers, data: body, signal })
      .catch((error: unknown) => finalResponse(error));
    return result(response.status, Object.entries(response.headers), response.data);
  }

  close(): Promise<void> {
    this.#agent.destroy();
    return Promise.resolve();
  }
}

/** Returns the response of an error that is about its status. */
function finalResponse(error: unknown): AxiosResponse<Uint8Array> {
  if (axios.isAxiosError<Uint8Array>(error) && error.response !== undefined) return error.response;
  throw error;
}

function result(status: number, headers: (readonly [string, unknown])[], body: Uint8Array): wire.HttpResult {
  const lines = headers.flatMap(([name, values]) => [values].flat().map((value) => ({ name, value: String(value) })));
  return create(wire.HttpResultSchema, { response: { status, headers: lines, body } });
}
