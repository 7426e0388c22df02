package dev.apportion.observation;

import java.time.Duration;
import java.time.Instant;

/** What the server accepts of an observation. */
public final class Bounds {
    /** The most permits of a count. */
    public static final long PERMITS_MAX = 1L << 28;
    /** The longest time until a reset or a retry. */
    public static final Duration SPAN_MAX = Duration.ofDays(366);
    /** The first instant that is too late for a reset: the start of 2262. */
    public static final Instant RESET_END = Instant.ofEpochSecond(9_214_646_400L);
    /** The largest rounding error of a reset. */
    public static final Duration PRECISION_MAX = Duration.ofHours(1);

    private Bounds() {}

    /**
     * Says whether a span can be reported.
     *
     * @param span the span
     * @param longest the longest one
     * @return whether it is from 0 to the longest
     */
    public static boolean isSpan(Duration span, Duration longest) {
        return !span.isNegative() && span.compareTo(longest) <= 0;
    }

    /**
     * Says whether a reset can be reported.
     *
     * @param instant the reset
     * @return whether it is from 1970 until 2262
     */
    public static boolean isReset(Instant instant) {
        return instant.getEpochSecond() >= 0 && instant.isBefore(RESET_END);
    }
}
