import { expect, test } from "vitest";
import { TimedObservation } from "../src/core/timed.js";
import { Reported } from "./lease.js";

test("no permit is taken at or after the end", () => {
  const lease = new Reported().lease(2, 100);
  expect(lease.take(99.9)).toBe(true);
  expect(lease.take(100)).toBe(false);
});

test("a lease that ends reports what was used and returned, once and for good", () => {
  const reported = new Reported();
  const lease = reported.lease(5);
  lease.take(0);
  lease.take(0);
  lease.finish();
  lease.finish();
  const last = reported.reports.at(-1)?.report.counts;
  expect(last).toEqual({ usedPermits: 2, returnedPermits: 3, isFinal: true });
  expect(reported.reports.filter(({ report }) => report.counts.isFinal)).toHaveLength(1);
  expect(reported.forgotten).toEqual([lease]);
});

test("a report that only returns permits leaves open what may still be put back", () => {
  const reported = new Reported();
  const lease = reported.lease(3);
  lease.take(0);
  lease.returnAll();
  expect(reported.reports.map(({ report, urgency }) => [urgency, report.counts.usedPermits])).toEqual([["returns", 0]]);
  lease.putBack();
  expect(reported.reports.at(-1)?.report.counts).toEqual({ usedPermits: 0, returnedPermits: 3, isFinal: true });
});

test("a throttle is reported at once, and other observations with the next report", () => {
  const reported = new Reported();
  const lease = reported.lease(3);
  const seen = (throttled: boolean, at: number): TimedObservation =>
    TimedObservation.of({ status: 200, throttled }, at) ?? expect.fail("an observation is dropped");
  lease.observe(seen(false, 0));
  expect(reported.reports).toHaveLength(0);
  lease.observe(seen(true, 10));
  expect(reported.reports.map(({ report, urgency }) => [urgency, report.observations.length])).toEqual([["throttle", 2]]);
  lease.observe(seen(false, 20));
  lease.observe(seen(false, 520));
  expect(reported.reports).toHaveLength(2);
});

test.each([
  { status: 999 },
  { limitPermits: -1, remainingPermits: 1.5 },
  { retryAfterMs: Number.NaN, resetAfterMs: Infinity },
  { resetTimeNs: 2n ** 80n, resetPrecisionMs: 3_600_001 },
])("what the server would refuse is left out of an observation: %o", (seen) => {
  expect(TimedObservation.of(seen, 0)?.at(0)).toEqual(TimedObservation.of({}, 0)?.at(0));
});

test("an observation of an impossible limit, or one that is an hour old, is dropped", () => {
  expect(TimedObservation.of({ limit: "a b" }, 0)).toBeUndefined();
  expect(TimedObservation.of({ ageMs: 3_600_001 }, 0)?.at(0)).toBeUndefined();
});
