/** What reads the responses of a client: signals of the user or of the server, or a function of the user. */

import { create, toJson } from "@bufbuild/protobuf";
import { ConfigError } from "../errors.js";
import { type Signals, SignalsSchema } from "../gen/apportion/v1/signals_pb.js";
import { needsBody, readHeaders } from "../headers.js";
import type { Observation, ProviderResponse, Reader } from "../observation.js";
import type { SignalsInit } from "../signals.js";
import { interpretBy, wantsBody } from "./interpret.js";
import { standardSignals } from "./standard.js";

/** Reads responses. */
export interface ResponseReader {
  /** Returns what a response says about limits. */
  read: Reader;
  /** Whether the body of a response with this status may decide what it says. */
  readsBody(status: number): boolean;
}

/** Reads by signals of the server, which may change. */
export interface SignalsUser {
  /** The version of the signals at hand. 0 before there are some. */
  readonly version: number;
  /** Reads by other signals from now on. */
  replace(signals: Signals, version: number): void;
}

/**
 * Reads by the signals of the server.
 *
 * Until it has said what the responses of the provider mean, those are read that have the standard headers, and others by
 * `readHeaders`.
 */
export class ServerSignals implements ResponseReader, SignalsUser {
  version = 0;
  #signals: Signals | undefined;
  readonly #standard = standardSignals();

  /** Returns what a response says. */
  read(response: ProviderResponse): readonly Observation[] {
    if (this.#signals !== undefined) return interpretBy(this.#signals, response).observations;
    const { observations } = interpretBy(this.#standard, response);
    const usual = readHeaders(response);
    if (observations.some(hasCounts) || !(hasCounts(usual) || usual.throttled === true)) return observations;
    return [{ ...usual, retryAfterMs: usual.throttled === true ? usual.retryAfterMs : undefined }];
  }

  /** Whether the body may decide what a status means. */
  readsBody(status: number): boolean {
    return this.#signals === undefined ? needsBody(status) : wantsBody(this.#signals, status);
  }

  /** Reads by other signals from now on. */
  replace(signals: Signals, version: number): void {
    this.#signals = signals;
    this.version = version;
  }
}

/** Returns what reads by given signals. */
export function readerOf(signals: SignalsInit): ResponseReader {
  const fixed = checkedSignals(signals);
  return {
    read: (response) => interpretBy(fixed, response).observations,
    readsBody: (status) => wantsBody(fixed, status),
  };
}

/** Returns the message. Throws `ConfigError` where a value is of another type than its field. */
export function checkedSignals(signals: SignalsInit): Signals {
  try {
    const message = create(SignalsSchema, signals);
    toJson(SignalsSchema, message);
    return message;
  } catch (error) {
    throw new ConfigError(`signals: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function hasCounts(seen: Observation): boolean {
  return seen.limitPermits !== undefined || seen.remainingPermits !== undefined;
}
