/** What the protocol says, as arguments and results of the library. */

import { create } from "@bufbuild/protobuf";
import {
  type AcquireOptions,
  AcquireError,
  ApportionError,
  ClosedError,
  ConfigError,
  type ConnectOptions,
  type Fallback,
  InvalidResponseError,
  Lease,
  type Observation,
  type Permit,
  PermitTimeoutError,
  type PrefetchOptions,
  type Priority,
  RefusedError,
  type TlsOptions,
  UnreachableError,
} from "apportion";
import { readFileSync } from "node:fs";
import * as wire from "./driver_pb.js";

const NS_PER_MS = 1e6;

/** The driver or the library cannot do this. */
export class UnsupportedError extends Error {}

/** Returns the options of `connect` that are set. */
export function connectOptions(message: wire.Connect): ConnectOptions {
  const unknown = Object.keys(message.settings);
  if (unknown.length > 0) throw new UnsupportedError(`settings: ${unknown.join(", ")}`);
  const { workspace, team, caller, token, tokenFile } = message;
  return {
    ...set({ workspace, team, caller, token, tokenFile }),
    ...(message.tls === undefined ? {} : { tls: tlsOptions(message.tls) }),
    ...(message.insecure ? { insecure: true } : {}),
    ...(message.fallback === undefined ? {} : { fallback: fallbackOf(message.fallback) }),
    ...spans({ connectTimeoutMs: message.connectTimeoutMs, closeTimeoutMs: message.closeTimeoutMs }),
  };
}

/** Returns the priority and the longest wait, if they are set. */
export function waitOptions(ask: wire.Ask | undefined): { priority?: Priority; maxWaitMs?: number } {
  // As a user of plain JavaScript passes them: unchecked.
  const priority = set({ priority: ask?.priority ?? "" }) as { priority?: Priority };
  return { ...priority, ...spans({ maxWaitMs: ask?.maxWaitMs }) };
}

/** Returns the options of `acquire` that are set. */
export function acquireOptions(ask: wire.Ask | undefined): AcquireOptions {
  return { ...waitOptions(ask), ...(ask?.minPermits === undefined ? {} : { minPermits: ask.minPermits }) };
}

/** Returns the options of `prefetch` that are set. */
export function prefetchOptions(message: wire.Prefetch): PrefetchOptions {
  return {
    ...waitOptions(message.ask),
    ...spans({ horizonMs: message.horizonMs, idleTimeoutMs: message.idleTimeoutMs }),
    ...(message.maxPermits === undefined ? {} : { maxPermits: message.maxPermits }),
  };
}

/** Describes what was granted. */
export function grantOf(held: Permit | Lease): wire.Grant {
  return create(wire.GrantSchema, {
    permits: held instanceof Lease ? held.permits : 1,
    priority: held.priority,
    validForMs: BigInt(Math.floor(held.validForMs)),
    contended: held.isContended,
    count: 1,
  });
}

/** Returns an observation made by hand. */
export function observationOf(seen: wire.Observation): Observation {
  const spanMs = (ns: bigint | undefined): number | undefined => (ns === undefined ? undefined : Number(ns) / NS_PER_MS);
  return {
    limit: seen.limit,
    status: seen.status,
    limitPermits: seen.limitPermits,
    remainingPermits: seen.remainingPermits,
    resetTimeNs: seen.resetTimeUnixNs,
    resetAfterMs: spanMs(seen.resetAfterNs),
    resetPrecisionMs: spanMs(seen.resetPrecisionNs),
    throttled: seen.throttled,
    retryAfterMs: spanMs(seen.retryAfterNs),
    ageMs: seen.ageMs === undefined ? undefined : Number(seen.ageMs),
  };
}

