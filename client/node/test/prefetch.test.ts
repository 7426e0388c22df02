import { beforeEach, expect, test } from "vitest";
import type { LeaseState } from "../src/core/lease.js";
import { PrefetchState } from "../src/core/prefetch.js";
import { type AcquireError, RefusedError, UnreachableError } from "../src/errors.js";
import { Reported } from "./lease.js";

const holding = { horizonMs: 250, idleTimeoutMs: 200, maxPermits: 500 };
let reported: Reported;
let state: PrefetchState;

beforeEach(() => {
  reported = new Reported();
  state = new PrefetchState(holding);
});

/** Queues a caller, and returns its answers. */
function enter(now: number, maxWaitMs: number): (LeaseState | AcquireError)[] {
  const answers: (LeaseState | AcquireError)[] = [];
  const add = (answer: LeaseState | AcquireError): void => {
    answers.push(answer);
  };
  state.enter(now, { waitUntil: now + maxWaitMs, failAt: now + maxWaitMs + 20, grant: add, fail: add });
  return answers;
}

function covered(): { mostUrgent: number | undefined; end: number } {
  return { mostUrgent: state.queue.mostUrgent()?.position, end: state.queue.next };
}

test("the first request is for the callers that wait, with what the most urgent has left", () => {
  enter(0, 1_000);
  enter(0, 300);
  expect(state.refill(100)).toMatchObject({ permits: 2, maxWaitMs: 200 });
});

test("permits go to callers in order, and the rest is held", () => {
  const first = enter(0, 1_000);
  const second = enter(0, 300);
  state.add(10, reported.lease(1));
  expect([first.length, second.length]).toEqual([1, 0]);
  state.add(20, reported.lease(4));
  expect([second.length, state.held]).toEqual([1, 3]);
});

test("what is held follows the demand", () => {
  state.add(0, reported.lease(100));
  for (let at = 0; at < 100; at += 1) state.take(at);
  expect(state.refill(100)).toMatchObject({ permits: 50, maxWaitMs: 250 });
});

test("of a contended lease nothing is held ahead", () => {
  enter(0, 1_000);
  state.add(0, reported.lease(5, 10_000, true));
  expect([state.held, reported.returned]).toEqual([0, 4]);
  expect(state.refill(1)).toBeUndefined();
});

test("once nothing was taken for so long that held permits go back, none are requested ahead", () => {
  state.add(0, reported.lease(100));
  for (let at = 0; at < 60; at += 1) state.take(at);
  state.returnExcess(259);
  expect([state.held, state.refill(259), state.needsRefill(259)]).toEqual([0, undefined, false]);
});

test("what ends soon goes back while others can use it", () => {
  state.add(0, reported.lease(10, 150));
  state.take(0);
  state.returnExcess(50);
  expect([state.held, reported.returned]).toEqual([0, 9]);
});

test("a refusal fails who cannot wait for the retry, and nothing is requested until then", () => {
  const error = new RefusedError("WINDOW_EXHAUSTED", "later", 400);
  const short = enter(0, 300);
  const long = enter(0, 1_000);
  state.refuse(10, error, covered());
  expect([short.length, long.length]).toEqual([1, 0]);
  expect([state.refill(409), state.refill(410)?.permits]).toEqual([undefined, 1]);
  expect(() => enter(100, 200)).toThrow(error);
  expect(enter(100, 2_000)).toEqual([]);
});

test("a final refusal fails all that it covers, and for a second every new caller", () => {
  const error = new RefusedError("UNKNOWN_TEAM", "no such team");
  const callers = [enter(0, 1_000), enter(0, 60_000)];
  state.refuse(10, error, covered());
  expect(callers).toEqual([[error], [error]]);
  expect(() => enter(1_000, 60_000)).toThrow(error);
  expect(enter(1_010, 60_000)).toEqual([]);
});

test("an outage fails who has little time left, and the others ask again", () => {
  const error = new UnreachableError("nobody is there");
  const callers = [enter(0, 100), enter(0, 200), enter(0, 5_000)];
  state.refuse(50, error, covered());
  expect(callers.map((answers) => answers.length)).toEqual([1, 1, 0]);
  expect(state.refill(50)?.permits).toBe(1);
});

test("a caller that leaves makes room for the next", () => {
  const gone = enter(0, 100);
  const next = enter(0, 200);
  state.queue.leave(0);
  state.add(1, reported.lease(1));
  expect([gone.length, next.length]).toEqual([0, 1]);
});

test("100 000 callers may wait, and one more is refused", () => {
  for (let caller = 0; caller < 100_000; caller += 1) enter(0, 1_000);
  expect(() => enter(0, 1_000)).toThrow("100000 callers are waiting");
  state.add(1, reported.lease(100_000));
  expect([state.queue.size, state.held]).toEqual([0, 0]);
});

test("a throttle spends what is held: it is neither used nor returned", () => {
  state.add(0, reported.lease(10));
  state.take(0)?.done();
  state.spendAll();
  expect(reported.reports.at(-1)?.report.counts).toEqual({ usedPermits: 1, returnedPermits: 0, isFinal: true });
});
