/** The settings of a client, checked. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { type Address, parseAddress } from "./core/address.js";
import type { Identity } from "./core/report.js";
import type { HintTrust } from "./core/routes.js";
import { LocalShare } from "./core/share.js";
import { ConfigError } from "./errors.js";
import { needsBody } from "./headers.js";
import type { Reader } from "./observation.js";
import type { SignalsInit } from "./signals.js";
import { readerOf, type ResponseReader, ServerSignals, type SignalsUser } from "./signals/reader.js";

const ADDRESSES_MAX = 16;
const PERMITS_MAX = 2 ** 28;
const TIMER_MAX_MS = 2 ** 31 - 1;
const ID = /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,62})?$/;
const CALLER = /^[!-~]{0,128}$/;

/**
 * What to do while no server is reachable.
 *
 * - `deny`: an acquire fails with `UnreachableError` after `maxWaitMs`. Nothing is sent without a grant.
 * - `wait`: it waits until a server is back.
 * - a share: at most so many permits in any span of the window are granted locally. Keep the sum of all processes below the
 *   budget.
 */
export type Fallback = "deny" | "wait" | { readonly permits: number; readonly windowMs: number };

/** Certificates for `https`, in PEM. What is not set is that of the system. */
export interface TlsOptions {
  /** The authorities to trust. */
  readonly certificateAuthority?: string | Uint8Array | undefined;
  /** The certificate that identifies the client, with its chain. */
  readonly certificate?: string | Uint8Array | undefined;
  /** The private key of that certificate. */
  readonly key?: string | Uint8Array | undefined;
  /** The name that the certificate of every server must have. By default the host of its address. */
  readonly serverName?: string | undefined;
}

