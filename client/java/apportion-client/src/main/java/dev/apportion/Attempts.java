package dev.apportion;

/** When the attempts of one request are sent, how long each may take, and when the request ends. A function of now. */
final class Attempts {
    /** A request has at least so long for the way to the server and back, even if it may not wait there. */
    static final long LEAST_NS = 250_000_000;
    /** How long before the end of an attempt the server must have answered: a late answer is not taken for an outage. */
    private static final long ANSWER_MARGIN_NS = 100_000_000;
    /** How long an attempt may take while the server is known to be unreachable and a local share could be used instead. */
    private static final long PROBE_LONGEST_NS = 1_000_000_000;
    /** How often in a row an attempt is repeated at once. */
    private static final int AT_ONCE_MAX = 3;

    private final long maxWaitNs;
    private final Backoff backoff = new Backoff();
    private long start;
    private int atOnce;

    Attempts(long maxWaitNs, long start) {
        this.maxWaitNs = maxWaitNs;
        this.start = start;
    }

    /**
     * One attempt.
     *
     * @param timeoutNs how long the call may take
     * @param waitNs how long the server may let the request wait
     */
    record Attempt(long timeoutNs, long waitNs) {}

    /** Starts the time of the request again. */
    void restart(long now) {
        start = now;
    }

    /** Returns when the request ends without an answer. */
    long end() {
        return Ticker.after(start, Math.max(maxWaitNs, LEAST_NS));
    }

    /** Returns the attempt that is sent now. A probe only finds out whether the server is reachable again. */
    Attempt next(long now, boolean isProbe) {
        long timeoutNs = Ticker.since(end(), now);
        if (isProbe) {
            timeoutNs = Math.min(timeoutNs, PROBE_LONGEST_NS);
        }
        long allowedNs = Ticker.since(Ticker.after(start, maxWaitNs), now);
        return new Attempt(timeoutNs, Math.min(allowedNs, Math.max(timeoutNs - ANSWER_MARGIN_NS, 0)));
    }

    /**
     * Returns how long to wait before the next attempt, at least {@code leastNs}; nothing if it is rerouted, within reason. The
     * last attempt is sent early enough to be answered.
     */
    long delayNs(long now, long leastNs, boolean isRerouted) {
        if (isRerouted && atOnce < AT_ONCE_MAX) {
            atOnce++;
            return 0;
        }
        atOnce = 0;
        long leftNs = Math.max(Ticker.since(end(), now) - LEAST_NS, 0);
        long delayNs = backoff.next(leastNs);
        return delayNs > leftNs && leftNs > leastNs ? leftNs : delayNs;
    }

    /** Says whether an attempt after the delay would come too late. */
    boolean isOverAfter(long now, long delayNs) {
        return Ticker.after(now, delayNs) >= end();
    }
}
