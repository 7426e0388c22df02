/** Each operation, as a user would call the library. */

import { create, fromBinary } from "@bufbuild/protobuf";
import { AcquireError, Lease, type Permit, type PermitSource, Prefetch, type Quota } from "apportion";
import { interpret as readBySignals, SignalsSchema } from "apportion/signals";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as pause } from "node:timers/promises";
import * as convert from "./convert.js";
import * as wire from "./driver_pb.js";
import { HOOKS, type HttpClient } from "./http.js";

const CAPABILITIES = [
  "lease-put-back",
  "flush",
  "tls",
  "client-certificate",
  "token-file",
  "addresses",
  "hints",
  "observation",
  "observation-age",
  "interpret",
  "via:run",
];
const { version } = createRequire(import.meta.url)("apportion/package.json") as { version: string };

/** What the runner has named. */
export class Handles {
  readonly clients = new Map<number, Quota>();
  readonly prefetches = new Map<number, Prefetch>();
  readonly leases = new Map<number, Lease>();
  readonly permits = new Map<number, Permit>();
  readonly https = new Map<number, HttpClient>();
}

/** Returns what a handle stands for. */
export function found<T>(named: ReadonlyMap<number, T>, handle: number): T {
  const value = named.get(handle);
  if (value === undefined) throw new Error(`nothing has the handle ${String(handle)}`);
  return value;
}

/** Returns where permits come from. */
export function sourceOf(handles: Handles, source: wire.Source | undefined): PermitSource {
  if (source === undefined) throw new convert.UnsupportedError("permits without a source");
  if (source.prefetch !== 0) return found(handles.prefetches, source.prefetch);
  return found(handles.clients, source.client).onDemand(convert.waitOptions(source.ask));
}

/** Says what the driver can do. */
export function hello(): wire.HelloResult {
  const hooks = Object.entries(HOOKS).map(([name, features]) => ({ name, features: [...features] }));
  return create(wire.HelloResultSchema, {
    version: 1,
    language: "node",
    clientVersion: version,
    capabilities: CAPABILITIES,
    hooks: hooks.map((hook) => create(wire.HookSchema, hook)),
    processId: process.pid,
  });
}

/** Requests a lease. */
export async function acquire(handles: Handles, message: wire.Acquire, signal: AbortSignal): Promise<wire.Grant> {
  const options = { ...convert.acquireOptions(message.ask), signal };
  const lease = await found(handles.clients, message.client).acquire(message.ask?.permits ?? 1, options);
  handles.leases.set(message.lease, lease);
  return convert.grantOf(lease);
}

/** Takes permits of a lease. */
export function take(handles: Handles, message: wire.Take): wire.Taken {
  const lease = found(handles.leases, message.lease);
  let taken = 0;
  for (let time = 0; time < Math.max(message.times, 1); time += 1) if (lease.take()) taken += 1;
  return create(wire.TakenSchema, { taken });
}

/** Takes a permit, once or repeatedly. */
export async function permit(handles: Handles, message: wire.Permit, signal: AbortSignal): Promise<wire.Grant> {
  let grant = create(wire.GrantSchema);
  let count = 0;
  while (count < Math.max(message.repeat, 1)) {
    try {
      grant = await permitOnce(handles, message, signal);
    } catch (error) {
      if (count === 0 || !(error instanceof AcquireError)) throw error;
      break;
    }
    if (grant.permits === 0) break;
    count += 1;
  }
  return { ...grant, count };
}

async function permitOnce(handles: Handles, message: wire.Permit, signal: AbortSignal): Promise<wire.Grant> {
  if (message.via === "run") return run(handles, message.source, signal);
  if (message.via !== "") throw new convert.UnsupportedError(`via ${message.via}`);
  const source = sourceOf(handles, message.source);
  const taken = message.onlyIfReady ? ready(source) : await source.permit({ signal });
  if (taken === undefined) return create(wire.GrantSchema);
  const grant = convert.grantOf(taken);
  if (message.then === wire.Permit_Then.HOLD) {
    handles.permits.set(message.permit, taken);
    return grant;
  }
  using scope = taken;
  if (message.then === wire.Permit_Then.PUT_BACK) scope.putBack();
  return grant;
}

