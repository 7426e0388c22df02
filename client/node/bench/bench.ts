/** Measures what the client costs: `bench/run`. */

import { connect, type Quota } from "apportion";
import { FakeServer } from "apportion/testing";
import { permitInterceptor } from "apportion/undici";
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Agent, type Dispatcher, request } from "undici";

const RUNS = 7;
const PERMITS = 20_000;
const WARM_UP = 5_000;
const REQUESTS = 10_000;
const RATE = 1_000;
const SECONDS = 3;

/** Returns the processor time of one step in microseconds. */
async function cpuUs(steps: number, run: () => Promise<void>): Promise<number> {
  await run(); // compiled and connected
  const times: number[] = [];
  for (let round = 0; round < RUNS; round += 1) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / steps);
  }
  return median(times);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Measures the processor time of a permit of a prefetch, with its part of all calls. */
async function permits(url: string): Promise<number> {
  await using quota = connect(url);
  return await cpuUs(PERMITS, async () => {
    for (let count = 0; count < PERMITS; count += 1) {
      (await quota.permit()).done();
      // As often as a service would look after its sockets.
      if (count % 100 === 0) await turn();
    }
  });
}

/** How long single permits and requests took, in microseconds. */
interface Times {
  readonly plain: number[];
  readonly permits: number[];
  readonly hooked: number[];
}

/** Measures single permits between requests, and the requests. Medians leave out what the machine did meanwhile. */
async function requests(provider: string, quota: Quota): Promise<Times> {
  const agent = new Agent();
  const hooked = new Agent().compose(permitInterceptor(quota));
  const times: Times = { plain: [], permits: [], hooked: [] };
  for (let count = -WARM_UP; count < REQUESTS; count += 1) {
    const plainUs = await sent(provider, agent);
    const permitUs = await taken(quota);
    const hookedUs = await sent(provider, hooked);
    if (count < 0) continue;
    times.plain.push(plainUs);
    times.permits.push(permitUs);
    times.hooked.push(hookedUs);
  }
  await agent.close();
  await hooked.close();
  return times;
}

async function sent(provider: string, dispatcher: Dispatcher): Promise<number> {
  const start = performance.now();
  const { body } = await request(provider, { dispatcher });
  await body.dump();
  return (performance.now() - start) * 1_000;
}

/** Takes a permit that is held ready, once there is one. */
async function taken(quota: Quota): Promise<number> {
  for (;;) {
    const start = performance.now();
    const permit = quota.tryPermit();
    permit?.done();
    if (permit !== undefined) return (performance.now() - start) * 1_000;
    (await quota.permit()).done();
  }
}

/** Counts the calls for 1000 permits at a steady rate, after the first second. */
async function calls(fake: FakeServer): Promise<number> {
  await using quota = connect(fake.url);
  const start = performance.now();
  let before = 0;
  for (let count = 0; count < RATE * (SECONDS + 1); count += 1) {
    const lateMs = performance.now() - start - (count / RATE) * 1_000;
    if (lateMs < 0) await pause(-lateMs);
    if (count === RATE) before = fake.calls;
    (await quota.permit()).done();
  }
  return ((fake.calls - before) / (RATE * SECONDS)) * 1_000;
}

/** The servers, in a process of their own, so that their time does not count. */
async function serve(): Promise<void> {
  const fake = await FakeServer.start();
  fake.validFor(60_000);
  const provider = createServer((_, response) => {
    response.setHeader("X-RateLimit-Limit", "166").setHeader("X-RateLimit-Remaining", "100").end("fine");
  }).listen(0, "127.0.0.1");
  await once(provider, "listening");
  process.send?.({ fake: fake.url, provider: `http://127.0.0.1:${String((provider.address() as AddressInfo).port)}/` });
}

async function measure(): Promise<void> {
  const servers = fork(fileURLToPath(import.meta.url), ["serve"]);
  const [{ fake, provider }] = (await once(servers, "message")) as [{ fake: string; provider: string }];
  const print = (what: string, us: number, more = ""): void => {
    console.log(`${what}: ${us.toFixed(us < 1 ? 2 : us < 100 ? 1 : 0)} µs${more}`);
  };
  print("processor time of a permit from a prefetch, with its part of all calls", await permits(fake));
  const quota = connect(fake);
  const times = await requests(provider, quota);
  await quota.close();
  const [plain, permit] = [median(times.plain), median(times.permits)];
  print("a permit that is held ready", permit, `, ${((100 * permit) / plain).toFixed(2)} % of a request`);
  print("a local request by undici without the hook", plain);
  print("a local request by undici with it", median(times.hooked));
  servers.kill();
  await using counting = await FakeServer.start();
  counting.validFor(60_000);
  console.log(`calls for 1000 permits at 1000 a second: ${(await calls(counting)).toFixed(1)}`);
}

await (process.argv[2] === "serve" ? serve() : measure());
