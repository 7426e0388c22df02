/** Which node is called next. */

import { type Address, parseAddress } from "./address.js";

/** How long a hint is ignored after the node that it names has failed. */
const IGNORED_MS = 10_000;
/** The longest hint that is read. */
const HINT_MAX = 255;

/**
 * What protects calls to an address that is not configured, since a node that lies must not redirect a token to anyone.
 *
 * - `certificate`: the certificate of every node is checked against a configured authority or server name.
 * - `no-token`: nothing is sent that could be stolen.
 * - `loopback`: a token is sent unencrypted, as far as the loopback.
 * - `configured`: nothing: only configured addresses are called.
 */
export type HintTrust = "certificate" | "no-token" | "loopback" | "configured";

/** The configured addresses, which of them is used, and the node that serves the workspace, if one was named. */
export class Routes {
  readonly #configured: readonly [Address, ...Address[]];
  readonly #trust: HintTrust;
  #current = 0;
  #owner: Address | undefined;
  #ignored: { readonly url: string; readonly until: number } | undefined;

  constructor(configured: readonly [Address, ...Address[]], trust: HintTrust) {
    this.#configured = configured;
    this.#trust = trust;
  }

  /** Returns the address to call next. */
  next(): Address {
    return this.#owner ?? this.#configured[this.#current] ?? this.#configured[0];
  }

  /** Notes that a call to an address failed. Returns whether calls go elsewhere now. */
  failed(address: Address, now: number): boolean {
    // Another call may have noticed it before.
    if (this.next().url !== address.url) return true;
    if (this.#owner !== undefined) {
      this.#owner = undefined;
      this.#ignored = { url: address.url, until: now + IGNORED_MS };
    }
    if (this.#configured[this.#current]?.url === address.url) {
      this.#current = (this.#current + 1) % this.#configured.length;
    }
    return this.next().url !== address.url;
  }

  /** Notes that a node named the one that serves the workspace, as `host:port`. Returns whether calls go elsewhere now. */
  hinted(hint: string, now: number): boolean {
    const owner = this.#followed(hint);
    if (owner === undefined || owner.url === this.next().url) return false;
    if (this.#ignored?.url === owner.url && now < this.#ignored.until) return false;
    this.#owner = owner;
    return true;
  }

  #followed(hint: string): Address | undefined {
    if (hint.length > HINT_MAX || hint.includes("/")) return undefined;
    const scheme = this.#configured[0].isHttps ? "https" : "http";
    let address: Address;
    try {
      address = parseAddress(`${scheme}://${hint}`);
    } catch {
      return undefined;
    }
    const isTrusted =
      this.#trust === "certificate" || this.#trust === "no-token" || (this.#trust === "loopback" && address.isLoopback);
    return isTrusted || this.#configured.some(({ url }) => url === address.url) ? address : undefined;
  }
}
