/** One attempt on the wire under a permit: what the hooks of HTTP clients have in common. */

import { PermitTimeoutError } from "../errors.js";
import { BODY_MAX, type HeadersLike } from "../observation.js";
import type { Permit } from "../permit.js";
import type { PermitSource } from "../source.js";

/** How many permits a request may outlive while it waits for a connection. */
export const PERMITS_MAX = 8;

/** The lease of a request has ended before the request could be written. */
export class PermitEnded extends PermitTimeoutError {
  constructor() {
    super("every permit ended before a connection was free");
  }
}

/** A permit from before its request is sent until its response is read. Counts as used unless nothing was sent. */
export class Attempt {
  readonly #permit: Permit;
  readonly #source: PermitSource;
  #head: { readonly status: number; readonly headers: HeadersLike } | undefined;
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(permit: Permit, source: PermitSource) {
    this.#permit = permit;
    this.#source = source;
  }

  /** Whether the lease has ended, so that nothing may be sent any more. */
  get isOver(): boolean {
    return this.#permit.validForMs === 0;
  }

  /** Notes the status and headers of the response, and reports them unless the reader needs the body too. */
  responded(status: number, headers: HeadersLike): void {
    this.#head = { status, headers };
    if (!this.#source.readsBody(status)) this.ended();
  }

  /** Notes a part of the body, and reports the response when it is more than the reader looks at. */
  received(chunk: Uint8Array): void {
    if (this.#head === undefined) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    // A longer body is not looked at.
    if (this.#bytes > BODY_MAX) this.ended();
  }

  /** Reports the response, if there was one, and ends the scope of the permit. */
  ended(): void {
    const head = this.#head;
    this.#head = undefined;
    if (head !== undefined) {
      const body = this.#source.readsBody(head.status) ? Buffer.concat(this.#chunks) : undefined;
      this.#permit.observeResponse(head.status, head.headers, body);
    }
    this.#chunks = [];
    this.#permit.done();
  }

  /** Notes that nothing was sent. */
  unsent(): void {
    this.#permit.putBack();
  }
}
