/** Timers. */

const LONGEST_MS = 0x7fff_ffff;

/** Does something after so long, or never after `Infinity`. Returns what cancels it. */
export function after(spanMs: number, action: () => void): () => void {
  if (spanMs === Infinity) return () => undefined;
  const timer = setTimeout(action, Math.min(Math.max(Math.ceil(spanMs), 0), LONGEST_MS));
  return () => {
    clearTimeout(timer);
  };
}

/** Waits so long, or until the signal is aborted. */
export function pause(spanMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      stop();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const stop = after(spanMs, end);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}
