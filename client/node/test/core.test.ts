import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { parseAddress } from "../src/core/address.js";
import { Attempts } from "../src/core/attempts.js";
import { CallFailure } from "../src/core/failure.js";
import { PendingReports } from "../src/core/reports.js";
import { LeaseReport } from "../src/core/report.js";
import { Routes } from "../src/core/routes.js";
import { LocalShare } from "../src/core/share.js";
import { fromWire, toWire } from "../src/core/span.js";
import { TimedObservation } from "../src/core/timed.js";
import { RefusalSchema } from "../src/gen/apportion/v1/lease_pb.js";
import { SettleOutcomeSchema } from "../src/gen/apportion/v1/quota_service_pb.js";
import { Reason } from "../src/gen/apportion/v1/reason_pb.js";

const identity = { workspace: "", team: "", caller: "" };
const counts = { usedPermits: 0, returnedPermits: 1, isFinal: true };

function pending(): { reports: PendingReports; warnings: string[] } {
  const warnings: string[] = [];
  return { reports: new PendingReports(identity, (message) => warnings.push(message)), warnings };
}

test("a share grants no more than its permits in any span of its window", () => {
  const share = new LocalShare(50, 1_000);
  const taken: { at: number; permits: number; end: number }[] = [];
  for (let at = 0; at < 5_000; at += 10) {
    const grant = share.take(at, 7, 1);
    if (grant !== undefined) taken.push({ at, permits: grant.permits, end: grant.end });
  }
  for (const { end } of taken) {
    const inWindow = taken.filter((other) => other.end > end - 1_000 && other.at <= end);
    expect(inWindow.reduce((sum, { permits }) => sum + permits, 0)).toBeLessThanOrEqual(50);
  }
  expect(taken.length).toBeGreaterThan(20);
});

test("unused permits of a share are free at once", () => {
  const share = new LocalShare(5, 1_000);
  share.take(0, 5, 5)?.giveBack(3);
  expect([share.take(1, 5, 4), share.take(1, 5, 3)?.permits]).toEqual([undefined, 3]);
});

test("an attempt leaves the server time to answer, and the last one is sent early enough", () => {
  const attempts = new Attempts(0, 1_000);
  expect(attempts.next(0, false)).toEqual({ timeoutMs: 1_000, waitMs: 900 });
  expect(attempts.next(0, true)).toEqual({ timeoutMs: 1_000, waitMs: 900 });
  expect(attempts.delay(740, 0, false)).toBe(10);
  expect(attempts.isOverAfter(990, 10)).toBe(true);
  expect(new Attempts(0, 1e300).end).toBe(3_600_000);
  expect(new Attempts(0, 0).next(0, false)).toEqual({ timeoutMs: 250, waitMs: 0 });
});

test("what is rerouted is repeated at once, three times in a row", () => {
  const attempts = new Attempts(0, 60_000);
  expect([0, 0, 0].map(() => attempts.delay(0, 0, true))).toEqual([0, 0, 0]);
  expect(attempts.delay(0, 0, true)).toBeGreaterThanOrEqual(25);
});

test("reports of one lease are merged, and wait for company", () => {
  const { reports } = pending();
  reports.add(0, new LeaseReport("a", 1e6, { ...counts, isFinal: false }, []), "usual");
  reports.add(10, new LeaseReport("a", 1e6, counts, []), "returns");
  expect([reports.size, reports.dueAt]).toEqual([1, 30]);
  expect(reports.take(29)).toBeUndefined();
  expect(reports.take(30)?.requests).toMatchObject([{ leaseId: "a", isFinal: true, returnedPermits: 1 }]);
});

