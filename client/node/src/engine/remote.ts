/** Calls the nodes of a network: which one, over which connection, with which token, and what a failure says of them. */

import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import { CallFailure } from "../core/failure.js";
import { Routes } from "../core/routes.js";
import type {
  AcquireLeaseRequest,
  AcquireLeaseResponse,
  BatchSettleLeasesRequest,
  BatchSettleLeasesResponse,
  GetSignalsResponse,
} from "../gen/apportion/v1/quota_service_pb.js";
import { hintTrust, type Settings } from "../settings.js";
import type { Telemetry } from "../telemetry/telemetry.js";
import { now } from "./clock.js";
import type { Credentials } from "./credentials.js";
import { Node } from "./node.js";
import type { Service } from "./service.js";
import { codeName, failureOf } from "./status.js";
import { after } from "./timers.js";

/** A connection that gave no answer for so long is replaced. */
const SILENCE_MS = 900;
/** How much later the deadline is that a call itself carries, so that only a server's answer looks like one. */
const LATER_MS = 100;
/** The most nodes that new calls may go to. Beyond, the one that was connected first is dropped. */
const NODES_MAX = 32;
/** The key of the metadata that names the node that serves the workspace. */
const OWNER = "apportion-owner";

/** What a call is ended by. */
type Ending = "deadline" | "cancelled";
type Method<Response> = (node: Node, options: CallOptions) => Promise<Response>;

/** The quota service on a network. */
export class RemoteService implements Service {
  readonly #settings: Settings;
  readonly #telemetry: Telemetry;
  readonly #credentials: Credentials;
  readonly #routes: Routes;
  readonly #nodes = new Map<string, Node>();
  readonly #retired = new Set<Node>();

  constructor(settings: Settings, credentials: Credentials, telemetry: Telemetry) {
    this.#settings = settings;
    this.#telemetry = telemetry;
    this.#credentials = credentials;
    this.#routes = new Routes(settings.addresses, hintTrust(settings));
  }

  acquire(message: AcquireLeaseRequest, timeoutMs: number, signal?: AbortSignal): Promise<AcquireLeaseResponse | CallFailure> {
    return this.#told("AcquireLease", (node, options) => node.leases.acquireLease(message, options), timeoutMs, signal);
  }

  settle(message: BatchSettleLeasesRequest, timeoutMs: number): Promise<BatchSettleLeasesResponse | CallFailure> {
    return this.#told("BatchSettleLeases", (node, options) => node.reports.batchSettleLeases(message, options), timeoutMs);
  }

  signals(workspace: string, timeoutMs: number): Promise<GetSignalsResponse | CallFailure> {
    return this.#told("GetSignals", (node, options) => node.reports.getSignals({ workspace }, options), timeoutMs);
  }

  close(): void {
    for (const node of [...this.#nodes.values(), ...this.#retired]) node.close();
    this.#nodes.clear();
    this.#retired.clear();
  }

  async #told<Response>(
    name: string,
    method: Method<Response>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Response | CallFailure> {
    const result = await this.#call(method, timeoutMs, signal);
    this.#telemetry.called(name, result instanceof CallFailure ? codeName(result.code) : undefined);
    return result;
  }

  async #call<Response>(method: Method<Response>, timeoutMs: number, signal?: AbortSignal): Promise<Response | CallFailure> {
    const node = this.#node();
    node.calls += 1;
    let owner: string | undefined;
    const follow = (headers: Headers): void => {
      owner = headers.get(OWNER) ?? owner;
    };
    const controller = new AbortController();
    let end: (how: Ending) => void = () => undefined;
    const ended = new Promise<Ending>((resolve) => {
      end = (how) => {
        resolve(how);
        controller.abort();
      };
    });
    const stop = after(timeoutMs, () => {
      end("deadline");
    });
    const cancel = (): void => {
      end("cancelled");
    };
    signal?.addEventListener("abort", cancel);
    try {
      const options: CallOptions = {
        signal: controller.signal,
        timeoutMs: Math.ceil(timeoutMs + LATER_MS),
        headers: this.#credentials.headers(now()),
        onHeader: follow,
        onTrailer: follow,
      };
      const call = method(node, options).catch((error: unknown) => {
        // The metadata of a failed call is in its error alone.
        follow(ConnectError.from(error).metadata);
        return failureOf(error);
      });
      const result = await Promise.race([call, ended]);
      const isHinted = owner !== undefined && this.#routes.hinted(owner, now());
      if (result === "cancelled") return new CallFailure(Code.Canceled, "the call was cancelled");
      if (result === "deadline") return this.#silent(node, timeoutMs);
      return result instanceof CallFailure ? this.#failed(node, result, isHinted) : result;
    } finally {
      stop();
      signal?.removeEventListener("abort", cancel);
      this.#leave(node);
    }
  }

  #node(): Node {
    const address = this.#routes.next();
    let node = this.#nodes.get(address.url);
    if (node === undefined) {
      const [first] = this.#nodes.values();
      if (first !== undefined && this.#nodes.size >= NODES_MAX) this.#retire(first);
      node = new Node(address, this.#settings);
      this.#nodes.set(address.url, node);
    }
    return node;
  }

  #leave(node: Node): void {
    node.calls -= 1;
    if (!node.isRetired || node.calls > 0) return;
    this.#retired.delete(node);
    node.close();
  }

  /** Gives up the connections of a node. They are closed with their last call; the next ones get new ones. */
  #retire(node: Node): void {
    node.isRetired = true;
    if (this.#nodes.get(node.address.url) === node) this.#nodes.delete(node.address.url);
    if (node.calls > 0) this.#retired.add(node);
    else node.close();
  }

  #silent(node: Node, timeoutMs: number): CallFailure {
    let isRerouted = false;
    if (timeoutMs >= SILENCE_MS) {
      this.#retire(node);
      isRerouted = this.#routes.failed(node.address, now());
    }
    return new CallFailure(Code.DeadlineExceeded, "no answer in time", {}, isRerouted);
  }

  #failed(node: Node, failure: CallFailure, isHinted: boolean): CallFailure {
    let isRerouted = isHinted && failure.reason === "NOT_OWNER";
    if (failure.isOfTransport) isRerouted = this.#routes.failed(node.address, now());
    else if (failure.code === Code.Unauthenticated) isRerouted = this.#credentials.readAgain(now());
    return new CallFailure(failure.code, `${node.address.url}: ${failure.message}`, failure, isRerouted);
  }
}
