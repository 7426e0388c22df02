import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Signals, SignalsSchema } from "../src/gen/apportion/v1/signals_pb.js";
import { ConfigError, connect, type Observation, type Quota } from "../src/index.js";
import { interpret, type SignalsInit } from "../src/signals.js";
import { standardSignals } from "../src/signals/standard.js";
import { FakeServer } from "../src/testing.js";
import { eventually } from "./eventually.js";

interface Case {
  readonly name: string;
  readonly signals?: JsonValue;
  readonly response: {
    readonly status: number;
    readonly headers: readonly (readonly [string, string])[];
    readonly body?: string;
  };
  readonly observations?: readonly Record<string, JsonValue>[];
  readonly uncounted?: boolean;
}

interface CaseFile {
  readonly preset?: string;
  readonly signals?: JsonValue;
  readonly cases: readonly Case[];
}

const DIRECTORY = new URL("../../../tests/conformance/signals/", import.meta.url);
const PRESETS = parsed("presets.json") as Record<string, JsonValue>;
const FILES = readdirSync(DIRECTORY).filter((name) => name.endsWith(".json") && name !== "presets.json");

function parsed(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, DIRECTORY), "utf8"));
}

function message(json: JsonValue | undefined): Signals {
  return fromJson(SignalsSchema, json ?? {});
}

/** An observation as cases have it: without what is not set, and with spans in nanoseconds. */
function comparable(seen: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(seen).filter(([, value]) => value !== undefined && value !== "" && value !== false));
}

function read(seen: Observation): Record<string, unknown> {
  const spanNs = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.round(ms * 1e6));
  return comparable({
    limit: seen.limit,
    status: seen.status,
    limit_permits: seen.limitPermits,
    remaining_permits: seen.remainingPermits,
    reset_time: seen.resetTimeNs,
    reset_after: spanNs(seen.resetAfterMs),
    reset_precision: spanNs(seen.resetPrecisionMs),
    throttled: seen.throttled,
    retry_after: spanNs(seen.retryAfterMs),
  });
}

function expected(seen: Readonly<Record<string, JsonValue>>): Record<string, unknown> {
  const values = Object.entries(seen).map(([key, value]): [string, unknown] => {
    if (typeof value !== "string" || key === "limit") return [key, value];
    return [key, key === "reset_time" ? instantNs(value) : spanNs(value)];
  });
  return comparable(Object.fromEntries(values));
}

function instantNs(text: string): bigint {
  const { seconds, nanos } = fromJson(TimestampSchema, text);
  return seconds * 1_000_000_000n + BigInt(nanos);
}

/** Returns a span such as `90m` in nanoseconds. */
function spanNs(text: string): number {
  const [, number, unit = ""] = /^([0-9.]+)([a-z]+)$/.exec(text) ?? [];
  const units: Readonly<Record<string, number>> = { d: 86_400e9, h: 3_600e9, m: 60e9, s: 1e9, ms: 1e6 };
  return Math.round(Number(number) * (units[unit] ?? NaN));
}

describe.each(FILES)("%s", (name) => {
  const file = parsed(name) as CaseFile;

  test.each(file.cases.map((each) => [each.name, each] as const))("%s", (_, each) => {
    const preset = file.preset === undefined ? undefined : PRESETS[file.preset];
    const { status, headers, body } = each.response;
    const signals = message(each.signals ?? file.signals ?? preset);
    const found = interpret(signals, status, headers, body === undefined ? undefined : Buffer.from(body));
    expect(found.observations.map(read)).toEqual((each.observations ?? []).map(expected));
    expect(found.isCounted).toBe(each.uncounted !== true);
  });
});

test("the standard signals are those of the preset", () => {
  expect(toJson(SignalsSchema, standardSignals(), { useProtoFieldName: true })).toEqual(PRESETS["ietf"]);
});

test("bodies are JSON of at most 4096 bytes, in UTF-8 and without a byte order mark", () => {
  const body = [{ path: "a.b[1]", text: { case: "equals" as const, value: "x" } }];
  const signals: SignalsInit = { throttles: [{ response: { statuses: [429], body } }] };
  const isThrottle = (text: string | Uint8Array): boolean =>
    interpret(signals, 429, [], Buffer.from(text)).observations.length > 0;
  const json = '{"a": {"b": ["[[", "x"], "__proto__": 1}}';
  expect(isThrottle(json)).toBe(true);
  expect(isThrottle(json.padEnd(4_096))).toBe(true);
  expect(isThrottle(json.padEnd(4_097))).toBe(false);
  expect(isThrottle(`\u{feff}${json}`)).toBe(false);
  expect(isThrottle(Buffer.concat([Buffer.from(json.slice(0, -1)), Buffer.from([0x20, 0xff, 0x7d])]))).toBe(false);
  expect(isThrottle(`{"c": ${"[".repeat(31)}${"]".repeat(31)}, ${json.slice(1)}`)).toBe(true);
  expect(isThrottle(`{"c": ${"[".repeat(32)}${"]".repeat(32)}, ${json.slice(1)}`)).toBe(false);
});

test("an invalid value in signals is an error of the configuration", () => {
  const signals = { limits: [{ limit: 7 }] } as unknown as SignalsInit;
  expect(() => connect("http://127.0.0.1:1", { signals })).toThrow(ConfigError);
  expect(() => connect("http://127.0.0.1:1", { signals: {}, reader: () => undefined })).toThrow(/^reader, signals/);
});

/** Takes a permit, reports a response under it, and returns what the server has heard then. */
async function reported(server: FakeServer, quota: Quota, headers: Record<string, string>): Promise<number | undefined> {
  const before = server.observations.length;
  const permit = await quota.onDemand().permit();
  permit.observeResponse(200, headers);
  permit.done();
  await quota.flush();
  return server.observations.slice(before)[0]?.remainingPermits;
}

test("signals of the server replace the standard headers, and a later version the former", async () => {
  const server = await FakeServer.start();
  const quota = connect(server.url);
  const headers = { "X-Left": "3", "x-other": "4", "RateLimit-Remaining": "5" };
  expect(await reported(server, quota, headers)).toBe(5);
  server.signals({ limits: [{ remainingPermits: { header: "x-left" } }] });
  await eventually(async () => {
    expect(await reported(server, quota, headers)).toBe(3);
  });
  server.signals({ limits: [{ remainingPermits: { header: "X-Other" } }] });
  await eventually(async () => {
    expect(await reported(server, quota, headers)).toBe(4);
  });
  await quota.close();
  await server.close();
});

test("signals in code are used instead of those of the server", async () => {
  const server = await FakeServer.start();
  server.signals({ limits: [{ remainingPermits: { header: "X-Left" } }] });
  const quota = connect(server.url, { signals: { limits: [{ remainingPermits: { header: "X-Mine" } }] } });
  const headers = { "X-Left": "3", "X-Mine": "7" };
  expect(await reported(server, quota, headers)).toBe(7);
  expect(await reported(server, quota, headers)).toBe(7);
  await quota.close();
  await server.close();
});