test("more than 64 observations go into several requests, of which the last is final", () => {
  const { reports } = pending();
  const seen = TimedObservation.of({ status: 429, throttled: true }, 0);
  const many = Array.from({ length: 130 }, () => seen ?? expect.fail());
  reports.add(0, new LeaseReport("a", 1e6, counts, many), "throttle");
  const requests = reports.take(0)?.requests ?? [];
  expect(requests.map(({ observations, isFinal }) => [observations.length, isFinal])).toEqual([
    [64, false],
    [64, false],
    [2, true],
  ]);
});

test("a call has at most 1000 requests, and half as many once that is refused", () => {
  const { reports } = pending();
  for (let lease = 0; lease < 1_500; lease += 1) reports.add(0, new LeaseReport(String(lease), 1e6, counts, []), "usual");
  const first = reports.take(50) ?? expect.fail();
  expect(first.requests).toHaveLength(1_000);
  reports.rejected(50, first, new CallFailure(Code.ResourceExhausted, "too much", { reason: "MALFORMED" }));
  expect(reports.take(5_000)?.requests).toHaveLength(500);
});

test("a report is given up when its lease has ended and its observations are old", () => {
  const { reports, warnings } = pending();
  const throttle = TimedObservation.of({ throttled: true }, 0) ?? expect.fail();
  reports.add(0, new LeaseReport("a", 100, counts, []), "throttle");
  reports.add(0, new LeaseReport("b", 100, counts, [throttle]), "throttle");
  const batch = reports.take(0) ?? expect.fail();
  reports.failed(200, batch, new CallFailure(Code.Unavailable, "gone"));
  expect([reports.size, warnings.length]).toEqual([1, 1]);
});

test("a report whose observations are refused is sent again without them, once", () => {
  const { reports } = pending();
  const seen = TimedObservation.of({ limit: "unknown" }, 0) ?? expect.fail();
  reports.add(0, new LeaseReport("a", 1e6, counts, [seen]), "throttle");
  const value = create(RefusalSchema, { reason: Reason.UNKNOWN_LIMIT });
  const outcomes = [create(SettleOutcomeSchema, { outcome: { case: "refusal", value } })];
  reports.answered(0, reports.take(0) ?? expect.fail(), outcomes);
  const again = reports.take(5_000) ?? expect.fail();
  expect(again.requests).toMatchObject([{ leaseId: "a", observations: [] }]);
  reports.answered(5_000, again, outcomes);
  expect(reports.size).toBe(0);
});

test.each([
  ["http://a:1", "no-token", "b:2", "http://b:2"],
  ["http://a:1", "loopback", "b:2", "http://a:1"],
  ["http://a:1", "loopback", "127.0.0.1:2", "http://127.0.0.1:2"],
  ["https://a:1", "configured", "b:2", "https://a:1"],
  ["https://a:1", "certificate", "b:2", "https://b:2"],
  ["http://a:1", "no-token", "b:2/path", "http://a:1"],
  ["http://a:1", "no-token", "user@b:2", "http://a:1"],
] as const)("from %s with trust %s, a hint to %s leads to %s", (configured, trust, hint, next) => {
  const routes = new Routes([parseAddress(configured)], trust);
  routes.hinted(hint, 0);
  expect(routes.next().url).toBe(next);
});

test("the next address is used when one fails, and a hint that failed is ignored for a while", () => {
  const routes = new Routes([parseAddress("http://a:1"), parseAddress("http://b:1")], "no-token");
  expect([routes.failed(parseAddress("http://a:1"), 0), routes.next().url]).toEqual([true, "http://b:1"]);
  routes.hinted("c:1", 0);
  routes.failed(parseAddress("http://c:1"), 0);
  expect([routes.hinted("c:1", 9_999), routes.next().url]).toEqual([false, "http://b:1"]);
  expect(routes.hinted("c:1", 10_000)).toBe(true);
});

test("spans survive the way into a message and back", () => {
  expect([0, 0.5, 1_234.5, 3_600_000].map((spanMs) => fromWire(toWire(spanMs)))).toEqual([0, 0.5, 1_234.5, 3_600_000]);
});
