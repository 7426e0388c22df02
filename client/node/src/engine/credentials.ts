/** The token that every call carries. */

import { closeSync, openSync, readSync } from "node:fs";
import { ConfigError } from "../errors.js";

/** How often the file of a token is read again while calls are made. */
const READ_AGAIN_MS = 10_000;
/** The largest file of a token, in bytes. */
const FILE_MAX = 64 * 1_024;

/** A fixed token, or one that is read from a file again and again, or none. */
export class Credentials {
  readonly #file: string | undefined;
  readonly #warn: (message: string) => void;
  #readAt: number;
  #header: string | undefined;

  constructor(token: string | undefined, file: string | undefined, now: number, warn: (message: string) => void) {
    if (token !== undefined && file !== undefined) throw new ConfigError("token, tokenFile: set one of the two");
    this.#file = file;
    this.#warn = warn;
    this.#readAt = now;
    if (token !== undefined) this.#header = bearer(token, "token");
    if (file !== undefined) this.#header = readToken(file);
  }

  /** Returns the headers of a call. */
  headers(now: number): Record<string, string> {
    if (now >= this.#readAt + READ_AGAIN_MS) this.readAgain(now);
    return this.#header === undefined ? {} : { authorization: this.#header };
  }

  /** Reads the file of the token again. Returns whether the token is another one now. */
  readAgain(now: number): boolean {
    this.#readAt = now;
    if (this.#file === undefined) return false;
    const former = this.#header;
    try {
      this.#header = readToken(this.#file);
    } catch (error) {
      this.#warn(`the former token stays in use: ${String(error)}`);
    }
    return this.#header !== former;
  }
}

function readToken(file: string): string {
  const where = `tokenFile ${JSON.stringify(file)}`;
  const content = Buffer.alloc(FILE_MAX + 1);
  let bytes = 0;
  try {
    const opened = openSync(file, "r");
    try {
      for (let read = -1; read !== 0 && bytes < content.length; bytes += read) {
        read = readSync(opened, content, bytes, content.length - bytes, null);
      }
    } finally {
      closeSync(opened);
    }
  } catch (error) {
    throw new ConfigError(`${where}: cannot be read`, { cause: error });
  }
  if (bytes > FILE_MAX) throw new ConfigError(`${where}: may have ${String(FILE_MAX)} bytes, and has more`);
  return bearer(content.toString("latin1", 0, bytes).trim(), where);
}

function bearer(secret: string, where: string): string {
  if (!/^[!-~]+$/.test(secret)) throw new ConfigError(`${where}: a token must be printable ASCII without spaces`);
  return `Bearer ${secret}`;
}
