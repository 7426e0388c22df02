/** The connections to one node. */

import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { ClientHttp2Stream, Http2Session, SecureClientSessionOptions } from "node:http2";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Address } from "../core/address.js";
import { QuotaService } from "../gen/apportion/v1/quota_service_pb.js";
import type { Settings } from "../settings.js";
import { after } from "./timers.js";

/** How often a connection is probed, idle or not. */
const PING_MS = 5_000;
/** How long a probe may stay unanswered before the connection is closed. */
const PING_TIMEOUT_MS = 5_000;

/** Two connections: acquires that wait may fill up one, and reports pass on the other. */
export class Node {
  readonly address: Address;
  readonly leases: Client<typeof QuotaService>;
  readonly reports: Client<typeof QuotaService>;
  /** How many calls are in flight. */
  calls = 0;
  /** Whether it is closed with its last call. */
  isRetired = false;
  readonly #sessions: readonly [Http2SessionManager, Http2SessionManager];
  readonly #sockets = new Set<Socket>();

  constructor(address: Address, settings: Settings) {
    this.address = address;
    this.#sessions = [this.#session(settings), this.#session(settings)];
    this.leases = client(address, this.#sessions[0]);
    this.reports = client(address, this.#sessions[1]);
  }

  /** Ends all calls, and closes the connections. */
  close(): void {
    for (const session of this.#sessions) if (session.state() === "connecting") session.abort();
    // Not by an abort of the session: with a stream that is about to close, it would probe the closed connection later, and throw.
    for (const opened of this.#sockets) opened.destroy();
  }

  #session(settings: Settings): Http2SessionManager {
    const createConnection = (): Socket => {
      const opened = socket(this.address, settings);
      this.#sockets.add(opened);
      return opened.once("close", () => this.#sockets.delete(opened));
    };
    return new WatchedSessions(this.address, { createConnection }, settings.connectTimeoutMs);
  }
}

/**
 * Sessions whose server must speak soon, and whose errors cannot end the process.
 *
 * The manager takes a session for connected before its server has said anything. It stops listening to one when it makes the next,
 * and a server that does not accept the certificate of a client says so late. The calls on that session have failed by themselves.
 */
class WatchedSessions extends Http2SessionManager {
  readonly #watched = new WeakSet<Http2Session>();
  readonly #silenceMs: number;

  constructor(address: Address, options: SecureClientSessionOptions, silenceMs: number) {
    super(address.url, { pingIntervalMs: PING_MS, pingTimeoutMs: PING_TIMEOUT_MS, pingIdleConnection: true }, options);
    this.#silenceMs = silenceMs;
  }

  override async request(...request: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    const stream = await super.request(...request);
    const { session } = stream;
    if (session !== undefined && !this.#watched.has(session)) {
      this.#watched.add(session);
      this.#watch(session);
    }
    return stream;
  }

  #watch(session: Http2Session): void {
    const stop = after(this.#silenceMs, () => {
      const silence = `the server said nothing within ${String(this.#silenceMs)} ms of the connection`;
      session.destroy(new ConnectError(silence, Code.Unavailable));
    });
    session.once("remoteSettings", stop).once("close", stop);
    session.on("error", () => undefined);
  }
}

function client(address: Address, sessionManager: Http2SessionManager): Client<typeof QuotaService> {
  return createClient(QuotaService, createGrpcTransport({ baseUrl: address.url, sessionManager }));
}

function socket(address: Address, settings: Settings): Socket {
  const { hostname, port } = new URL(address.url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const to = { host, port: Number(port || (address.isHttps ? 443 : 80)), noDelay: true };
  if (!address.isHttps) return bounded(connectTcp(to), "connect", settings.connectTimeoutMs);
  const { tls } = settings;
  const serverName = tls?.serverName ?? host;
  const opened = connectTls({
    ...to,
    ALPNProtocols: ["h2"],
    ca: tls?.certificateAuthority as Buffer | string | undefined,
    cert: tls?.certificate as Buffer | string | undefined,
    key: tls?.key as Buffer | string | undefined,
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
  });
  return bounded(opened, "secureConnect", settings.connectTimeoutMs);
}

function bounded<S extends Socket>(opened: S, event: "connect" | "secureConnect", timeoutMs: number): S {
  const timer = setTimeout(() => {
    opened.destroy(new Error(`connecting took longer than ${String(timeoutMs)} ms`));
  }, timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
  };
  return opened.once(event, stop).once("close", stop);
}
