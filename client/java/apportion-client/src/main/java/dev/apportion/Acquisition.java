package dev.apportion;

import dev.apportion.v1.AcquireLeaseResponse;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

/** One request on its way to a lease: until it is granted, refused, or over. Used by the engine's thread alone. */
final class Acquisition {
    /**
     * A call that nobody waits for any more goes on for some of these steps, so that a grant on its way arrives and goes back. A step
     * that ends late does not count, since what came while the process was busy or stood still is only read after it.
     */
    private static final long STEP_NS = 50_000_000;

    private static final long LATE_NS = 20_000_000;
    /** The steps of one that has given up its slot. */
    private static final int STEPS = 20;
    /** The steps of one that keeps its slot, because many others go on. */
    private static final int STEPS_WITH_SLOT = 2;

    private final Acquirer acquirer;
    private final Request request;
    private final Attempts attempts;
    private final Slots.Lane lane;
    private final CompletableFuture<Lease> result = new CompletableFuture<>();
    private String requestId;
    /** What waits for a slot; null if nothing does. */
    private Runnable queued;
    /** What happens next without an answer; null if nothing does. */
    private Future<?> timer;
    /** The call in flight; null if none is. */
    private LeaseService.Call call;
    /** Whether the call in flight has a slot. */
    private boolean hasSlot;
    /** Whether nobody waits any more. */
    private boolean isAbandoned;

    Acquisition(Acquirer acquirer, Request request, long start) {
        this.acquirer = acquirer;
        this.request = request;
        attempts = new Attempts(request.maxWaitNs(), start);
        lane = acquirer.slots.of(request.priority());
    }

    /** Returns what comes of it. Cancelling it withdraws the request. */
    CompletableFuture<Lease> result() {
        return result;
    }

    void start() {
        if (!acquirer.started(this)) {
            result.completeExceptionally(new ClosedException());
            return;
        }
        requestId = acquirer.requestId();
        result.whenComplete((lease, failed) -> {
            if (result.isCancelled()) {
                acquirer.engine.execute(this::abandon);
            }
        });
        enterSlot();
    }

    private void enterSlot() {
        queued = this::attempt;
        lane.enter(queued);
        if (queued != null && !acquirer.isWaiting) {
            after(Ticker.since(attempts.end(), acquirer.ticker.now()), this::giveUpSlot);
        }
    }

    private void giveUpSlot() {
        if (queued != null && lane.cancel(queued)) {
            queued = null;
            noTimeLeft();
        }
    }

    /** Makes one attempt, with a slot. */
    private void attempt() {
        queued = null;
        stopTimer();
        if (isAbandoned) {
            lane.leave();
            acquirer.ended(this);
            return;
        }
        long now = acquirer.ticker.now();
        if (acquirer.isWaiting && now >= attempts.end()) {
            attempts.restart(now);
        }
        boolean isProbe = acquirer.share != null && acquirer.isOutage;
        Attempts.Attempt next = attempts.next(now, isProbe);
        if (next.timeoutNs() <= 0) {
            lane.leave();
            noTimeLeft();
            return;
        }
        hasSlot = true;
        call = acquirer.service.acquire(
                acquirer.message(request, next.waitNs(), requestId),
                next.timeoutNs(),
                answer -> answered(answer, now, isProbe));
    }

    /** Others of this client wait at the server, unless it is unreachable. */
    private void noTimeLeft() {
        if (acquirer.isOutage) {
            unavailable("it did not answer the requests before this one", 0, false);
        } else {
            fail(new TimedOutException());
        }
    }

    private void answered(LeaseService.Answer<AcquireLeaseResponse> answer, long sent, boolean isProbe) {
        call = null;
        if (hasSlot) {
            hasSlot = false;
            lane.leave();
        } else {
            acquirer.withoutSlot--;
        }
        CallFailure failure = answer.failure();
        if (failure == null) {
            acquirer.isOutage = false;
            accept(answer.response(), sent);
        } else if (isAbandoned) {
            acquirer.ended(this);
        } else if (failure.kind() == CallFailure.Kind.UNAVAILABLE) {
            unavailable(failure.refusal().getMessage(), failure.retryAfterNs(), failure.isRerouted());
        } else {
            acquirer.isOutage = false;
            refused(failure, isProbe);
        }
    }

