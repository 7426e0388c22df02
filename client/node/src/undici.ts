/**
 * A hook for undici (7 or later), and a `fetch` on it: a permit for each attempt on the wire, redirects and retries included.
 *
 * ```ts
 * const agent = new Agent().compose(permitInterceptor(quota), interceptors.redirect(), interceptors.retry());
 * const fetch = permitFetch(quota);
 * ```
 *
 * @module
 */

import { Agent, type Dispatcher, fetch as undiciFetch } from "undici";
import { GatedHandler } from "./http/gated.js";
import type { PermitSource } from "./source.js";

/**
 * Returns an interceptor that takes a permit before each attempt, and reports what responses say about limits.
 *
 * Put it first in `compose`, so that everything that sends again passes it. Where no permit is granted the request fails with
 * `AcquireError`, and nothing was sent.
 */
export function permitInterceptor(source: PermitSource): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    new GatedHandler(source, handler).start((gated) => dispatch(options, gated));
    return true;
  };
}

/** What a `fetch` with permits is made of. */
export interface PermitFetchOptions {
  /** The dispatcher that sends. By default an agent of its own. */
  readonly dispatcher?: Dispatcher | undefined;
}

/**
 * Returns a `fetch` that takes a permit before each attempt on the wire. Fails with `TypeError` as usual; where no permit was
 * granted, its `cause` is an `AcquireError`.
 *
 * It is undici's `fetch`: the one built into Node.js is of another version, which need not accept this dispatcher.
 */
export function permitFetch(source: PermitSource, options: PermitFetchOptions = {}): typeof undiciFetch {
  const dispatcher = (options.dispatcher ?? new Agent()).compose(permitInterceptor(source));
  return (input, init) => undiciFetch(input, { ...init, dispatcher });
}
