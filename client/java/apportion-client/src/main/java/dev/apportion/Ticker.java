package dev.apportion;

/** A clock that never goes back: nanoseconds since an instant of its own, at least 0. Tests replace it. */
@FunctionalInterface
interface Ticker {
    /** Returns the time. */
    long now();

    /** Returns the instant after a span, saturating. */
    static long after(long instant, long spanNs) {
        long sum = instant + spanNs;
        if (spanNs > 0 && sum < instant) {
            return Long.MAX_VALUE;
        }
        return Math.max(sum, 0);
    }

    /** Returns how long it was from the earlier instant to the later; 0 if it was not later. */
    static long since(long later, long earlier) {
        return Math.max(later - earlier, 0);
    }
}
