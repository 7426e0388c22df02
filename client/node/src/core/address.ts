/** Where a node is. */

import { isIPv4 } from "node:net";
import { ConfigError } from "../errors.js";

/** A URL of scheme, host and port. Equal addresses have equal URLs. */
export interface Address {
  readonly url: string;
  readonly isHttps: boolean;
  /** Whether what is sent there stays on this machine. */
  readonly isLoopback: boolean;
}

/** Reads an address such as `http://127.0.0.1:7420`. Throws `ConfigError`. */
export function parseAddress(text: string): Address {
  const invalid = (why: string): ConfigError =>
    new ConfigError(`address ${JSON.stringify(text)}: must be a URL such as http://127.0.0.1:7420: ${why}`);
  if (typeof text !== "string" || !URL.canParse(text) || /[\s\\]/.test(text)) throw invalid("it is none");
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw invalid("its scheme is neither http nor https");
  if (url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw invalid("it may have a scheme, a host and a port only");
  }
  if (url.port === "0") throw invalid("its port is 0");
  return { url: url.origin, isHttps: url.protocol === "https:", isLoopback: isLoopback(url.hostname) };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."));
}
