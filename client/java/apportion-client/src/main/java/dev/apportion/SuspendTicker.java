package dev.apportion;

import java.util.function.LongSupplier;

/**
 * A monotonic clock that goes on while the machine sleeps.
 *
 * <p>Java has no such clock: {@link System#nanoTime} stops while the machine sleeps, so a lease would outlive its window. The
 * time of day goes on. Where it ran ahead of {@code nanoTime}, the machine slept, or somebody set the time of day forward: both
 * are taken for time that has passed, which ends leases too early at worst. A time of day that is set back is ignored. A sleep
 * is missed only if the time of day was set back by as much during it.
 */
final class SuspendTicker implements Ticker {
    /** One for all clients of the process. */
    static final Ticker SYSTEM = new SuspendTicker(System::nanoTime, System::currentTimeMillis);

    private static final long MS = 1_000_000;
    /** The time of day has a resolution of 1 ms; no machine sleeps for less than this. */
    private static final long NOTICED_NS = 10 * MS;
    /** Readings of the two clocks that are further apart say nothing about their distance. */
    private static final long TOGETHER_NS = MS;

    private final LongSupplier monotonicNs;
    private final LongSupplier wallMs;
    private final long startNs;
    /** How far the time of day was ahead of the monotonic clock when they were last compared. */
    private volatile long aheadNs;
    /** How long the machine slept in all. */
    private volatile long sleptNs;

    SuspendTicker(LongSupplier monotonicNs, LongSupplier wallMs) {
        this.monotonicNs = monotonicNs;
        this.wallMs = wallMs;
        startNs = monotonicNs.getAsLong();
        aheadNs = wallMs.getAsLong() * MS - startNs;
    }

    @Override
    public long now() {
        long before = monotonicNs.getAsLong();
        long wallNs = wallMs.getAsLong() * MS;
        long distance = wallNs - before - aheadNs;
        if (distance > NOTICED_NS || distance < -NOTICED_NS) {
            compare();
        }
        return before - startNs + sleptNs;
    }

    private synchronized void compare() {
        long before = monotonicNs.getAsLong();
        long wallNs = wallMs.getAsLong() * MS;
        long after = monotonicNs.getAsLong();
        if (after - before > TOGETHER_NS) {
            return; // the thread was interrupted in between: the next call looks again
        }
        long gained = wallNs - after - aheadNs;
        if (gained > NOTICED_NS) {
            sleptNs += gained;
            aheadNs += gained;
        } else if (gained < -NOTICED_NS) {
            aheadNs += gained;
        }
    }
}
