/**
 * A server for the tests of services that take permits. It runs in the test's process, on loopback, without a store: it grants
 * what it is told to, and remembers what came back.
 *
 * ```ts
 * await using server = await FakeServer.start();
 * await using quota = connect(server.url);
 * ```
 *
 * @module
 */

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { ErrorInfo, RetryInfo } from "./core/details.js";
import { toWire } from "./core/span.js";
import { SettledSchema } from "./gen/apportion/v1/lease_pb.js";
import type { Observation } from "./gen/apportion/v1/observation_pb.js";
import { Priority } from "./gen/apportion/v1/priority_pb.js";
import {
  type AcquireLeaseRequest,
  type AcquireLeaseResponse,
  AcquireLeaseResponseSchema,
  type BatchSettleLeasesRequest,
  type BatchSettleLeasesResponse,
  BatchSettleLeasesResponseSchema,
  type GetSignalsResponse,
  GetSignalsResponseSchema,
  QuotaService,
} from "./gen/apportion/v1/quota_service_pb.js";
import type { Signals } from "./gen/apportion/v1/signals_pb.js";
import type { SignalsInit } from "./signals.js";
import { checkedSignals } from "./signals/reader.js";

export type { Observation };

const LATER_MS = 1_000;

/** Grants every request until it is told otherwise. */
export class FakeServer {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #used = new Map<string, number>();
  readonly #returned = new Map<string, number>();
  readonly #observations: Observation[] = [];
  #left = Infinity;
  #validForMs = 10_000;
  #refusal: ConnectError | undefined;
  #signals: Signals | undefined;
  #signalsVersion = 0;
  #leases = 0;
  #granted = 0;
  #calls = 0;
  #url = "";

  private constructor() {
    this.#server = createServer(
      connectNodeAdapter({
        routes: (router) => {
          this.#route(router);
        },
      }),
    );
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
    });
  }

  /** Starts a server on a free port of the loopback. */
  static async start(): Promise<FakeServer> {
    const fake = new FakeServer();
    await new Promise<void>((resolve, reject) => {
      fake.#server.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    fake.#url = `http://127.0.0.1:${String((fake.#server.address() as AddressInfo).port)}`;
    return fake;
  }

  /** The address for `connect`. */
  get url(): string {
    return this.#url;
  }

  /** Grants so many permits from now on, returned ones included, and refuses further requests with `WINDOW_EXHAUSTED`. */
  limit(permits: number): void {
    this.#left = permits;
    this.#refusal = undefined;
  }

  /** Grants leases from now on that are valid for so long. By default 10 s. */
  validFor(spanMs: number): void {
    this.#validForMs = spanMs;
  }

  /** Refuses every request from now on. Without a delay, the refusal is final. */
  refuse(reason: string, retryAfterMs?: number): void {
    this.#refusal = refusal(reason, retryAfterMs);
  }

  /** Has clients read responses by these signals, from their next lease on. */
  signals(signals: SignalsInit): void {
    this.#signals = checkedSignals(signals);
    this.#signalsVersion += 1;
  }

  /** The permits that were granted since the start. */
  get granted(): number {
    return this.#granted;
  }

  /** The permits that were reported as used. */
  get used(): number {
    return sum(this.#used);
  }

  /** The permits that came back. */
  get returned(): number {
    return sum(this.#returned);
  }

  /** The leases that were granted. */
  get leases(): number {
    return this.#leases;
  }

  /** The calls that were made. */
  get calls(): number {
    return this.#calls;
  }

  /** All observations that were reported, as messages of the API. */
  get observations(): readonly Observation[] {
    return this.#observations;
  }

  /** Breaks all connections, and ends. */
  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  /** Closes the server, as `await using` does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #route(router: ConnectRouter): void {
    router.service(QuotaService, {
      acquireLease: (request) => this.#acquire(request),
      batchSettleLeases: (request) => this.#settle(request),
      getSignals: () => this.#getSignals(),
    });
  }

  #acquire(request: AcquireLeaseRequest): AcquireLeaseResponse {
    this.#calls += 1;
    if (this.#refusal !== undefined) throw this.#refusal;
    const wanted = request.permits ?? 1;
    const permits = Math.min(wanted, this.#left);
    if (permits < (request.minPermits ?? wanted)) throw refusal("WINDOW_EXHAUSTED", LATER_MS);
    this.#left -= permits;
    this.#granted += permits;
    this.#leases += 1;
    return create(AcquireLeaseResponseSchema, {
      lease: {
        leaseId: `lease-${String(this.#leases)}`,
        permits,
        priority: request.priority === Priority.UNSPECIFIED ? Priority.DEFAULT : request.priority,
        validFor: toWire(this.#validForMs),
        signalsVersion: this.#signalsVersion,
      },
    });
  }

  #getSignals(): GetSignalsResponse {
    this.#calls += 1;
    if (this.#signals === undefined) throw new ConnectError("the test has no signals", Code.Unimplemented);
    return create(GetSignalsResponseSchema, { signals: this.#signals, signalsVersion: this.#signalsVersion });
  }

  #settle(request: BatchSettleLeasesRequest): BatchSettleLeasesResponse {
    this.#calls += 1;
    const outcomes = request.requests.map((report) => {
      const back = report.returnedPermits - (this.#returned.get(report.leaseId) ?? 0);
      this.#left += back;
      this.#returned.set(report.leaseId, report.returnedPermits);
      this.#used.set(report.leaseId, report.usedPermits);
      this.#observations.push(...report.observations);
      const value = create(SettledSchema, {
        returnedPermits: report.returnedPermits,
        acceptedPermits: back,
        open: !report.isFinal,
      });
      return { outcome: { case: "settled" as const, value } };
    });
    return create(BatchSettleLeasesResponseSchema, { outcomes });
  }
}

function refusal(reason: string, retryAfterMs: number | undefined): ConnectError {
  const info = { desc: ErrorInfo, value: { reason, domain: "apportion.dev" } };
  const retry = { desc: RetryInfo, value: { retryDelay: toWire(retryAfterMs ?? 0) } };
  const details = retryAfterMs === undefined ? [info] : [info, retry];
  return new ConnectError("the test says so", Code.ResourceExhausted, undefined, details);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((all, count) => all + count, 0);
}
