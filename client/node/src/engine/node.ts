/** The connections to one node. */

import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { ClientHttp2Stream, Http2Session } from "node:http2";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Address } from "../core/address.js";
import { QuotaService } from "../gen/apportion/v1/quota_service_pb.js";
import type { Settings } from "../settings.js";

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
    const pings = { pingIntervalMs: PING_MS, pingTimeoutMs: PING_TIMEOUT_MS, pingIdleConnection: true };
    const createConnection = (): Socket => {
      const opened = socket(this.address, settings);
      this.#sockets.add(opened);
      return opened.once("close", () => this.#sockets.delete(opened));
    };
    return new SafeSessions(this.address.url, pings, { createConnection });
  }
}

/**
 * Sessions whose errors cannot end the process.
 *
 * The manager stops listening to a session when it makes the next one, and a server that does not accept the certificate of a client
 * says so late. The calls on that session have failed by themselves.
 */
class SafeSessions extends Http2SessionManager {
  readonly #guarded = new WeakSet<Http2Session>();

  override async request(...request: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    const stream = await super.request(...request);
    const { session } = stream;
    if (session !== undefined && !this.#guarded.has(session)) {
      this.#guarded.add(session);
      session.on("error", () => undefined);
    }
    return stream;
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