    private void accept(AcquireLeaseResponse response, long sent) {
        if (!response.hasLease()) {
            fail(new InvalidResponseException("it contains no lease"));
            return;
        }
        try {
            complete(acquirer.granted(response.getLease(), sent));
        } catch (InvalidResponseException invalid) {
            fail(invalid);
        }
    }

    private void refused(CallFailure failure, boolean isProbe) {
        long now = acquirer.ticker.now();
        if (failure.kind() == CallFailure.Kind.LEASE_ENDED) {
            requestId = acquirer.requestId();
            long delayNs = attempts.delayNs(now, 0, true);
            if (attempts.isOverAfter(now, delayNs)) {
                fail(new TimedOutException());
            } else {
                after(delayNs, this::enterSlot);
            }
        } else if (isProbe) {
            // The server is back, and the request may wait there for longer than the probe did.
            enterSlot();
        } else if (failure.isRerouted()) {
            after(attempts.delayNs(now, 0, true), this::enterSlot);
        } else {
            fail(failure.refusal());
        }
    }

    /** Tries again, or falls back, if the request is over or the server was unreachable before. */
    private void unavailable(String why, long leastNs, boolean isRerouted) {
        long now = acquirer.ticker.now();
        long delayNs = attempts.delayNs(now, leastNs, isRerouted);
        boolean isOver = attempts.isOverAfter(now, delayNs);
        if (isOver && acquirer.isWaiting) {
            attempts.restart(Ticker.after(now, delayNs));
            after(delayNs, this::enterSlot);
        } else if (acquirer.share != null && (isOver || acquirer.isOutage)) {
            long untilShareNs = acquirer.isOutage ? 0 : Ticker.since(attempts.end(), now);
            after(untilShareNs, () -> takeShare(why, isOver, delayNs));
        } else if (isOver) {
            acquirer.isOutage = true;
            fail(new UnreachableException(why));
        } else {
            after(delayNs, this::enterSlot);
        }
    }

    private void takeShare(String why, boolean isOver, long delayNs) {
        acquirer.isOutage = true;
        Share.Grant grant = acquirer.share.take(acquirer.ticker.now(), request.permits(), request.least());
        if (grant != null) {
            complete(acquirer.shared(grant, request.priority()));
        } else if (isOver) {
            fail(new UnreachableException(why + "; too little of the local share is left"));
        } else {
            after(delayNs, this::enterSlot);
        }
    }

    private void complete(Lease lease) {
        stopTimer();
        if (!result.complete(lease)) {
            lease.close();
        }
        acquirer.ended(this);
    }

    private void fail(ApportionException why) {
        result.completeExceptionally(why);
        acquirer.ended(this);
    }

    /** Fails the request, because the client is closed. */
    void close() {
        result.completeExceptionally(new ClosedException());
        abandon();
    }

    /** Drops what is not sent. A call in flight goes on for a while, and a lease that arrives goes back. */
    private void abandon() {
        if (isAbandoned) {
            return;
        }
        isAbandoned = true;
        stopTimer();
        if (call != null) {
            cancelAfter(givesUpSlot() ? STEPS : STEPS_WITH_SLOT);
        } else if (queued == null || lane.cancel(queued)) {
            acquirer.ended(this);
        }
    }

    private boolean givesUpSlot() {
        if (acquirer.withoutSlot >= Acquirer.WITHOUT_SLOT_MAX) {
            return false;
        }
        acquirer.withoutSlot++;
        hasSlot = false;
        lane.leave();
        return true;
    }

    private void cancelAfter(int steps) {
        if (call == null) {
            return;
        }
        if (steps == 0) {
            call.cancel();
            return;
        }
        long late = Ticker.after(acquirer.ticker.now(), STEP_NS + LATE_NS);
        after(STEP_NS, () -> cancelAfter(acquirer.ticker.now() < late ? steps - 1 : steps));
    }

    private void after(long delayNs, Runnable then) {
        timer = acquirer.engine.after(delayNs, then);
    }

    private void stopTimer() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }
}
