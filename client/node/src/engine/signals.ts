/** Gets the signals of the workspace when a lease has another version of them. */

import { CallFailure } from "../core/failure.js";
import type { SignalsUser } from "../signals/reader.js";
import { now } from "./clock.js";
import type { Service } from "./service.js";

const TIMEOUT_MS = 2_000;
/** How long after a failure they are not asked for again. */
const PAUSE_MS = 1_000;

/** Asks for signals, one call at a time, for a reader that is given. */
export class SignalsSource {
  readonly #user: SignalsUser | undefined;
  readonly #workspace: string;
  readonly #service: () => Service;
  #isAsking = false;
  #pausedUntil = 0;

  constructor(user: SignalsUser | undefined, workspace: string, service: () => Service) {
    this.#user = user;
    this.#workspace = workspace;
    this.#service = service;
  }

  /** Notes the version that a lease has. 0 says nothing. */
  seen(version: number): void {
    const user = this.#user;
    if (user === undefined || version === 0 || version === user.version) return;
    if (!this.#isAsking && now() >= this.#pausedUntil) void this.#ask(user);
  }

  async #ask(user: SignalsUser): Promise<void> {
    this.#isAsking = true;
    const result = await this.#service().signals(this.#workspace, TIMEOUT_MS);
    this.#isAsking = false;
    // An older server has no signals; a lease of it has no version then.
    if (result instanceof CallFailure) this.#pausedUntil = now() + PAUSE_MS;
    else if (result.signals !== undefined && result.signalsVersion !== 0) user.replace(result.signals, result.signalsVersion);
  }
}
