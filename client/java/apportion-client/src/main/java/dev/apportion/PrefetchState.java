package dev.apportion;

import java.time.Duration;
import java.util.Optional;

/**
 * What is handed out, requested and returned by a prefetch, and who waits. A function of now. While a caller waits, no permit
 * that it could take is held.
 */
final class PrefetchState {
    /** The most callers that wait at one prefetch. */
    private static final int WAITERS_MAX = 100_000;
    /** How long after a failure without a delay nothing is requested ahead of demand; after a final refusal nothing at all. */
    private static final long PAUSE_NS = 1_000_000_000;
    /** The shortest pause after a refusal. */
    private static final long PAUSE_LEAST_NS = 50_000_000;

    final Inventory inventory = new Inventory();
    final Waiters waiters = new Waiters();
    private final long horizonNs;
    private final long idleNs;
    private final int maxPermits;
    private final long maxWaitNs;
    /** Whether requests of others were waiting at the server, by the last lease. */
    private boolean isContended;
    /** Whether a caller left without a permit since the last answer, because it would not wait. */
    private boolean hasMiss;
    /** Until when nothing is requested ahead of demand. */
    private long pausedUntil;
    /** The last refusal of a request for waiting callers: until it ends, nothing is requested for callers either. */
    private Standing refusal;

    /** A refusal, and until when it holds. If it is final, nothing that is requested can be granted, as far as is known. */
    private record Standing(ApportionException why, long until, boolean isFinal) {}

    /**
     * A request that is to be sent.
     *
     * @param permits the most permits
     * @param maxWaitNs as long as the caller that waited longest may still wait
     * @param covered the callers that it is made for
     */
    record Refill(int permits, long maxWaitNs, Covered covered) {}

    /**
     * Waiting callers, by position.
     *
     * @param oldest the one that waited longest; -1 if none was waiting
     * @param end the first position that is not covered
     */
    record Covered(long oldest, long end) {}

    PrefetchState(PrefetchOptions options, long maxWaitNs) {
        horizonNs = options.horizonNs();
        idleNs = options.idleTimeoutNs();
        maxPermits = options.maxPermits();
        this.maxWaitNs = maxWaitNs;
    }

    /** Takes a permit, never ahead of a waiting caller; null if none is held. */
    Lease take(long now) {
        return waiters.size() == 0 ? inventory.take(now) : null;
    }

    /** Remembers that a caller left without a permit. */
    void missed() {
        hasMiss = true;
    }

    /** Returns why a caller that has waited since then may not wait. */
    Optional<ApportionException> mayNotWait(long now, long since) {
        if (waiters.size() >= WAITERS_MAX) {
            String detail = WAITERS_MAX + " requests are waiting at this prefetch";
            return Optional.of(new RefusedException("CALLER_QUEUE_FULL", detail, null));
        }
        Standing standing = standing(now);
        boolean isHopeless = standing != null && (standing.isFinal || Ticker.after(since, maxWaitNs) <= standing.until);
        return isHopeless ? Optional.of(standing.why) : Optional.empty();
    }

    private Standing standing(long now) {
        return refusal != null && now < refusal.until ? refusal : null;
    }

    /** Returns when callers may be requested for again; {@code now} if they may. */
    long standingUntil(long now) {
        Standing standing = standing(now);
        return standing == null ? now : standing.until;
    }

    /**
     * Delivers the permits of a new lease to waiting callers and keeps the rest. If the lease is contended, it keeps at most the
     * permit for a miss.
     */
    void add(long now, Lease lease) {
        isContended = lease.isContended();
        pausedUntil = now;
        refusal = null;
        while (waiters.size() > 0 && lease.hold(now)) {
            inventory.taken(now);
            waiters.deliver(lease);
        }
        int keep = lease.left();
        if (isContended) {
            keep = hasMiss ? Math.min(1, keep) : 0;
        }
        hasMiss = false;
        inventory.add(now, lease, keep);
    }

    /**
     * Fails the caller that waited longest among those covered, and every caller that cannot wait for the retry. If no retry can
     * succeed, it fails every caller covered. Until the retry, nothing is requested.
     *
     * <p>A request ahead of demand waits at the server for a short time only, so its refusal does not hold for callers.
     */
    void refuse(long now, ApportionException why, Covered covered) {
        Optional<Duration> after = why instanceof RefusedException refused ? refused.retryAfter() : Optional.empty();
        boolean isRefusal = why instanceof RefusedException || why instanceof InvalidResponseException;
        boolean isFinal = isRefusal && after.isEmpty();
        long delayNs =
                after.map(span -> Math.max(span.toNanos(), PAUSE_LEAST_NS)).orElse(isRefusal ? 0 : Attempts.LEAST_NS);
        long retryAt = Ticker.after(now, delayNs);
        waiters.fail(
                why,
                waiter -> waiter.position <= covered.oldest
                        || Ticker.after(waiter.since, maxWaitNs) <= retryAt
                        || isFinal && waiter.position < covered.end);
        hasMiss = false;
        pausedUntil = after.isPresent() ? retryAt : Ticker.after(now, PAUSE_NS);
        if (isRefusal && covered.oldest >= 0) {
            refusal = new Standing(why, pausedUntil, isFinal);
        }
    }

    /** Returns what is idle, about to expire, or more than will be taken soon. */
    void returnExcess(long now) {
        inventory.returnIdle(now, idleNs);
        inventory.returnExpiring(now);
        int held = inventory.permits();
        int keep = Math.max(target(now), 1);
        if (held / 2 >= keep) {
            inventory.returnUpTo(held - keep);
        }
    }

    /** Returns the request to send now; null if none is due. */
    Refill refill(long now) {
        Waiters.Waiter oldest = waiters.oldest();
        int due = due();
        int held = inventory.permits();
        int target = target(now);
        if (isPaused(now) || due == 0 && held > target / 3) {
            return null;
        }
        int wanted = Math.min(due + target - held, maxPermits);
        if (wanted <= 0) {
            return null;
        }
        if (oldest == null) {
            return new Refill(wanted, horizonNs, new Covered(-1, waiters.nextPosition()));
        }
        long waitNs = Math.max(maxWaitNs - Ticker.since(now, oldest.since), 0);
        return new Refill(wanted, waitNs, new Covered(oldest.position, waiters.nextPosition()));
    }

    /** Says whether so little is held that a request is due. */
    boolean isDue(long now) {
        return !isPaused(now) && (due() > 0 || inventory.permits() <= target(now) / 3);
    }

    private boolean isPaused(long now) {
        return waiters.size() == 0 ? now < pausedUntil : standing(now) != null;
    }

    /** Says whether a request in flight is still needed. */
    boolean needsRefill(long now) {
        return due() > 0 || target(now) > 0;
    }

    /** Returns the permits that callers wait for, or one for a miss. */
    int due() {
        return Math.max(waiters.size(), hasMiss ? 1 : 0);
    }

    /**
     * Returns the permits to hold ahead of demand: none while requests of others wait, and none once nothing was taken for so
     * long that held permits go back.
     */
    private int target(long now) {
        return isContended ? 0 : Math.min(inventory.forecast(now, horizonNs, idleNs), maxPermits);
    }
}
