package dev.apportion;

import java.util.Arrays;

/** The permits that were taken in the last half second, in slices of 50 ms. */
final class Demand {
    private static final long RECENT_US = 500_000;
    private static final long SLICE_NS = 50_000_000;
    private static final int SLICES = (int) (RECENT_US * 1_000 / SLICE_NS);

    private final int[] slices = new int[SLICES];
    /** The number of the latest slice. */
    private long latest;

    /** Counts a permit that was taken. */
    void record(long now) {
        advance(now);
        slices[(int) (latest % SLICES)]++;
    }

    /** Returns how many will be taken within the horizon at the recent rate, rounded down. */
    int forecast(long now, long horizonNs) {
        advance(now);
        long recent = 0;
        for (int taken : slices) {
            recent += taken;
        }
        return (int) (recent * Math.min(horizonNs / 1_000, RECENT_US) / RECENT_US);
    }

    private void advance(long now) {
        long next = Math.max(now / SLICE_NS, latest);
        if (next - latest >= SLICES) {
            Arrays.fill(slices, 0);
        } else {
            for (long at = latest + 1; at <= next; at++) {
                slices[(int) (at % SLICES)] = 0;
            }
        }
        latest = next;
    }
}
