import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "./eventually.js";
import { type ConnectOptions, connect, ConfigError, PermitTimeoutError, type Quota, RefusedError } from "../src/index.js";
import { ClosedError, UnreachableError } from "../src/index.js";
import { FakeServer } from "../src/testing.js";

let server: FakeServer;
let quota: Quota;

beforeEach(async () => {
  server = await FakeServer.start();
  quota = connect(server.url, { team: "sync", caller: "sync-1" });
});

afterEach(async () => {
  await quota.close();
  await server.close();
});

test("a permit that leaves its scope is used", async () => {
  {
    await using permit = await quota.permit();
    expect(permit.validForMs).toBeGreaterThan(5_000);
  }
  await quota.close();
  expect([server.granted, server.used, server.returned]).toEqual([1, 1, 0]);
});

test("a permit that is put back is not", async () => {
  (await quota.onDemand().permit()).putBack();
  await quota.close();
  expect([server.granted, server.used, server.returned]).toEqual([1, 0, 1]);
});

test("run counts the permit as used, and passes on what is thrown", async () => {
  const failed = quota.run(() => Promise.reject(new Error("no")));
  await expect(failed).rejects.toThrow("no");
  expect(await quota.run((permit) => permit.priority)).toBe("DEFAULT");
  await quota.close();
  expect(server.used).toBe(2);
});

test("a lease returns what was not taken", async () => {
  {
    await using lease = await quota.acquire(5);
    expect([lease.take(), lease.take(), lease.left]).toEqual([true, true, 3]);
    lease.putBack();
  }
  await quota.flush();
  expect([server.used, server.returned]).toEqual([1, 4]);
});

