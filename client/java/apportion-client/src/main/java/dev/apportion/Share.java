package dev.apportion;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A local share of the budget: at most so many permits in any span as long as a window.
 *
 * <p>The provider's windows are not known, so every span counts. A permit is free again one window after its lease ended, which
 * is after its latest possible use. One that comes back unused is free at once.
 */
final class Share {
    /** The longest life of a local lease. A short one makes its permits free again early. */
    private static final long LIFE_MAX_NS = 2_000_000_000;

    private final int permits;
    private final long windowNs;
    private final Deque<Grant> grants = new ArrayDeque<>();

    Share(int permits, long windowNs) {
        this.permits = permits;
        this.windowNs = windowNs;
    }

    /** Grants up to {@code most} permits; null if fewer than {@code least} are free. */
    synchronized Grant take(long now, int most, int least) {
        grants.removeIf(grant -> now >= grant.freeAt || grant.open == 0);
        long taken = grants.stream().mapToLong(grant -> grant.open).sum();
        int granted = (int) Math.min(most, Math.max(permits - taken, 0));
        if (granted < Math.max(least, 1)) {
            return null;
        }
        long end = Ticker.after(now, Math.min(windowNs / 4, LIFE_MAX_NS));
        Grant grant = new Grant(granted, end, Ticker.after(end, windowNs));
        grants.add(grant);
        return grant;
    }

    /** A number of permits that were granted together. */
    final class Grant {
        final int granted;
        final long end;
        private final long freeAt;
        /** The permits that did not come back. */
        private int open;

        private Grant(int granted, long end, long freeAt) {
            this.granted = granted;
            this.end = end;
            this.freeAt = freeAt;
            open = granted;
        }

        void giveBack(int unused) {
            synchronized (Share.this) {
                open -= Math.min(unused, open);
            }
        }
    }
}
