package dev.apportion;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import java.time.Instant;

/** Durations, instants and counts as messages have them. */
final class Wire {
    private static final long SECOND_NS = 1_000_000_000;

    private Wire() {}

    static Duration duration(long ns) {
        return Duration.newBuilder()
                .setSeconds(ns / SECOND_NS)
                .setNanos((int) (ns % SECOND_NS))
                .build();
    }

    static Duration duration(java.time.Duration span) {
        return Duration.newBuilder()
                .setSeconds(span.getSeconds())
                .setNanos(span.getNano())
                .build();
    }

    static Timestamp timestamp(Instant instant) {
        return Timestamp.newBuilder()
                .setSeconds(instant.getEpochSecond())
                .setNanos(instant.getNano())
                .build();
    }

    /** Returns nanoseconds, saturating. */
    static long ns(Duration span) {
        if (span.getSeconds() >= Long.MAX_VALUE / SECOND_NS) {
            return Long.MAX_VALUE;
        }
        if (span.getSeconds() <= Long.MIN_VALUE / SECOND_NS) {
            return Long.MIN_VALUE;
        }
        return span.getSeconds() * SECOND_NS + span.getNanos();
    }

    /** Returns a count; what is beyond that of Java is cut off. */
    static int count(int unsigned) {
        return unsigned < 0 ? Integer.MAX_VALUE : unsigned;
    }
}
