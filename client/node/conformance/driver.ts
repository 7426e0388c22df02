/** Answers requests: many at once, each as soon as it is done. */

import { create } from "@bufbuild/protobuf";
import { connect, PermitTimeoutError } from "apportion";
import { connectOptions, failureOf, prefetchOptions, UnsupportedError } from "./convert.js";
import * as wire from "./driver_pb.js";
import { openHttp } from "./http.js";
import * as operations from "./operations.js";
import { found, Handles, sourceOf } from "./operations.js";

const DONE = { case: "done", value: create(wire.DoneSchema) } as const;

type Result = wire.DriverResponse["result"];

/** An operation in flight. */
interface Running {
  readonly controller: AbortController;
  readonly answered: Promise<wire.DriverResponse>;
}

/** Everything that the runner has a handle of, and the operations in flight. */
export class Driver {
  #handles = new Handles();
  readonly #running = new Map<bigint, Running>();

  /** Does what is requested, and answers. */
  async answer(request: wire.DriverRequest): Promise<wire.DriverResponse> {
    const controller = new AbortController();
    const answered = this.#answer(request, controller.signal);
    this.#running.set(request.id, { controller, answered });
    const response = await answered;
    this.#running.delete(request.id);
    return response;
  }

  async #answer(request: wire.DriverRequest, signal: AbortSignal): Promise<wire.DriverResponse> {
    const start = performance.now();
    let result: Result;
    try {
      if (request.process !== 0) throw new UnsupportedError("this driver has no other processes");
      result = await this.#run(request, signal);
    } catch (error) {
      result = { case: "failure", value: failureOf(error, signal.aborted) };
    }
    const elapsedUs = BigInt(Math.round((performance.now() - start) * 1_000));
    return create(wire.DriverResponseSchema, { id: request.id, elapsedUs, result });
  }

  async #run({ id, operation: { case: name, value } }: wire.DriverRequest, signal: AbortSignal): Promise<Result> {
    const handles = this.#handles;
    switch (name) {
      case "hello":
        return { case: "hello", value: operations.hello() };
      case "connect":
        handles.clients.set(value.client, connect(value.addresses, connectOptions(value)));
        return DONE;
      case "acquire":
        return { case: "grant", value: await operations.acquire(handles, value, signal) };
      case "take":
        return { case: "taken", value: operations.take(handles, value) };
      case "prefetch":
        handles.prefetches.set(value.prefetch, found(handles.clients, value.client).prefetch(prefetchOptions(value)));
        return DONE;
      case "permit":
        return { case: "grant", value: await operations.permit(handles, value, signal) };
      case "putBack":
        operations.putBack(handles, value);
        return DONE;
      case "leave":
        operations.leave(handles, value);
        return DONE;
      case "inspect":
        return { case: "inspection", value: operations.inspect(handles, value) };
      case "observe":
        operations.observe(handles, value);
        return DONE;
      case "interpret":
        return { case: "observations", value: operations.interpret(value) };
      case "httpOpen":
        handles.https.set(value.http, openHttp(value, sourceOf(handles, value.source)));
        return DONE;
      case "httpSend":
        return this.#sendHttp(value, signal);
      case "flush":
        if (await found(handles.clients, value.client).flush()) return DONE;
        throw new PermitTimeoutError("the reports could not be sent in time");
      case "close":
        await found(handles.clients, value.client).close();
        return DONE;
      case "state":
        return { case: "state", value: operations.state(handles, value) };
      case "sleep":
        await operations.sleep(value, signal);
        return DONE;
      case "cancel":
        this.#running.get(value.request)?.controller.abort();
        return DONE;
      case "reset":
        await this.#reset(id);
        return DONE;
      default:
        throw new UnsupportedError(`operation ${String(name)}`);
    }
  }

  async #sendHttp(message: wire.HttpSend, signal: AbortSignal): Promise<Result> {
    const client = found(this.#handles.https, message.http);
    try {
      return { case: "http", value: await client.send(message, signal) };
    } catch (error) {
      const failure = failureOf(error, signal.aborted);
      if (failure.kind === wire.Failure_Kind.OTHER) failure.kind = wire.Failure_Kind.HTTP;
      return { case: "failure", value: failure };
    }
  }

  async #reset(own: bigint): Promise<void> {
    const others = [...this.#running].filter(([id]) => id !== own).map(([, running]) => running);
    for (const { controller } of others) controller.abort();
    await Promise.all(others.map(({ answered }) => answered));
    const handles = this.#handles;
    this.#handles = new Handles();
    for (const held of [...handles.permits.values(), ...handles.leases.values()]) held.done();
    await Promise.all([...handles.https.values()].map((http) => http.close()));
    await Promise.all([...handles.clients.values()].map((client) => client.close()));
  }
}
