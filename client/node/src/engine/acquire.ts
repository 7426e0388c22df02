/** One acquire: calls and pauses, under one request id, until a lease or an error. */

import { Attempts } from "../core/attempts.js";
import { CallFailure } from "../core/failure.js";
import { type Ask, granted, requestOf } from "../core/grant.js";
import { type GrantedLease, LeaseState, type ReportSink } from "../core/lease.js";
import type { Identity } from "../core/report.js";
import type { LocalShare } from "../core/share.js";
import { type AcquireError, PermitTimeoutError, UnreachableError } from "../errors.js";
import type { AcquireLeaseResponse } from "../gen/apportion/v1/quota_service_pb.js";
import type { Telemetry } from "../telemetry/telemetry.js";
import { now } from "./clock.js";
import type { Service } from "./service.js";
import type { SignalsSource } from "./signals.js";
import type { Slots } from "./slots.js";
import { after, pause } from "./timers.js";

/**
 * An acquire that nobody waits for stays in flight for some of these steps, so that an answer on its way is given back and not
 * lost. A step that ends late does not count, since what came while the event loop was busy is only read after it.
 */
const STEP_MS = 50;
const LATE_MS = 20;
/** The steps of one that has given up its slot. */
const STEPS = 20;
/** The steps of one that keeps its slot, because many others go on. */
const STEPS_WITH_SLOT = 2;
/** The most acquires that nobody waits for and that have given up their slots. */
const WITHOUT_SLOT_MAX = 24;
/** An answer is recent for so long. */
const RECENT_MS = 1_000;
/** How early or late a deadline may be noticed. */
const TIMER_MS = 20;

/** What all acquires of a client share. */
export interface AcquireContext {
  readonly identity: Identity;
  readonly sink: ReportSink;
  readonly share: LocalShare | undefined;
  readonly waitsForServer: boolean;
  readonly service: () => Service;
  readonly slots: (ask: Ask) => Slots;
  readonly requestId: () => string;
  readonly signals: SignalsSource;
  readonly telemetry: Telemetry;
  /** Whether a request has ended without an answer, and none was answered since. */
  isOutage: boolean;
  /** When a server last answered anything. */
  heardAt: number;
  /** How many acquires in flight have given up their slots. */
  withoutSlot: number;
}

/** One acquire on its way. Whoever started it awaits its outcome, or abandons it. */
export class Acquire {
  readonly #context: AcquireContext;
  readonly #ask: Ask;
  readonly #attempts: Attempts;
  readonly #start: number;
  /** Aborted when the call in flight is to be cancelled. */
  readonly #cancelled = new AbortController();
  /** Aborted when nobody waits. */
  readonly #abandoned = new AbortController();
  /** The slot of the call in flight, while it has one. */
  #slot: Slots | undefined;
  #isInFlight = false;

  constructor(context: AcquireContext, ask: Ask, start: number) {
    this.#context = context;
    this.#ask = ask;
    this.#start = start;
    this.#attempts = new Attempts(start, ask.maxWaitMs);
  }

