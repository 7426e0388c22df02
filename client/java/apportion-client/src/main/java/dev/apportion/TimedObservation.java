package dev.apportion;

import dev.apportion.observation.Bounds;
import dev.apportion.v1.Observation;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * An observation as the server accepts it, and when its response was received.
 *
 * @param message the observation without its age
 * @param receivedAt when the response was received
 */
record TimedObservation(Observation message, long receivedAt) {
    private static final Duration AGE_MAX = Duration.ofHours(1);
    private static final Pattern LIMIT_ID = Pattern.compile("|[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
    private static final int STATUS_LEAST = 100;
    private static final int STATUS_MOST = 599;

    /**
     * Leaves out every field that the server would refuse, so that one odd response does not spoil a whole report. Empty if the
     * observation is too old, or about a limit that cannot exist: without it, it would be taken for one of the shortest window.
     */
    static Optional<TimedObservation> of(dev.apportion.observation.Observation seen, long now) {
        Duration age = seen.age() == null || seen.age().isNegative() ? Duration.ZERO : seen.age();
        if (age.compareTo(AGE_MAX) > 0 || !LIMIT_ID.matcher(seen.limit()).matches()) {
            return Optional.empty();
        }
        Observation.Builder message =
                Observation.newBuilder().setLimit(seen.limit()).setThrottled(seen.isThrottled());
        if (seen.status() >= STATUS_LEAST && seen.status() <= STATUS_MOST) {
            message.setStatus(seen.status());
        }
        if (isCount(seen.limitPermits())) {
            message.setLimitPermits(seen.limitPermits().intValue());
        }
        if (isCount(seen.remainingPermits())) {
            message.setRemainingPermits(seen.remainingPermits().intValue());
        }
        if (seen.resetTime() != null && Bounds.isReset(seen.resetTime())) {
            message.setResetTime(Wire.timestamp(seen.resetTime()));
        } else if (isSpan(seen.resetAfter(), Bounds.SPAN_MAX)) {
            message.setResetAfter(Wire.duration(seen.resetAfter()));
        }
        if (isSpan(seen.resetPrecision(), Bounds.PRECISION_MAX)) {
            message.setResetPrecision(Wire.duration(seen.resetPrecision()));
        }
        if (isSpan(seen.retryAfter(), Bounds.SPAN_MAX)) {
            message.setRetryAfter(Wire.duration(seen.retryAfter()));
        }
        return Optional.of(new TimedObservation(message.build(), now - age.toNanos()));
    }

    private static boolean isCount(Long permits) {
        return permits != null && permits >= 0 && permits <= Bounds.PERMITS_MAX;
    }

    private static boolean isSpan(Duration span, Duration longest) {
        return span != null && Bounds.isSpan(span, longest);
    }

    /** Returns the observation as it is sent now, with its age; empty if it is too old to be accepted. */
    Optional<Observation> at(long now) {
        long ageNs = Ticker.since(now, receivedAt);
        return ageNs > AGE_MAX.toNanos()
                ? Optional.empty()
                : Optional.of(message.toBuilder().setAge(Wire.duration(ageNs)).build());
    }
}