test("1000 permits take few calls", async () => {
  for (let permit = 0; permit < 1_000; permit += 1) {
    (await quota.permit()).done();
    if (permit % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(server.leases).toBeLessThan(40);
});

test("what is held goes back when nothing is taken", async () => {
  for (let permit = 0; permit < 100; permit += 1) (await quota.permit()).done();
  await eventually(() => {
    expect(server.used + server.returned).toBe(server.granted);
    expect(quota.counts()).toEqual({ held: 0, inUse: 0, waiting: 0, pendingReports: 0, openLeases: 0 });
  });
});

test("a refusal has its reason, and when to ask again", async () => {
  server.refuse("WINDOW_EXHAUSTED", 60_000);
  const refused = await quota.acquire(1, { maxWaitMs: 9_000 }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RefusedError);
  expect(refused).toMatchObject({ reason: "WINDOW_EXHAUSTED", retryAfterMs: 60_000 });
  await expect(quota.permit({ maxWaitMs: 9_000 })).rejects.toMatchObject({ reason: "WINDOW_EXHAUSTED" });
});

test("an abort ends the wait with its reason", async () => {
  server.refuse("WINDOW_EXHAUSTED", 60_000);
  await expect(quota.permit({ maxWaitMs: 9_000 })).rejects.toThrow(RefusedError);
  const controller = new AbortController();
  const waiting = quota.permit({ maxWaitMs: 600_000, signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  expect(quota.counts().waiting).toBe(0);
});

test("a permit without waiting comes with the next call", async () => {
  expect(quota.tryPermit()).toBeUndefined();
  await eventually(() => {
    const permit = quota.tryPermit();
    permit?.done();
    expect(permit).toBeDefined();
  });
});

test("a response is reported, and a throttle gives up what is held", async () => {
  for (let permit = 0; permit < 50; permit += 1) (await quota.permit()).done();
  const permit = await quota.permit();
  expect(quota.counts().held).toBeGreaterThan(0);
  permit.observeResponse(429, { "X-RateLimit-Limit": "100", "retry-after": "3" });
  permit.done();
  expect(quota.counts().held).toBe(0);
  await quota.flush();
  const seen = server.observations.at(-1);
  expect(seen).toMatchObject({ status: 429, throttled: true, limitPermits: 100, retryAfter: { seconds: 3n } });
});

test("after close nothing is granted, and what waits is failed", async () => {
  server.refuse("WINDOW_EXHAUSTED", 500);
  const waiting = expect(quota.permit({ maxWaitMs: 60_000 })).rejects.toThrow(ClosedError);
  expect(await quota.close()).toBe(true);
  await waiting;
  await expect(quota.permit()).rejects.toThrow(ClosedError);
  await expect(quota.acquire(1)).rejects.toThrow(ClosedError);
  expect(quota.tryPermit()).toBeUndefined();
});

test("a permit in use at close is reported when it is done", async () => {
  const permit = await quota.permit();
  await quota.close();
  permit.done();
  await eventually(() => {
    expect(server.used).toBe(1);
  });
});

test.each<[string | string[], ConnectOptions, RegExp]>([
  [[], {}, /addresses: there must be 1 to 16/],
  ["ftp://a", {}, /address "ftp:\/\/a"/],
  ["http://a/path", {}, /scheme, a host and a port only/],
  [["http://a", "https://b"], {}, /all must be http, or all https/],
  ["http://a", { token: "secret" }, /would be sent unencrypted/],
  ["http://127.0.0.1:1", { token: "two words" }, /printable ASCII/],
  ["http://127.0.0.1:1", { tokenFile: "/does/not/exist" }, /tokenFile "\/does\/not\/exist"/],
  ["http://a", { team: "no spaces" }, /team "no spaces"/],
  ["http://a", { fallback: { permits: 0, windowMs: 1 } }, /fallback.permits/],
  ["http://a", { closeTimeoutMs: Number.NaN }, /closeTimeoutMs/],
  ["http://a", { tls: {} }, /tls: needs addresses that start with https/],
  ["https://a", { tls: { certificateAuthority: "-----BEGIN CERTIFICATE-----\nx\n" } }, /tls.certificateAuthority/],
])("the configuration of %j %j is refused by name", (addresses, options, message) => {
  expect(() => connect(addresses, options)).toThrow(ConfigError);
  expect(() => connect(addresses, options)).toThrow(message);
});

describe("without a server", () => {
  let hole: Server;
  let url: string;

  beforeEach(async () => {
    // It accepts connections, and never answers.
    hole = createServer((socket) => socket.on("error", () => undefined).resume());
    await new Promise<void>((resolve) => hole.listen(0, "127.0.0.1", resolve));
    const address = hole.address();
    url = `http://127.0.0.1:${typeof address === "object" ? String(address?.port) : ""}`;
  });

  afterEach(() => {
    hole.close();
  });

  async function elapsed(action: () => Promise<unknown>): Promise<number> {
    const start = performance.now();
    await action();
    return performance.now() - start;
  }

  test("acquires end in time, whatever they wait for, and close does too", async () => {
    await using lost = connect(url, { closeTimeoutMs: 300 });
    const all = Array.from({ length: 30 }, () => lost.acquire(1, { maxWaitMs: 300 }).catch((error: unknown) => error));
    const spanMs = await elapsed(async () => {
      for (const error of await Promise.all(all)) {
        expect(error instanceof UnreachableError || error instanceof PermitTimeoutError).toBe(true);
      }
    });
    expect(spanMs).toBeLessThan(6_000);
    expect(await elapsed(() => lost.close())).toBeLessThan(6_000);
  });

  test("a share is granted at the end of the wait, and no more of it than there is", async () => {
    await using lost = connect(url, { fallback: { permits: 3, windowMs: 60_000 } });
    (await lost.onDemand({ maxWaitMs: 0 }).permit()).done();
    const lease = await lost.acquire(2, { maxWaitMs: 0 });
    await expect(lost.acquire(1, { maxWaitMs: 0 })).rejects.toThrow(UnreachableError);
    lease.done();
    (await lost.acquire(2, { maxWaitMs: 0 })).done();
  });

  test("the next address is used", async () => {
    await using other = connect(["http://127.0.0.1:1", server.url]);
    await using permit = await other.permit();
    expect(permit.validForMs).toBeGreaterThan(0);
  });
});