/** What a client may be configured with. */
export interface ConnectOptions {
  /** The id of the workspace. By default `default`. */
  readonly workspace?: string | undefined;
  /** The id of the team that leases are charged to. By default `default`. */
  readonly team?: string | undefined;
  /** A stable name of this service or instance. By default `default`. */
  readonly caller?: string | undefined;
  /** The bearer token that is sent with each call. */
  readonly token?: string | undefined;
  /** A file that contains the token. It is read again, so that the token can be replaced. */
  readonly tokenFile?: string | undefined;
  /** Certificates for `https`. */
  readonly tls?: TlsOptions | undefined;
  /** Whether a token may be sent unencrypted to addresses that are not loopback. */
  readonly insecure?: boolean | undefined;
  /** What to do while no server is reachable. By default `deny`. */
  readonly fallback?: Fallback | undefined;
  /** What responses of the provider mean. By default the server says. `apportion/signals` has their forms. */
  readonly signals?: SignalsInit | undefined;
  /** Reads what a response says about limits, in place of signals. */
  readonly reader?: Reader | undefined;
  /** Whether the body of a response with this status is to be read for the reader. By default that of a 429. */
  readonly readsBody?: ((status: number) => boolean) | undefined;
  /** How long connecting may take. By default 1000. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long `close` may take. By default 2000. */
  readonly closeTimeoutMs?: number | undefined;
  /** Is told of what goes wrong in the background. By default it becomes a warning of the process. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** What a client is configured with. */
export interface Settings {
  readonly addresses: readonly [Address, ...Address[]];
  readonly identity: Identity;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly tls: TlsOptions | undefined;
  readonly fallback: Fallback;
  readonly reader: ResponseReader;
  /** The reader, if it reads by the signals of the server. */
  readonly signalsUser: SignalsUser | undefined;
  readonly connectTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly warn: (message: string) => void;
}

/** Returns the settings. Throws `ConfigError` that names the setting, its value, and what it must be. */
export function checked(addresses: string | readonly string[], options: ConnectOptions): Settings {
  const reader = checkedReader(options);
  const settings: Settings = {
    addresses: checkedAddresses(typeof addresses === "string" ? [addresses] : addresses),
    identity: checkedIdentity(options),
    token: options.token,
    tokenFile: options.tokenFile,
    tls: options.tls,
    fallback: options.fallback ?? "deny",
    reader,
    signalsUser: reader instanceof ServerSignals ? reader : undefined,
    connectTimeoutMs: checkedTimeout("connectTimeoutMs", options.connectTimeoutMs ?? 1_000),
    closeTimeoutMs: checkedTimeout("closeTimeoutMs", options.closeTimeoutMs ?? 2_000),
    warn: options.onWarning ?? warnProcess,
  };
  checkFallback(settings.fallback);
  if (settings.tls !== undefined) checkTls(settings.tls, settings.addresses[0].isHttps);
  const hasToken = settings.token !== undefined || settings.tokenFile !== undefined;
  const far = settings.addresses.find((address) => !address.isLoopback && !address.isHttps);
  if (hasToken && options.insecure !== true && far !== undefined) {
    throw new ConfigError(
      `token: would be sent unencrypted to ${far.url}: use https, or set insecure: true if the network encrypts`,
    );
  }
  return settings;
}

/** Returns what protects calls to nodes that are not configured. */
export function hintTrust(settings: Settings): HintTrust {
  if (settings.addresses[0].isHttps) {
    const isChecked = settings.tls?.certificateAuthority !== undefined || settings.tls?.serverName !== undefined;
    return isChecked ? "certificate" : "configured";
  }
  return settings.token === undefined && settings.tokenFile === undefined ? "no-token" : "loopback";
}

/** Returns the local share, if there is one. */
export function shareOf(settings: Settings): LocalShare | undefined {
  const { fallback } = settings;
  return typeof fallback === "string" ? undefined : new LocalShare(fallback.permits, fallback.windowMs);
}

function checkedAddresses(texts: readonly string[]): [Address, ...Address[]] {
  const [first, ...others] = texts.map(parseAddress);
  if (first === undefined || texts.length > ADDRESSES_MAX) {
    throw new ConfigError(`addresses: there must be 1 to ${String(ADDRESSES_MAX)}, and there are ${String(texts.length)}`);
  }
  if (others.some((address) => address.isHttps !== first.isHttps)) {
    throw new ConfigError("addresses: all must be http, or all https");
  }
  return [first, ...others];
}

function checkedIdentity(options: ConnectOptions): Identity {
  const { workspace = "", team = "", caller = "" } = options;
  for (const [name, id] of Object.entries({ workspace, team })) {
    if (!ID.test(id)) {
      throw new ConfigError(
        `${name} ${JSON.stringify(id)}: at most 63 letters, digits, '-', '_' and '.', starting with a letter or digit`,
      );
    }
  }
  if (!CALLER.test(caller)) {
    throw new ConfigError(`caller ${JSON.stringify(caller)}: at most 128 printable ASCII characters without spaces`);
  }
  return { workspace, team, caller };
}

function checkedReader(options: ConnectOptions): ResponseReader {
  const { reader, signals, readsBody } = options;
  if (reader !== undefined && signals !== undefined) throw new ConfigError("reader, signals: set one of the two");
  if (reader !== undefined) return { read: reader, readsBody: readsBody ?? needsBody };
  if (readsBody !== undefined) throw new ConfigError("readsBody: needs a reader");
  return signals === undefined ? new ServerSignals() : readerOf(signals);
}

function checkFallback(fallback: Fallback): void {
  if (fallback === "deny" || fallback === "wait") return;
  if (typeof fallback !== "object") {
    throw new ConfigError(`fallback ${JSON.stringify(fallback)}: must be "deny", "wait" or { permits, windowMs }`);
  }
  const { permits, windowMs } = fallback;
  if (!Number.isInteger(permits) || permits < 1 || permits > PERMITS_MAX) {
    throw new ConfigError(`fallback.permits: must be an integer from 1 to ${String(PERMITS_MAX)}, and is ${String(permits)}`);
  }
  if (!(windowMs > 0 && windowMs < Infinity)) {
    throw new ConfigError(`fallback.windowMs: must be more than 0 milliseconds, and is ${String(windowMs)}`);
  }
}

function checkTls(tls: TlsOptions, isHttps: boolean): void {
  if (!isHttps) throw new ConfigError("tls: needs addresses that start with https");
  if ((tls.certificate === undefined) !== (tls.key === undefined)) {
    throw new ConfigError("tls: set both the certificate and its key, or neither");
  }
  const { certificateAuthority: ca, certificate: cert, key } = tls as Record<string, string | Buffer | undefined>;
  usable("tls.certificateAuthority", () => ca === undefined || new X509Certificate(ca));
  usable("tls.certificate", () => cert === undefined || new X509Certificate(cert));
  usable("tls.key", () => key === undefined || createPrivateKey(key));
  usable("tls", () => createSecureContext({ ca, cert, key }));
}

function usable(name: string, use: () => unknown): void {
  try {
    use();
  } catch (error) {
    throw new ConfigError(`${name}: cannot be used: ${String(error)}`, { cause: error });
  }
}

function checkedTimeout(name: string, spanMs: number): number {
  if (typeof spanMs !== "number" || !(spanMs >= 0)) {
    throw new ConfigError(`${name}: must be 0 or more milliseconds, and is ${String(spanMs)}`);
  }
  return Math.min(spanMs, TIMER_MAX_MS);
}

function warnProcess(message: string): void {
  process.emitWarning(message, "ApportionWarning");
}
