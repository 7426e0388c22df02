/** Measures what the client costs: `bench/run`. Processor time of this process, medians of several runs. */

import { connect, type PermitSource } from "apportion";
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
const REQUESTS = 500;
const RATE = 1_000;
const SECONDS = 3;

/** Returns the processor time of one step in microseconds. */
async function medianUs(steps: number, run: () => Promise<void>): Promise<number> {
  await run(); // compiled and connected
  const times: number[] = [];
  for (let round = 0; round < RUNS; round += 1) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / steps);
  }
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? NaN;
}

/** Measures a permit of a prefetch, its part of all calls included. */
async function permits(url: string): Promise<number> {
  await using quota = connect(url);
  return await medianUs(PERMITS, async () => {
    for (let count = 0; count < PERMITS; count += 1) {
      (await quota.permit()).done();
      // As often as a service would look after its sockets.
      if (count % 100 === 0) await turn();
    }
  });
}

/** Measures a local request, through the hook if there is a source of permits. */
async function requests(provider: string, source?: PermitSource): Promise<number> {
  const agent = new Agent();
  const dispatcher: Dispatcher = source === undefined ? agent : agent.compose(permitInterceptor(source));
  const cost = await medianUs(REQUESTS, async () => {
    for (let count = 0; count < REQUESTS; count += 1) {
      const { body } = await request(provider, { dispatcher });
      await body.dump();
    }
  });
  await agent.close();
  return cost;
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
  const provider = createServer((_, response) => response.end("fine")).listen(0, "127.0.0.1");
  await once(provider, "listening");
  process.send?.({ fake: fake.url, provider: `http://127.0.0.1:${String((provider.address() as AddressInfo).port)}/` });
}

async function measure(): Promise<void> {
  const servers = fork(fileURLToPath(import.meta.url), ["serve"]);
  const [{ fake, provider }] = (await once(servers, "message")) as [{ fake: string; provider: string }];
  const print = (what: string, us: number): void => {
    console.log(`${what}: ${us.toFixed(us < 100 ? 1 : 0)} µs`);
  };
  print("a permit from a prefetch", await permits(fake));
  const plain = await requests(provider);
  print("a local request by undici without the hook", plain);
  const quota = connect(fake);
  print("a local request by undici with it", await requests(provider, quota));
  await quota.close();
  servers.kill();
  await using counting = await FakeServer.start();
  counting.validFor(60_000);
  console.log(`calls for 1000 permits at 1000 a second: ${(await calls(counting)).toFixed(1)}`);
}

await (process.argv[2] === "serve" ? serve() : measure());
