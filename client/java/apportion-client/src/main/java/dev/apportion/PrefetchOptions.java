package dev.apportion;

import java.time.Duration;
import java.util.Objects;

/**
 * How far ahead of demand permits are held.
 *
 * @param horizon for how long permits are held ahead, at the rate of the last half second: at most 500 ms. With 0, each permit
 *     is requested when it is needed
 * @param idleTimeout when permits go back that nobody takes
 * @param maxPermits the most permits of one request
 */
public record PrefetchOptions(Duration horizon, Duration idleTimeout, int maxPermits) {
    private static final Duration HORIZON_MAX = Duration.ofMillis(500);
    private static final Duration IDLE_MAX = Duration.ofHours(1);
    private static final PrefetchOptions USUAL =
            new PrefetchOptions(Duration.ofMillis(250), Duration.ofMillis(200), 500);

    /** Checks the numbers. */
    public PrefetchOptions {
        Objects.requireNonNull(horizon, "horizon");
        Objects.requireNonNull(idleTimeout, "idleTimeout");
        if (horizon.isNegative() || idleTimeout.isNegative() || maxPermits < 1) {
            throw new IllegalArgumentException("no duration may be negative, and maxPermits must be at least 1");
        }
    }

    /**
     * Returns the usual options: 250 ms ahead, idle after 200 ms, at most 500 permits.
     *
     * @return the options
     */
    public static PrefetchOptions usual() {
        return USUAL;
    }

    /**
     * Returns options with another horizon.
     *
     * @param span for how long permits are held ahead
     * @return the options
     */
    public PrefetchOptions withHorizon(Duration span) {
        return new PrefetchOptions(span, idleTimeout, maxPermits);
    }

    /**
     * Returns options with another idle timeout.
     *
     * @param span when permits go back that nobody takes
     * @return the options
     */
    public PrefetchOptions withIdleTimeout(Duration span) {
        return new PrefetchOptions(horizon, span, maxPermits);
    }

    /**
     * Returns options with another bound of a request.
     *
     * @param most the most permits of one request
     * @return the options
     */
    public PrefetchOptions withMaxPermits(int most) {
        return new PrefetchOptions(horizon, idleTimeout, most);
    }

    long horizonNs() {
        return least(horizon, HORIZON_MAX).toNanos();
    }

    long idleTimeoutNs() {
        return least(idleTimeout, IDLE_MAX).toNanos();
    }

    private static Duration least(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
