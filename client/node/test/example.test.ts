import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeServer } from "../src/testing.js";

type Process = ChildProcessByStdio<null, Readable, Readable>;

const RUN = fileURLToPath(new URL("../examples/run", import.meta.url));
const APPORTION = fileURLToPath(new URL("../../../target/debug/apportion", import.meta.url));

let server: FakeServer;
let provider: Server;
let teams: (string | undefined)[];

beforeEach(async () => {
  server = await FakeServer.start();
  teams = [];
  provider = createServer((message, response) => {
    teams.push(message.headers["x-team"] as string | undefined);
    response.end("fine");
  });
  provider.listen(0, "127.0.0.1");
  await once(provider, "listening");
});

afterEach(async () => {
  provider.closeAllConnections();
  provider.close();
  await server.close();
});

function service(apportion: string, ...args: string[]): Process {
  const { port } = provider.address() as AddressInfo;
  const addresses = ["--apportion", apportion, "--provider", `http://127.0.0.1:${String(port)}/`];
  return spawn(RUN, [...addresses, ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

/** Returns what a process has printed at its end, and its status. */
async function ended(process: Process): Promise<[string, number | null]> {
  const exit = once(process, "exit") as Promise<[number | null]>;
  const output = await text(process.stdout);
  return [output, (await exit)[0]];
}

test("each request takes a permit, and nothing is kept", async () => {
  const run = service(server.url, "--workers", "2", "--requests", "8", "--team", "sync");
  expect(await ended(run)).toEqual(["8 answers with status 200\n", 0]);
  expect(teams).toEqual(Array(8).fill("sync"));
  expect([server.used, server.granted - server.returned]).toEqual([8, 8]);
});

test("a refusal is told with its reason", async () => {
  server.refuse("TEAM_PAUSED");
  expect(await ended(service(server.url, "--requests", "3"))).toEqual(["3 not sent: TEAM_PAUSED\n", 0]);
  expect(teams).toEqual([]);
});

test("it stops and gives everything back when it is asked to", async () => {
  const run = service(server.url, "--requests", "100000", "--json");
  const [line] = (await once(createInterface(run.stdout), "line")) as [string];
  expect(JSON.parse(line)).toMatchObject({ status: 200 });
  run.kill("SIGTERM");
  const [status] = (await once(run, "exit")) as [number];
  expect(status).toBe(0);
  // A grant on its way to a process that has ended is lost, on a very busy machine.
  expect(server.granted - server.returned - teams.length).toBeLessThanOrEqual(1);
});

test("an invalid flag is told, with the usage", async () => {
  const run = service(server.url, "--workers", "none");
  const told = text(run.stderr);
  expect(await ended(run)).toEqual(["", 2]);
  expect(await told).toMatch(/^--workers none: must be an integer of at least 1\n\nusage: /);
});

test.skipIf(!existsSync(APPORTION))("a real server is used for a while", async () => {
  const apportion = spawn(APPORTION, ["serve", "--dev", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
  const [serving] = (await once(createInterface(apportion.stdout), "line")) as [string];
  const { url } = JSON.parse(serving) as { url: string };
  const startMs = Date.now() + 4_000;
  const start = String(startMs / 1_000);
  const [output] = await ended(service(url, "--seconds", "1", "--start-at", start, "--workers", "2", "--json"));
  apportion.kill();
  const lines = output.trim().split("\n");
  const answers = lines.map((line) => JSON.parse(line) as { at_ns: number; took_us: number; status: number });
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(answers).toHaveLength(teams.length);
  for (const { at_ns: ns } of answers) expect(Math.abs(ns / 1e6 - startMs)).toBeLessThan(5_000);
});
