package dev.apportion;

import dev.apportion.v1.BatchSettleLeasesRequest;
import dev.apportion.v1.Reason;
import dev.apportion.v1.Refusal;
import dev.apportion.v1.SettleOutcome;
import io.grpc.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

/** Sends reports in batches, one call at a time. */
final class Reporter {
    /** How long a call may take. */
    private static final long TIMEOUT_NS = 2_000_000_000;

    private final Ticker ticker;
    private final Engine engine;
    private final LeaseService service;
    private final Logger logger;
    /** Called in the engine's thread when nothing is left to send. */
    private final Runnable idled;

    private final PendingReports pending = new PendingReports();
    private boolean isInFlight;
    /** What sends the next batch, and when. */
    private Future<?> next;

    private long nextAt;
    /** Completed when nothing waits and no call is in flight; null if nobody waits for that. */
    private CompletableFuture<Void> idle;

    Reporter(Ticker ticker, Engine engine, LeaseService service, Logger logger, Runnable idled) {
        this.ticker = ticker;
        this.engine = engine;
        this.service = service;
        this.logger = logger;
        this.idled = idled;
    }

    /** Adds a report, which may wait for company. It is dropped with a warning if too many wait. */
    synchronized void add(Report report, Report.Urgency urgency) {
        if (!pending.add(ticker.now(), report, urgency)) {
            logger.log(Level.WARNING, "the report of lease {0} is dropped: too many are waiting", report.leaseId());
            return;
        }
        plan();
    }

    /** Sends everything at once. The future completes when nothing is left to send. */
    synchronized CompletableFuture<Void> flush() {
        if (isIdle()) {
            return CompletableFuture.completedFuture(null);
        }
        pending.flush(ticker.now());
        if (idle == null) {
            idle = new CompletableFuture<>();
        }
        plan();
        return idle;
    }

    /** Says whether nothing waits to be sent, and no call is in flight. */
    synchronized boolean isIdle() {
        return !isInFlight && pending.size() == 0;
    }

    /** Returns how many leases have reports that wait. */
    synchronized int waiting() {
        return pending.size();
    }

    /** Plans the next call, unless one is in flight or it is planned already. */
    private void plan() {
        OptionalLong due = pending.due();
        if (isInFlight || due.isEmpty() || (next != null && nextAt <= due.getAsLong())) {
            return;
        }
        if (next != null) {
            next.cancel(false);
        }
        nextAt = due.getAsLong();
        next = engine.after(Ticker.since(nextAt, ticker.now()), this::send);
    }

    private void send() {
        PendingReports.Batch batch;
        synchronized (this) {
            next = null;
            batch = isInFlight ? null : pending.take(ticker.now());
            if (batch == null) {
                plan();
                return;
            }
            isInFlight = true;
        }
        BatchSettleLeasesRequest request = BatchSettleLeasesRequest.newBuilder()
                .addAllRequests(batch.requests())
                .build();
        service.settle(request, TIMEOUT_NS, answer -> {
            if (answer.failure() == null) {
                settled(batch, answer.response().getOutcomesList());
            } else {
                failed(batch, answer.failure());
            }
            ended();
        });
    }

    private void ended() {
        CompletableFuture<Void> waiter = null;
        synchronized (this) {
            isInFlight = false;
            plan();
            if (isIdle()) {
                waiter = idle;
                idle = null;
            }
        }
        if (waiter != null) {
            waiter.complete(null);
        }
        if (isIdle()) {
            idled.run();
        }
    }

    private void settled(PendingReports.Batch batch, List<SettleOutcome> outcomes) {
        List<Report> again = new ArrayList<>();
        long afterNs = 0;
        int at = 0;
        for (int report = 0; report < batch.reports().size(); report++) {
            int end = Math.min(at + batch.sizes().get(report), outcomes.size());
            Refusal refusal = refusal(outcomes.subList(at, end));
            at = end;
            if (refusal == null) {
                continue;
            }
            if (refusal.hasRetryAfter()) {
                afterNs = Math.max(afterNs, Wire.ns(refusal.getRetryAfter()));
                again.add(batch.reports().get(report));
            } else if (isWithoutObservations(batch.reports().get(report), refusal)) {
                again.add(batch.reports().get(report));
            }
        }
        synchronized (this) {
            pending.answered();
            if (!again.isEmpty()) {
                pending.pause(ticker.now(), afterNs);
                pending.putBack(ticker.now(), again);
            }
        }
    }

    private static Refusal refusal(List<SettleOutcome> outcomes) {
        Refusal last = null;
        for (SettleOutcome outcome : outcomes) {
            last = outcome.hasRefusal() ? outcome.getRefusal() : last;
        }
        return last;
    }

    /** Logs a final refusal. An observation that the server does not accept must not take the returned permits with it. */
    private boolean isWithoutObservations(Report report, Refusal refusal) {
        logger.log(
                Level.WARNING,
                "the report of lease {0} is refused ({1}): {2}",
                report.leaseId(),
                refusal.getReason(),
                refusal.getMessage());
        boolean isAboutObservation =
                refusal.getReason() == Reason.REASON_MALFORMED || refusal.getReason() == Reason.REASON_UNKNOWN_LIMIT;
        return isAboutObservation && report.dropObservations();
    }

    /** Keeps the reports of a failed call as long as they are of use, unless the server will never accept them. */
    private void failed(PendingReports.Batch batch, CallFailure failure) {
        int givenUp;
        synchronized (this) {
            long now = ticker.now();
            if (!failure.isRerouted()) {
                pending.pause(now, failure.retryAfterNs());
            }
            givenUp = mayBeAccepted(batch, failure)
                    ? pending.putBack(now, batch.reports())
                    : batch.reports().size();
        }
        if (givenUp > 0) {
            logger.log(
                    Level.WARNING,
                    "{0} lease reports are dropped, because the call failed: {1}",
                    givenUp,
                    failure.refusal().getMessage());
        }
    }

    private boolean mayBeAccepted(PendingReports.Batch batch, CallFailure failure) {
        if (failure.kind() != CallFailure.Kind.REFUSED) {
            return failure.kind() == CallFailure.Kind.UNAVAILABLE;
        }
        boolean isTooMuch = failure.code() == Status.Code.INVALID_ARGUMENT
                || failure.code() == Status.Code.OUT_OF_RANGE
                || failure.code() == Status.Code.RESOURCE_EXHAUSTED;
        // A token may be replaced, and fewer requests may fit into what the server accepts.
        return failure.refusal().retryAfter().isPresent()
                || failure.code() == Status.Code.UNAUTHENTICATED
                || (isTooMuch && pending.refused(batch.requests().size()));
    }
}
