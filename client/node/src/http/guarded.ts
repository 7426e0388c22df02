/** A transport for axios that writes nothing after the permit of a request has ended. */

import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { type Attempt, PermitEnded } from "./attempt.js";

/** What axios calls a transport: the part of `node:http` that it uses. */
export interface Transport {
  request(options: RequestOptions, onResponse: (response: IncomingMessage) => void): ClientRequest;
}

/**
 * Returns a transport that destroys a request whose permit ended while it waited for a socket, or for the socket to be connected.
 * `inner` sends, by default `node:http` or `node:https`. `timeoutMs` is how long axios lets a connection take; 0: any time.
 */
export function guardedTransport(attempt: Attempt, inner: Transport | undefined, timeoutMs: number): Transport {
  return {
    request(options, onResponse) {
      const transport = inner ?? (options.protocol === "https:" ? https : http);
      const request = transport.request(options, onResponse);
      const check = (): void => {
        if (attempt.isOver) request.destroy(new PermitEnded());
      };
      request.once("socket", (socket) => {
        check();
        // The request is written after this event, and what is written before a connection exists is sent after the next one.
        if (socket.connecting) socket.once("connect", check);
      });
      if (inner === undefined && timeoutMs > 0) boundConnecting(request, timeoutMs);
      return request;
    },
  };
}

/** Ends a request that is not connected in time, as axios does itself without a transport of its user. */
function boundConnecting(request: ClientRequest, timeoutMs: number): void {
  const timer = setTimeout(() => request.emit("timeout"), timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
  };
  request.once("close", stop);
  request.once("socket", (socket) => {
    if (socket.connecting) socket.once("connect", stop);
    else stop();
  });
}
