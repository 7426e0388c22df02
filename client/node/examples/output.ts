/** What the example service prints: each request at once as JSON, or counts at the end. */

export class Output {
  readonly #isJson: boolean;
  readonly #counts = new Map<string, number>();

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  /** Adds a request that was issued then, on the clock of `performance`, and answered now. */
  answered(issued: number, status: number): void {
    this.#add(issued, { status }, `answers with status ${String(status)}`);
  }

  /** Adds a request that no permit was granted for. */
  refused(issued: number, reason: string): void {
    this.#add(issued, { status: 0, error: reason }, `not sent: ${reason}`);
  }

  /** Adds a request that was sent, and whose response did not arrive. */
  unanswered(issued: number, why: unknown): void {
    const message = String(why);
    this.#add(issued, { status: 0, error: message }, `without an answer: ${message}`);
  }

  /** Prints the counts, if there are some. */
  summarize(): void {
    for (const [what, count] of [...this.#counts].sort()) console.log(`${String(count)} ${what}`);
  }

  #add(issued: number, what: object, counted: string): void {
    if (!this.#isJson) {
      this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1);
      return;
    }
    const tookUs = Math.round((performance.now() - issued) * 1_000);
    // Nanoseconds since 1970 are too many for a number: microseconds, and three zeros.
    const atUs = Math.round((performance.timeOrigin + issued) * 1_000);
    const rest = JSON.stringify({ took_us: tookUs, ...what }).slice(1);
    process.stdout.write(`{"at_ns":${String(atUs)}000,${rest}\n`);
  }
}
