package dev.apportion.observation;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;

/**
 * What one response of the provider said about one limit. Report only what was read, never an estimate. A value that the server
 * would not accept is left out, so that one odd response does no harm.
 *
 * @param limit the id of the limit; empty for the one with the shortest window
 * @param status the HTTP status; 0 if unknown
 * @param limitPermits the permits of a window; null if the response does not say
 * @param remainingPermits the permits that remain in the window; null if the response does not say
 * @param resetTime the end of the window on the provider's clock; null if the response does not say
 * @param resetAfter the end of the window after the response; null if the response does not say. At most one reset may be set
 * @param resetPrecision the rounding error of the reset in either direction; null for 1 s
 * @param isThrottled whether the provider refused the request because the window is exhausted
 * @param retryAfter how long after the response to send nothing; null if the response does not say
 * @param age how long ago the response was received; null for now
 */
public record Observation(
        String limit,
        int status,
        Long limitPermits,
        Long remainingPermits,
        Instant resetTime,
        Duration resetAfter,
        Duration resetPrecision,
        boolean isThrottled,
        Duration retryAfter,
        Duration age) {
    /** Checks that there is an id. */
    public Observation {
        Objects.requireNonNull(limit, "limit");
    }

    /**
     * Returns a builder of an observation that says nothing yet.
     *
     * @return the builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns a builder of an observation that says the same.
     *
     * @return the builder
     */
    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.limit = limit;
        builder.status = status;
        builder.limitPermits = limitPermits;
        builder.remainingPermits = remainingPermits;
        builder.resetTime = resetTime;
        builder.resetAfter = resetAfter;
        builder.resetPrecision = resetPrecision;
        builder.isThrottled = isThrottled;
        builder.retryAfter = retryAfter;
        builder.age = age;
        return builder;
    }

    /** Makes observations. What is not set is not in the response. */
    public static final class Builder {
        private String limit = "";
        private int status;
        private Long limitPermits;
        private Long remainingPermits;
        private Instant resetTime;
        private Duration resetAfter;
        private Duration resetPrecision;
        private boolean isThrottled;
        private Duration retryAfter;
        private Duration age;

        private Builder() {}

        /**
         * Sets the id of the limit.
         *
         * @param id the id; empty for the limit with the shortest window
         * @return this
         */
        public Builder limit(String id) {
            limit = id;
            return this;
        }

        /**
         * Sets the HTTP status.
         *
         * @param code the status; 0 if unknown
         * @return this
         */
        public Builder status(int code) {
            status = code;
            return this;
        }

        /**
         * Sets the permits of a window.
         *
         * @param permits the number
         * @return this
         */
        public Builder limitPermits(Long permits) {
            limitPermits = permits;
            return this;
        }

        /**
         * Sets the permits that remain in the window.
         *
         * @param permits the number
         * @return this
         */
        public Builder remainingPermits(Long permits) {
            remainingPermits = permits;
            return this;
        }

        /**
         * Sets the end of the window on the provider's clock.
         *
         * @param instant the end
         * @return this
         */
        public Builder resetTime(Instant instant) {
            resetTime = instant;
            return this;
        }

        /**
         * Sets the end of the window after the response.
         *
         * @param span how long after it
         * @return this
         */
        public Builder resetAfter(Duration span) {
            resetAfter = span;
            return this;
        }

        /**
         * Sets the rounding error of the reset.
         *
         * @param span the error in either direction
         * @return this
         */
        public Builder resetPrecision(Duration span) {
            resetPrecision = span;
            return this;
        }

        /**
         * Sets whether the provider refused the request because the window is exhausted.
         *
         * @param is whether it did
         * @return this
         */
        public Builder throttled(boolean is) {
            isThrottled = is;
            return this;
        }

        /**
         * Sets how long after the response to send nothing.
         *
         * @param span how long
         * @return this
         */
        public Builder retryAfter(Duration span) {
            retryAfter = span;
            return this;
        }

        /**
         * Sets how long ago the response was received.
         *
         * @param span how long
         * @return this
         */
        public Builder age(Duration span) {
            age = span;
            return this;
        }

        /**
         * Returns the observation.
         *
         * @return the observation
         */
        public Observation build() {
            return new Observation(
                    limit,
                    status,
                    limitPermits,
                    remainingPermits,
                    resetTime,
                    resetAfter,
                    resetPrecision,
                    isThrottled,
                    retryAfter,
                    age);
        }
    }
}
