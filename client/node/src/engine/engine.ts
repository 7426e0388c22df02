/** The state of one client: its acquires, prefetches and reports, and the one timer that drives them. */

import { randomBytes } from "node:crypto";
import { LEAST_MS } from "../core/attempts.js";
import type { Ask, Priority } from "../core/grant.js";
import type { LeaseState, ReportSink } from "../core/lease.js";
import type { Holding } from "../core/prefetch.js";
import type { LeaseReport, Urgency } from "../core/report.js";
import type { QuotaCounts } from "../counts.js";
import { type AcquireError, ClosedError, PermitTimeoutError, UnreachableError } from "../errors.js";
import { type Settings, shareOf } from "../settings.js";
import type { Telemetry, Waiting } from "../telemetry/telemetry.js";
import { Acquire, type AcquireContext } from "./acquire.js";
import { now } from "./clock.js";
import { type InFlight, Refill, type RefillHost } from "./refill.js";
import type { Service } from "./service.js";
import { SignalsSource } from "./signals.js";
import { Settler } from "./settler.js";
import { Slots } from "./slots.js";
import { after } from "./timers.js";

/** How much longer than an acquire a caller waits, so that it gets the reason of a failure. */
const REASON_MARGIN_MS = 100;
/** Request ids are a prefix of the process, and a count. */
const PROCESS = randomBytes(8).toString("hex");
let requests = 0;

/** Everything of a client but its surface. */
export class Engine implements ReportSink, RefillHost {
  readonly settings: Settings;
  readonly #telemetry: Telemetry;
  readonly #connect: () => Service;
  readonly #context: AcquireContext;
  readonly #settler: Settler;
  readonly #refills = new Set<Refill>();
  readonly #acquires = new Map<Acquire, (error: AcquireError) => void>();
  readonly #openLeases = new Set<LeaseState>();
  readonly #idleWaiters = new Set<() => void>();
  #service: Service | undefined;
  #isClosed = false;
  /** When a closed client gives up its reports. */
  #giveUpAt = 0;
  #isWoken = false;
  #stopTimer: () => void = () => undefined;

