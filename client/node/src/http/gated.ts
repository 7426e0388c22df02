/** A handler of undici that starts its request once there is a permit, and can be aborted before. */

import type { Dispatcher } from "undici";
import { AcquireError } from "../errors.js";
import type { PermitSource } from "../source.js";
import { Attempt, PERMITS_MAX, PermitEnded } from "./attempt.js";

type Controller = Dispatcher.DispatchController;
type Raw = Exclude<Controller["rawHeaders"], undefined>;
type Handler = Dispatcher.DispatchHandler;
type Headers = Parameters<NonNullable<Handler["onResponseStart"]>>[2];
type Upgraded = Parameters<NonNullable<Handler["onRequestUpgrade"]>>[3];

/** What the request is controlled with: by itself until it starts, then by undici. */
class GatedController implements Controller {
  readonly waiting = new AbortController();
  inner: Controller | undefined;
  onAbort: (reason: Error) => void = () => undefined;
  #reason: Error | null = null;

  get aborted(): boolean {
    return this.inner?.aborted ?? this.waiting.signal.aborted;
  }

  get paused(): boolean {
    return this.inner?.paused ?? false;
  }

  get reason(): Error | null {
    return this.inner?.reason ?? this.#reason;
  }

  get rawHeaders(): Raw {
    return this.inner?.rawHeaders ?? null;
  }

  get rawTrailers(): Raw {
    return this.inner?.rawTrailers ?? null;
  }

  abort(reason: Error): void {
    if (this.inner !== undefined) {
      this.inner.abort(reason);
    } else if (!this.waiting.signal.aborted) {
      this.#reason = reason;
      this.waiting.abort(reason);
      this.onAbort(reason);
    }
  }

  pause(): void {
    this.inner?.pause();
  }

  resume(): void {
    this.inner?.resume();
  }
}

/** Passes everything on to the handler of the request, which sees one start, before the wait for the permit. */
export class GatedHandler implements Handler {
  readonly #source: PermitSource;
  readonly #handler: Handler;
  readonly #controller = new GatedController();
  #dispatch: (handler: Handler) => void = () => undefined;
  #attempt: Attempt | undefined;
  #permits = 0;
  #hasEnded = false;

  constructor(source: PermitSource, handler: Handler) {
    this.#source = source;
    this.#handler = handler;
  }

  /** Waits for a permit, and dispatches the request then. */
  start(dispatch: (handler: Handler) => void): void {
    this.#controller.onAbort = (reason) => {
      this.#fail(reason);
    };
    this.#dispatch = dispatch;
    this.#handler.onRequestStart?.(this.#controller, {});
    if (!this.#hasEnded) void this.#start();
  }

  onRequestStart(controller: Controller): void {
    if (this.#controller.inner === undefined) {
      // Nothing was written. What is thrown here ends the request, and leaves the connection as it is.
      if (this.#attempt?.isOver === true) throw new PermitEnded();
      this.#controller.inner = controller;
      return;
    }
    // A connection broke before the response, and undici would send the request again under the same permit.
    this.#controller.inner = controller;
    controller.abort(new AcquireError("the request would be sent again without a permit of its own"));
  }

  onRequestUpgrade(_: Controller, statusCode: number, headers: Headers, socket: Upgraded): void {
    this.#attempt?.responded(statusCode, headers);
    this.#attempt?.ended();
    this.#handler.onRequestUpgrade?.(this.#controller, statusCode, headers, socket);
  }

  onResponseStart(_: Controller, statusCode: number, headers: Headers, statusMessage?: string): void {
    if (statusCode >= 200) this.#attempt?.responded(statusCode, headers);
    this.#handler.onResponseStart?.(this.#controller, statusCode, headers, statusMessage);
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    this.#attempt?.received(chunk);
    this.#handler.onResponseData?.(this.#controller, chunk);
  }

  onResponseEnd(_: Controller, trailers: Headers): void {
    this.#attempt?.ended();
    // What it throws comes back as an error: that is how undici's retries begin.
    this.#handler.onResponseEnd?.(this.#controller, trailers);
    this.#hasEnded = true;
  }

  onResponseError(_: Controller, error: Error): void {
    // Without a start nothing was written.
    if (this.#controller.inner === undefined) this.#attempt?.unsent();
    else this.#attempt?.ended();
    if (error instanceof PermitEnded && this.#permits < PERMITS_MAX && !this.#hasEnded) void this.#start();
    else this.#fail(error);
  }

  async #start(): Promise<void> {
    const { signal } = this.#controller.waiting;
    this.#permits += 1;
    try {
      const permit = await this.#source.permit({ signal });
      this.#attempt = new Attempt(permit, this.#source);
      if (signal.aborted) this.#attempt.unsent();
      else this.#dispatch(this);
    } catch (error) {
      this.#attempt?.unsent();
      if (!signal.aborted) this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#handler.onResponseError?.(this.#controller, error);
  }
}