  /** Notes that nobody waits: a lease that is still granted goes back. */
  abandon(): void {
    if (this.#abandoned.signal.aborted) return;
    this.#abandoned.abort();
    if (!this.#isInFlight) return;
    if (this.#context.withoutSlot < WITHOUT_SLOT_MAX) {
      this.#context.withoutSlot += 1;
      this.#leave();
      this.#cancelAfter(STEPS);
    } else {
      this.#cancelAfter(STEPS_WITH_SLOT);
    }
  }

  #leave(): void {
    const slot = this.#slot;
    this.#slot = undefined;
    slot?.leave();
  }

  #cancelAfter(steps: number): void {
    if (!this.#isInFlight) return;
    if (steps === 0) {
      this.#cancelled.abort();
      return;
    }
    const late = now() + STEP_MS + LATE_MS;
    after(STEP_MS, () => {
      this.#cancelAfter(now() < late ? steps - 1 : steps);
    });
  }

  /** Acquires a lease. Throws `AcquireError`. Returns nothing if it was abandoned: what was granted went back. */
  async run(): Promise<LeaseState | undefined> {
    const context = this.#context;
    let requestId = context.requestId();
    // Why the last attempt had no answer. It is why the acquire has none if no time is left for another one.
    let failed: CallFailure | undefined;
    for (;;) {
      const isProbe = context.isOutage && context.share !== undefined;
      const sent = await this.#send(requestId, isProbe);
      const result = sent.result ?? failed;
      if (result !== undefined && !(result instanceof CallFailure)) return this.#granted(result, sent.at);
      if (this.#abandoned.signal.aborted) return undefined;
      if (result === undefined && !context.isOutage) {
        throw new PermitTimeoutError("no permit became available in time: other requests of this client wait at the server");
      }
      if (result === undefined || result.isUnavailable) {
        failed = result;
        this.#checkCrowd(result);
        const lease = await this.#unavailable(result);
        if (lease !== undefined) return lease;
      } else {
        this.#heard();
        failed = undefined;
        if (result.isLeaseEnded) {
          requestId = context.requestId();
          await this.#retry();
        } else if (!isProbe) {
          throw result.toError();
        }
        // A server is back, and the request may wait there for longer than the probe did.
      }
      if (this.#abandoned.signal.aborted) return undefined;
    }
  }

  /** Makes one call. There is no result if it was not sent, because it was never its turn. */
  async #send(
    requestId: string,
    isProbe: boolean,
  ): Promise<{ at: number; result: AcquireLeaseResponse | CallFailure | undefined }> {
    const context = this.#context;
    const slots = context.slots(this.#ask);
    if (!slots.tryEnter()) {
      const waitMs = context.waitsForServer ? Infinity : this.#attempts.end - now();
      if (!(await slots.enter(waitMs, this.#abandoned.signal))) return { at: now(), result: undefined };
      if (this.#abandoned.signal.aborted) {
        slots.leave();
        return { at: now(), result: undefined };
      }
    }
    this.#slot = slots;
    const at = now();
    if (context.waitsForServer && at >= this.#attempts.end) this.#attempts.restart(at);
    const { timeoutMs, waitMs } = this.#attempts.next(at, isProbe);
    this.#isInFlight = true;
    try {
      if (timeoutMs <= 0) return { at, result: undefined };
      const message = requestOf(context.identity, this.#ask, waitMs, requestId);
      return { at, result: await context.service().acquire(message, timeoutMs, this.#cancelled.signal) };
    } finally {
      this.#isInFlight = false;
      if (this.#slot === undefined) context.withoutSlot -= 1;
      this.#leave();
    }
  }

  #heard(): void {
    this.#context.isOutage = false;
    this.#context.heardAt = now();
  }

  /**
   * Throws if the request is over without an answer, although the server has just answered others that came with it. That is no
   * outage: it may have waited for a stream of the connection.
   */
  #checkCrowd(result: CallFailure | undefined): void {
    const context = this.#context;
    if (result?.reason !== undefined) context.heardAt = now();
    const isOver = this.#attempts.isOverAfter(now(), TIMER_MS) && !context.waitsForServer;
    if (isOver && context.heardAt > Math.max(this.#start, now() - RECENT_MS)) {
      throw new PermitTimeoutError("no permit became available in time: the server answered others meanwhile");
    }
  }

  #granted(response: AcquireLeaseResponse, sentAt: number): LeaseState | undefined {
    this.#heard();
    const lease = this.#lease(granted(response, sentAt));
    if (!this.#abandoned.signal.aborted) {
      this.#context.signals.seen(response.lease?.signalsVersion ?? 0);
      return lease;
    }
    lease.finish();
    return undefined;
  }

  async #retry(): Promise<void> {
    const start = now();
    const delayMs = this.#attempts.delay(start, 0, true);
    if (this.#attempts.isOverAfter(start, delayMs)) throw new PermitTimeoutError("every lease arrived after its end");
    await pause(delayMs, this.#abandoned.signal);
  }

  /** Waits before the next attempt. Falls back if the request is over, or there is an outage. */
  async #unavailable(why: CallFailure | undefined): Promise<LeaseState | undefined> {
    const context = this.#context;
    const attempts = this.#attempts;
    let at = now();
    const delayMs = attempts.delay(at, why?.retryAfterMs ?? 0, why?.isRerouted ?? false);
    const isOver = attempts.isOverAfter(at, delayMs);
    if (isOver && context.waitsForServer) {
      attempts.restart(at + delayMs);
    } else if (isOver && context.share === undefined) {
      context.isOutage = true;
      throw unreachable(why, "");
    } else if (context.share !== undefined) {
      if (isOver && !context.isOutage) {
        await pause(attempts.end - at, this.#abandoned.signal);
        if (this.#abandoned.signal.aborted) return undefined;
        at = now();
        context.isOutage = true;
      }
      const lease = context.isOutage ? this.#fromShare(context.share, at) : undefined;
      if (lease !== undefined) return lease;
      if (isOver) throw unreachable(why, "; too little of the local share is left");
    }
    await pause(delayMs - (now() - at), this.#abandoned.signal);
    return undefined;
  }

  #fromShare(share: LocalShare, at: number): LeaseState | undefined {
    const { permits, minPermits } = this.#ask;
    const grant = share.take(at, permits, minPermits ?? permits);
    if (grant === undefined) return undefined;
    // Like a contended lease: nothing of it is held ahead of demand.
    return this.#lease({
      permits: grant.permits,
      end: grant.end,
      priority: this.#ask.priority ?? "",
      isContended: true,
      source: grant,
    });
  }

  #lease(lease: GrantedLease): LeaseState {
    const { identity, sink, telemetry } = this.#context;
    const state = new LeaseState(sink, lease);
    telemetry.granted(identity, state.permits, state.isLocal);
    return state;
  }
}

function unreachable(why: CallFailure | undefined, more: string): AcquireError {
  const message = why?.message ?? "no server answered the requests before this one";
  return new UnreachableError(`no server can be reached: ${message}${more}`);
}
