package dev.apportion;

import java.util.concurrent.ThreadLocalRandom;

/**
 * The delays between attempts: doubled each time, with jitter, so that the clients of a server that restarts do not all retry
 * at once.
 */
final class Backoff {
    private static final long FIRST_NS = 50_000_000;
    private static final long LONGEST_NS = 2_000_000_000;

    private long boundNs = FIRST_NS;

    /** Returns the next delay, at least {@code leastNs}. */
    long next(long leastNs) {
        long delayNs = boundNs / 2 + ThreadLocalRandom.current().nextLong(boundNs / 2 + 1);
        boundNs = Math.min(2 * boundNs, LONGEST_NS);
        return Math.max(delayNs, leastNs);
    }

    void reset() {
        boundNs = FIRST_NS;
    }
}