/** Describes an observation. */
export function observed(seen: Observation): wire.Observation {
  const spanNs = (ms: number | undefined): bigint | undefined =>
    ms === undefined ? undefined : BigInt(Math.round(ms * NS_PER_MS));
  const message = create(wire.ObservationSchema, {
    limit: seen.limit ?? "",
    status: seen.status ?? 0,
    throttled: seen.throttled ?? false,
  });
  const read = {
    limitPermits: seen.limitPermits,
    remainingPermits: seen.remainingPermits,
    resetTimeUnixNs: seen.resetTimeNs,
    resetAfterNs: spanNs(seen.resetAfterMs),
    resetPrecisionNs: spanNs(seen.resetPrecisionMs),
    retryAfterNs: spanNs(seen.retryAfterMs),
  };
  return Object.assign(message, read);
}

/** Returns the headers of a message as pairs. */
export function headerPairs(headers: readonly wire.Header[]): [string, string][] {
  return headers.map(({ name, value }) => [name, value]);
}

/** Describes an error, with the library's own if it is the cause. */
export function failureOf(error: unknown, isCancelled: boolean): wire.Failure {
  const known = ownError(error);
  const shown = known ?? error;
  return create(wire.FailureSchema, {
    kind: known === undefined && isCancelled ? wire.Failure_Kind.CANCELLED : kindOf(shown),
    message: shown instanceof Error ? shown.message : String(shown),
    type: shown instanceof Error ? shown.name : typeof shown,
    reason: known instanceof RefusedError ? known.reason : "",
    ...retryAfterOf(known),
  });
}

/** Returns the error of the library that an HTTP client has wrapped. */
export function ownError(error: unknown): ApportionError | undefined {
  if (error instanceof ApportionError) return error;
  return error instanceof Error && error.cause !== undefined ? ownError(error.cause) : undefined;
}

function retryAfterOf(error: ApportionError | undefined): { retryAfterMs?: bigint } {
  if (!(error instanceof AcquireError) || error.retryAfterMs === undefined) return {};
  return { retryAfterMs: BigInt(Math.ceil(error.retryAfterMs)) };
}

function kindOf(error: unknown): wire.Failure_Kind {
  if (error instanceof UnsupportedError) return wire.Failure_Kind.UNSUPPORTED;
  if (error instanceof RefusedError) return wire.Failure_Kind.REFUSED;
  if (error instanceof UnreachableError) return wire.Failure_Kind.UNREACHABLE;
  if (error instanceof PermitTimeoutError) return wire.Failure_Kind.TIMED_OUT;
  if (error instanceof InvalidResponseError) return wire.Failure_Kind.INVALID_RESPONSE;
  if (error instanceof ConfigError) return wire.Failure_Kind.CONFIG;
  if (error instanceof ClosedError) return wire.Failure_Kind.CLOSED;
  return wire.Failure_Kind.OTHER;
}

function fallbackOf({ fallback }: wire.Fallback): Fallback {
  if (fallback.case === "share") return { permits: fallback.value.permits, windowMs: Number(fallback.value.windowMs) };
  return fallback.case === "wait" ? "wait" : "deny";
}

function tlsOptions(tls: wire.Tls): TlsOptions {
  const read = (path: string): Buffer | undefined => (path === "" ? undefined : readFileSync(path));
  return {
    certificateAuthority: read(tls.certificateAuthorityFile),
    certificate: read(tls.certificateFile),
    key: read(tls.keyFile),
    ...set({ serverName: tls.serverName }),
  };
}

/** Returns the texts that are not empty. */
function set<Name extends string>(texts: Record<Name, string>): Partial<Record<Name, string>> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== "")) as Partial<Record<Name, string>>;
}

/** Returns the spans that are set, as numbers. */
function spans<Name extends string>(spansMs: Record<Name, bigint | undefined>): Partial<Record<Name, number>> {
  const isSet = (entry: [string, bigint | undefined]): entry is [string, bigint] => entry[1] !== undefined;
  const found = Object.entries<bigint | undefined>(spansMs).filter(isSet);
  return Object.fromEntries(found.map(([name, spanMs]) => [name, Number(spanMs)])) as Partial<Record<Name, number>>;
}