async function run(handles: Handles, source: wire.Source | undefined, signal: AbortSignal): Promise<wire.Grant> {
  const send = (taken: Permit): wire.Grant => convert.grantOf(taken);
  if (source !== undefined && source.prefetch !== 0) return found(handles.prefetches, source.prefetch).run(send, { signal });
  return found(handles.clients, source?.client ?? 0).run(send, { ...convert.waitOptions(source?.ask), signal });
}

function ready(source: PermitSource): Permit | undefined {
  if (source instanceof Prefetch) return source.tryPermit();
  throw new convert.UnsupportedError("only_if_ready without a prefetch");
}

/** Puts back a permit, or a permit of a lease. */
export function putBack(handles: Handles, message: wire.PutBack): void {
  if (message.permit === 0) {
    found(handles.leases, message.lease).putBack();
  } else {
    found(handles.permits, message.permit).putBack();
    handles.permits.delete(message.permit);
  }
}

/** Leaves a scope. */
export function leave(handles: Handles, message: wire.Leave): void {
  held(handles, message).done();
  handles.permits.delete(message.permit);
  handles.leases.delete(message.lease);
}

/** Says what is left. */
export function inspect(handles: Handles, message: wire.Inspect): wire.Inspection {
  const inspected = held(handles, message);
  const inspection = create(wire.InspectionSchema, { validForMs: BigInt(Math.floor(inspected.validForMs)) });
  if (inspected instanceof Lease) inspection.left = inspected.left;
  return inspection;
}

/** Reports a response, or an observation made by hand. */
export function observe(handles: Handles, message: wire.Observe): void {
  const { what } = message;
  if (what.case === "observation") {
    held(handles, message).observe(convert.observationOf(what.value));
  } else if (what.case === "response") {
    const { status, headers, body } = what.value;
    held(handles, message).observeResponse(status, convert.headerPairs(headers), body);
  }
}

/** Interprets a response by signals. */
export function interpret(message: wire.Interpret): wire.Observations {
  const { status = 0, headers = [], body } = message.response ?? {};
  const signals = fromBinary(SignalsSchema, message.signals);
  const read = readBySignals(signals, status, convert.headerPairs(headers), body);
  return create(wire.ObservationsSchema, {
    observations: read.observations.map((seen) => convert.observed(seen)),
    isUncounted: !read.isCounted,
  });
}

/** Counts. */
export function state(handles: Handles, message: wire.State): wire.StateResult {
  const counts = message.client === 0 ? {} : found(handles.clients, message.client).counts();
  const { size: threads } = entries("/proc/self/task");
  const { size: openFiles } = entries("/proc/self/fd");
  return create(wire.StateResultSchema, {
    ...counts,
    tasks: process.getActiveResourcesInfo().length,
    ...(threads === undefined ? {} : { threads }),
    ...(openFiles === undefined ? {} : { openFiles }),
  });
}

/** Waits, or blocks the event loop. */
export async function sleep(message: wire.Sleep, signal: AbortSignal): Promise<void> {
  const spanMs = Number(message.ms);
  if (message.blocks) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, spanMs);
  else await pause(spanMs, undefined, { signal });
}

function held(handles: Handles, message: { readonly permit: number; readonly lease: number }): Permit | Lease {
  return message.permit === 0 ? found(handles.leases, message.lease) : found(handles.permits, message.permit);
}

/** Returns how many entries a directory has, where there is one. */
function entries(directory: string): { size?: number } {
  try {
    return { size: readdirSync(directory).length };
  } catch {
    return {};
  }
}
