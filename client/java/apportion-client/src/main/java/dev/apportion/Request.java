package dev.apportion;

import java.time.Duration;
import java.util.Objects;

/**
 * What to request.
 *
 * @param permits the number of permits, at least 1
 * @param minPermits the smallest number to accept; 0 for all
 * @param priority the priority; null for that of the team
 * @param maxWait how long to wait, retries included. It is cut to an hour; with 0 the request is granted or refused at once
 */
public record Request(int permits, int minPermits, Priority priority, Duration maxWait) {
    private static final Duration MAX_WAIT_USUAL = Duration.ofSeconds(10);
    private static final Duration MAX_WAIT_LONGEST = Duration.ofHours(1);

    /** Checks the numbers. */
    public Request {
        Objects.requireNonNull(maxWait, "maxWait");
        if (permits < 1 || minPermits < 0) {
            throw new IllegalArgumentException("permits must be at least 1, and minPermits at least 0");
        }
    }

    /**
     * Returns a request for one permit at the priority of the team, within 10 seconds.
     *
     * @return the request
     */
    public static Request one() {
        return of(1);
    }

    /**
     * Returns a request for permits at the priority of the team, within 10 seconds.
     *
     * @param permits the number of permits, at least 1
     * @return the request
     */
    public static Request of(int permits) {
        return new Request(permits, 0, null, MAX_WAIT_USUAL);
    }

    /**
     * Returns a request that accepts fewer permits.
     *
     * @param least the smallest number to accept; 0 for all
     * @return the request
     */
    public Request withMinPermits(int least) {
        return new Request(permits, least, priority, maxWait);
    }

    /**
     * Returns a request of another priority.
     *
     * @param other the priority; null for that of the team
     * @return the request
     */
    public Request withPriority(Priority other) {
        return new Request(permits, minPermits, other, maxWait);
    }

    /**
     * Returns a request that waits for another time.
     *
     * @param wait how long to wait; 0 to be granted or refused at once
     * @return the request
     */
    public Request withMaxWait(Duration wait) {
        return new Request(permits, minPermits, priority, wait);
    }

    /** Returns a request for another number of permits, any number of which is accepted from {@code least} on. */
    Request withPermits(int count, int least) {
        return new Request(count, least, priority, maxWait);
    }

    /** Returns the wait in nanoseconds: from 0 to an hour. */
    long maxWaitNs() {
        if (maxWait.isNegative()) {
            return 0;
        }
        return (maxWait.compareTo(MAX_WAIT_LONGEST) < 0 ? maxWait : MAX_WAIT_LONGEST).toNanos();
    }

    /** Returns the smallest number of permits to accept. */
    int least() {
        return minPermits == 0 ? permits : minPermits;
    }
}