  constructor(settings: Settings, telemetry: Telemetry, connect: () => Service) {
    this.settings = settings;
    this.#telemetry = telemetry;
    this.#connect = connect;
    const slots = new Map<Priority | undefined, Slots>();
    const service = (): Service => (this.#service ??= this.#connect());
    this.#context = {
      identity: settings.identity,
      sink: this,
      share: shareOf(settings),
      waitsForServer: settings.fallback === "wait",
      service,
      slots: ({ priority }) => {
        const found = slots.get(priority) ?? new Slots();
        slots.set(priority, found);
        return found;
      },
      signals: new SignalsSource(settings.signalsUser, settings.identity.workspace, service),
      telemetry,
      requestId: () => `${PROCESS}-${(requests++).toString(36)}`,
      isOutage: false,
      heardAt: -Infinity,
      withoutSlot: 0,
    };
    this.#settler = new Settler(settings.identity, settings.warn, service, () => {
      this.wake();
    });
  }

  /** Whether the client is closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Queues a report. */
  report(report: LeaseReport, urgency: Urgency): void {
    const at = now();
    if (this.#isClosed) this.#giveUpAt = Math.max(this.#giveUpAt, at + this.settings.closeTimeoutMs);
    this.#settler.add(at, report, this.#isClosed ? "throttle" : urgency);
  }

  /** Notes that a lease has made its last report. */
  forget(lease: LeaseState): void {
    this.#openLeases.delete(lease);
    this.#telemetry.returned(this.settings.identity, lease.returned, lease.isLocal);
    if (this.#isClosed) this.wake();
  }

  /** Notes that the provider throttles: what is held ahead is useless. */
  throttled(): void {
    for (const refill of this.#refills) refill.state.spendAll();
    this.wake();
  }

  /** Creates a prefetch. */
  addRefill(holding: Holding, priority: Priority | undefined): Refill {
    const refill = new Refill(holding, priority, this);
    if (this.#isClosed) refill.close();
    else this.#refills.add(refill);
    return refill;
  }

  /** Closes a prefetch. */
  removeRefill(refill: Refill): void {
    refill.close();
    this.#refills.delete(refill);
  }

  /** Returns when a caller is failed that has no answer. */
  failAt(since: number, maxWaitMs: number): number {
    return this.#context.waitsForServer ? Infinity : since + Math.max(maxWaitMs, LEAST_MS) + REASON_MARGIN_MS;
  }

  /** Returns the error of a caller that has no answer. */
  late(): AcquireError {
    return this.#context.isOutage
      ? new UnreachableError("no server can be reached")
      : new PermitTimeoutError("no permit became available in time");
  }

  /** Waits for what does not come at once, and tells of the wait. */
  async awaited<T>(waiting: Waiting, come: Promise<T>): Promise<T> {
    const ended = this.#telemetry.waiting(this.settings.identity, waiting);
    try {
      const value = await come;
      ended();
      return value;
    } catch (error) {
      ended(error);
      throw error;
    }
  }

  /** Acquires a lease. Whoever abandons it never hears of it again. */
  start(ask: Ask): InFlight {
    const acquire = new Acquire(this.#context, ask, now());
    const outcome = new Promise<LeaseState>((resolve, reject) => {
      this.#acquires.set(acquire, reject);
      const ended = (): void => {
        this.#acquires.delete(acquire);
        if (this.#isClosed) this.wake();
      };
      const onLease = (lease: LeaseState | undefined): void => {
        ended();
        if (lease === undefined) return;
        this.#openLeases.add(lease);
        resolve(lease);
      };
      acquire.run().then(onLease, (error: unknown) => {
        ended();
        reject(error);
      });
    });
    return {
      outcome,
      abandon: () => {
        acquire.abandon();
      },
    };
  }

  /** Sends all reports now. Answers true when nothing is left to send, or false after the timeout. */
  flush(timeoutMs: number): Promise<boolean> {
    this.#settler.flush(now());
    return this.#idle(timeoutMs);
  }

  /** Gives everything back. Answers true when that is done, or false after the timeout. */
  close(): Promise<boolean> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      for (const refill of this.#refills) refill.close();
      for (const [acquire, fail] of this.#acquires) {
        fail(new ClosedError("the client is closed"));
        acquire.abandon();
      }
      const at = now();
      this.#settler.flush(at);
      this.#giveUpAt = at + this.settings.closeTimeoutMs;
    }
    return this.#idle(this.settings.closeTimeoutMs);
  }

  /** Returns counts of the state. */
  counts(): QuotaCounts {
    const sum = (numbers: number[]): number => numbers.reduce((all, one) => all + one, 0);
    const refills = [...this.#refills];
    return {
      held: sum(refills.map(({ state }) => state.held)),
      inUse: sum([...this.#openLeases].map(({ inUse }) => inUse)),
      waiting: this.#acquires.size + sum(refills.map(({ state }) => state.queue.size)),
      pendingReports: this.#settler.size,
      openLeases: this.#openLeases.size,
    };
  }

  /** Looks soon at what is to be done, after all that happens now. */
  wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    queueMicrotask(() => {
      this.#isWoken = false;
      this.#turn();
    });
  }

  #turn(): void {
    const at = now();
    for (const refill of this.#refills) refill.step(at);
    this.#settler.step(at);
    if (this.#isIdle()) for (const answer of this.#idleWaiters) answer();
    if (this.#isClosed && this.#isOver(at)) this.#end();
    this.#stopTimer();
    const next = this.#nextAt(at);
    this.#stopTimer = after(next - at, () => {
      this.#turn();
    });
  }

  #nextAt(at: number): number {
    let next = this.#settler.dueAt;
    for (const refill of this.#refills) next = Math.min(next, refill.nextCheck(at));
    if (this.#isClosed && this.#service !== undefined) next = Math.min(next, this.#overAt());
    return next;
  }

  /** Whether nothing is to be sent, and after close nothing is on its way. */
  #isIdle(): boolean {
    return this.#settler.size === 0 && (!this.#isClosed || this.#acquires.size === 0);
  }

  /** When the leases in use have ended, and their reports are given up. */
  #overAt(): number {
    return Math.max(this.#giveUpAt, ...[...this.#openLeases].map(({ end }) => end));
  }

  #isOver(at: number): boolean {
    return at >= this.#overAt() || (this.#isIdle() && this.#openLeases.size === 0);
  }

  #end(): void {
    this.#openLeases.clear();
    this.#settler.giveUp();
    this.#service?.close();
    this.#service = undefined;
  }

  #idle(timeoutMs: number): Promise<boolean> {
    this.wake();
    return new Promise((resolve) => {
      const answer = (isDone: boolean): void => {
        stop();
        this.#idleWaiters.delete(done);
        resolve(isDone);
        this.wake();
      };
      const done = (): void => {
        answer(true);
      };
      const stop = after(timeoutMs, () => {
        answer(false);
      });
      this.#idleWaiters.add(done);
    });
  }
}
