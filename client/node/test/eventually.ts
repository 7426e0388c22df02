import { vi } from "vitest";

/** Waits until an expectation holds, for long enough on a busy machine. */
export function eventually<T>(expectation: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(expectation, { timeout: 10_000, interval: 10 });
}
