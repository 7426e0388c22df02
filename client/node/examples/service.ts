/** A small service that calls a provider through undici, with a permit for each attempt on the wire. `./run` starts it. */

import { AcquireError, ClosedError, connect, RefusedError } from "apportion";
import { permitInterceptor } from "apportion/undici";
import { setTimeout as pause } from "node:timers/promises";
import { Agent, type Dispatcher, request } from "undici";
import { type Options, parse } from "./options.js";
import { Output } from "./output.js";

/** How long a worker rests after each response. */
const PAUSE_MS = 20;
/** How long a request waits for its permit at most. */
const MAX_WAIT_MS = 30_000;

/** Says whether another request is to be sent. */
class Schedule {
  readonly stopped = new AbortController();
  readonly #endMs: number;
  #left: number;

  constructor(requests: number, endMs: number) {
    this.#left = requests;
    this.#endMs = endMs;
  }

  goesOn(): boolean {
    if (this.stopped.signal.aborted || this.#left === 0 || Date.now() >= this.#endMs) return false;
    this.#left -= 1;
    return true;
  }

  /** Waits, unless it is stopped. */
  async rest(spanMs: number): Promise<void> {
    await pause(Math.max(spanMs, 0), undefined, { signal: this.stopped.signal }).catch(() => undefined);
  }
}

/** Sends requests one after the other. The dispatcher waits for the permit of each. */
async function work(dispatcher: Dispatcher, options: Options, schedule: Schedule, output: Output): Promise<void> {
  while (schedule.goesOn()) {
    const issued = performance.now();
    try {
      const response = await request(options.provider, { dispatcher, headers: { "X-Team": options.team } });
      await response.body.dump();
      output.answered(issued, response.statusCode);
    } catch (error) {
      if (error instanceof ClosedError) return;
      if (error instanceof RefusedError) output.refused(issued, error.reason);
      else if (error instanceof AcquireError) output.refused(issued, error.name);
      else output.unanswered(issued, error);
    }
    await schedule.rest(PAUSE_MS);
  }
}

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2));
  const startMs = options.startAtMs ?? Date.now();
  const schedule = new Schedule(options.requests, startMs + options.seconds * 1_000);
  const output = new Output(options.json);
  const quota = connect(options.apportion, { workspace: options.workspace, team: options.team, caller: options.caller });
  const stop = (): void => {
    schedule.stopped.abort();
    // Fails the requests that wait for a permit. Those that were sent go on.
    void quota.close();
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);

  await schedule.rest(startMs - Date.now());
  const agent = new Agent();
  const dispatcher = agent.compose(permitInterceptor(quota.prefetch({ maxWaitMs: MAX_WAIT_MS })));
  await Promise.all(Array.from({ length: options.workers }, () => work(dispatcher, options, schedule, output)));
  await agent.close();
  // Gives back what is held. Without this, it takes some 300 ms more.
  await quota.close();
  output.summarize();
}

await main();
