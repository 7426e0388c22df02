/**
 * The clock that leases are measured on, in milliseconds: monotonic, and it continues while the machine sleeps.
 *
 * Node.js has no such clock of fine resolution on Linux. `performance.now()` stands still during sleep, and `os.uptime()` does
 * not, but has steps of 10 ms and costs a system call. So the time slept is added to the first: it is read from the second
 * whenever the wall clock and the first drift apart, and is rounded up, since a permit must not be used after its end.
 */

import { uptime } from "node:os";

const UPTIME_STEP_MS = 10;
/** How far the wall clock may drift before the time slept is read again. */
const DRIFT_MS = 5;
const HAS_SLEEPLESS_CLOCK = process.platform === "linux";

let sleptMs = 0;
let drift = Date.now() - performance.now();
let bootMs = uptimeMs() - performance.now();

/** Returns the time. */
export function now(): number {
  const awake = performance.now();
  if (HAS_SLEEPLESS_CLOCK) {
    const drifted = Date.now() - awake;
    if (Math.abs(drifted - drift) > DRIFT_MS) {
      drift = drifted;
      readSlept(awake);
    }
  }
  return awake + sleptMs;
}

function readSlept(awake: number): void {
  // At least so long has it slept; not more than one step longer.
  const leastMs = uptimeMs() - awake - bootMs - UPTIME_STEP_MS;
  if (leastMs <= sleptMs) return;
  sleptMs = leastMs + 2 * UPTIME_STEP_MS;
}

function uptimeMs(): number {
  return uptime() * 1_000;
}

/** Starts anew, for tests that replace the clocks of the platform. */
export function restart(): void {
  sleptMs = 0;
  drift = Date.now() - performance.now();
  bootMs = uptimeMs() - performance.now();
}
