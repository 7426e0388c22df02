import axios from "axios";
import { Agent as HttpAgent, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { Agent, type Dispatcher, interceptors, request } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { permitAdapter } from "../src/axios.js";
import { connect, ConfigError, type Quota, RefusedError } from "../src/index.js";
import { FakeServer } from "../src/testing.js";
import { permitFetch, permitInterceptor } from "../src/undici.js";

let server: FakeServer;
let quota: Quota;
let provider: Server;
let url: string;
let arrivals: string[];
let agent: Dispatcher;

/** Counts arrivals; the path says what it answers. */
function answer(message: IncomingMessage, response: ServerResponse): void {
  const path = message.url ?? "/";
  arrivals.push(path);
  if (path.startsWith("/redirect")) response.writeHead(307, { location: "/ok" }).end();
  else if (path.startsWith("/throttled"))
    response.writeHead(429, { "retry-after": "1", "x-ratelimit-limit": "7" }).end("slow down");
  else if (path.startsWith("/flaky") && arrivals.length < 3) response.writeHead(503).end();
  else if (path.startsWith("/slow")) setTimeout(() => response.end("at last"), 700);
  else if (path.startsWith("/broken") && arrivals.length < 2) message.socket.destroy();
  else response.writeHead(200, { "x-ratelimit-remaining": "5" }).end("fine");
}

beforeEach(async () => {
  server = await FakeServer.start();
  quota = connect(server.url);
  arrivals = [];
  provider = createServer(answer);
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  const address = provider.address();
  url = `http://127.0.0.1:${typeof address === "object" ? String(address?.port) : ""}`;
  const retry = interceptors.retry({ maxRetries: 4, minTimeout: 1, maxTimeout: 1, statusCodes: [503] });
  agent = new Agent().compose(permitInterceptor(quota), interceptors.redirect({ maxRedirections: 3 }), retry);
});

afterEach(async () => {
  await agent.close();
  await quota.close();
  await server.close();
  provider.closeAllConnections();
  provider.close();
});

/** Expects a permit for each arrival. */
async function expectExact(count: number): Promise<void> {
  expect(arrivals).toHaveLength(count);
  await eventually(() => {
    expect(quota.counts()).toMatchObject({ held: 0, waiting: 0, openLeases: 0 });
  });
  await quota.close();
  expect([server.used, server.used + server.returned]).toEqual([count, server.granted]);
}

test.each([
  ["/ok", 1],
  ["/redirect", 2],
  ["/flaky", 3],
  ["/broken", 2],
])("undici sends %s in %i attempts, and each has a permit", async (path, count) => {
  const response = await request(url + path, { dispatcher: agent });
  expect(await response.body.text()).toBe("fine");
  await expectExact(count);
});

test("fetch takes a permit for each redirect", async () => {
  const fetch = permitFetch(quota);
  const response = await fetch(`${url}/redirect`);
  expect(await response.text()).toBe("fine");
  await expectExact(2);
});

test("axios takes a permit, and refuses to follow redirects", async () => {
  const client = axios.create({ adapter: permitAdapter(quota), validateStatus: null });
  expect((await client.get(`${url}/ok`)).data).toBe("fine");
  expect((await client.get(`${url}/redirect`)).status).toBe(307);
  await expect(client.get(`${url}/redirect`, { maxRedirects: 5 })).rejects.toThrow(ConfigError);
  await expectExact(2);
});

test.each([
  ["undici", async () => (await request(`${url}/throttled`, { dispatcher: agent })).body.dump()],
  ["fetch", async () => (await permitFetch(quota)(`${url}/throttled`)).text()],
  ["axios", () => axios.get(`${url}/throttled`, { adapter: permitAdapter(quota), validateStatus: null })],
])("%s reports a throttle", async (_, send) => {
  await send();
  await eventually(() => {
    const seen = server.observations.at(-1);
    expect(seen).toMatchObject({ status: 429, throttled: true, limitPermits: 7, retryAfter: { seconds: 1n } });
  });
});

test.each([
  ["undici", (to: string) => request(to, { dispatcher: new Agent().compose(permitInterceptor(quota)) })],
  ["fetch", (to: string) => permitFetch(quota)(to)],
  ["axios", (to: string) => axios.get(to, { adapter: permitAdapter(quota) })],
])("%s gives the permit back if no connection was made", async (_, send) => {
  provider.close();
  await expect(send(url)).rejects.toThrow();
  await quota.close();
  expect([server.granted, server.used, server.returned]).toEqual([1, 0, 1]);
});

test.each([
  ["undici", (to: string) => request(to, { dispatcher: agent })],
  ["fetch", (to: string) => permitFetch(quota)(to)],
  ["axios", (to: string) => axios.get(to, { adapter: permitAdapter(quota) })],
])("%s sends nothing without a permit", async (_, send) => {
  server.refuse("TEAM_PAUSED");
  const error: unknown = await send(url).then(
    () => undefined,
    (failed: unknown) => failed,
  );
  const refused = error instanceof RefusedError ? error : (error as Error).cause;
  expect(refused).toMatchObject({ reason: "TEAM_PAUSED" });
  expect(arrivals).toEqual([]);
});

test("an abort ends the wait for a permit", async () => {
  server.refuse("WINDOW_EXHAUSTED", 5_000);
  const controller = new AbortController();
  const waiting = request(url, { dispatcher: agent, signal: controller.signal });
  await eventually(() => {
    expect(quota.counts().waiting).toBeGreaterThan(0);
  });
  controller.abort();
  await expect(waiting).rejects.toThrow();
  await eventually(() => {
    expect(quota.counts().waiting).toBe(0);
  });
  expect(arrivals).toEqual([]);
});

test("a request that outlives its permit in the queue of a connection waits for another one", async () => {
  server.validFor(350);
  const single = new Agent({ connections: 1 });
  const dispatcher = single.compose(permitInterceptor(quota));
  const get = async (path: string): Promise<string> => (await request(`${url}${path}`, { dispatcher })).body.text();
  expect(await Promise.all([get("/slow"), get("/ok")])).toEqual(["at last", "fine"]);
  expect(server.leases).toBeGreaterThanOrEqual(2);
  await single.close();
  await quota.close();
  await expectExact(2);
});

test("with axios, a request that outlives its permit in the queue of a connection waits for another one", async () => {
  server.validFor(350);
  const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  const client = axios.create({ adapter: permitAdapter(quota), httpAgent, proxy: false });
  const get = async (path: string): Promise<unknown> => (await client.get(`${url}${path}`)).data;
  expect(await Promise.all([get("/slow"), get("/ok")])).toEqual(["at last", "fine"]);
  expect(server.leases).toBeGreaterThanOrEqual(2);
  const body = Readable.from(["a body that can be sent once"]);
  const [slow, streamed] = await Promise.allSettled([get("/slow"), client.post(`${url}/ok`, body)]);
  expect(slow.status).toBe("fulfilled");
  expect(streamed).toMatchObject({
    status: "rejected",
    reason: { message: "every permit ended before a connection was free" },
  });
  httpAgent.destroy();
  await quota.close();
  await expectExact(3);
});

test("axios gives up a connection that is not made in time", async () => {
  const lookup = (): void => undefined; // never finds an address
  const client = axios.create({ adapter: permitAdapter(quota), timeout: 50, proxy: false, lookup });
  await expect(client.get("http://provider.example/")).rejects.toMatchObject({ code: "ECONNABORTED" });
});
