package dev.apportion.conformance;

import apportion.conformance.v1.DriverResponse;
import apportion.conformance.v1.Header;
import apportion.conformance.v1.Interpret;
import apportion.conformance.v1.Observations;
import apportion.conformance.v1.Response;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.apportion.observation.Interpretation;
import dev.apportion.observation.Observation;
import dev.apportion.observation.ProviderResponse;
import dev.apportion.observation.SignalsInterpreter;
import dev.apportion.v1.Signals;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Responses and observations, as the library takes and gives them. */
final class Responses {
    private static final long SECOND_NS = 1_000_000_000;

    private Responses() {}

    static ProviderResponse response(Response response) {
        Map<String, List<String>> headers = new LinkedHashMap<>();
        for (Header header : response.getHeadersList()) {
            headers.computeIfAbsent(header.getName(), name -> new ArrayList<>()).add(header.getValue());
        }
        byte[] body = response.hasBody() ? response.getBody().toByteArray() : null;
        return ProviderResponse.of(response.getStatus(), headers, body);
    }

    static Observation observation(apportion.conformance.v1.Observation made) {
        Observation.Builder observation = Observation.builder()
                .limit(made.getLimit())
                .status(made.getStatus())
                .throttled(made.getThrottled());
        if (made.hasLimitPermits()) {
            observation.limitPermits(Integer.toUnsignedLong(made.getLimitPermits()));
        }
        if (made.hasRemainingPermits()) {
            observation.remainingPermits(Integer.toUnsignedLong(made.getRemainingPermits()));
        }
        if (made.hasResetTimeUnixNs()) {
            long ns = made.getResetTimeUnixNs();
            observation.resetTime(Instant.ofEpochSecond(Math.floorDiv(ns, SECOND_NS), Math.floorMod(ns, SECOND_NS)));
        }
        if (made.hasResetAfterNs()) {
            observation.resetAfter(Duration.ofNanos(made.getResetAfterNs()));
        }
        if (made.hasResetPrecisionNs()) {
            observation.resetPrecision(Duration.ofNanos(made.getResetPrecisionNs()));
        }
        if (made.hasRetryAfterNs()) {
            observation.retryAfter(Duration.ofNanos(made.getRetryAfterNs()));
        }
        if (made.hasAgeMs()) {
            observation.age(Asks.ms(made.getAgeMs()));
        }
        return observation.build();
    }

    static DriverResponse.Builder interpret(Interpret interpret) throws InvalidProtocolBufferException {
        Interpretation read = SignalsInterpreter.interpret(
                Signals.parseFrom(interpret.getSignals()), response(interpret.getResponse()));
        Observations.Builder observations = Observations.newBuilder().setIsUncounted(!read.isCounted());
        read.observations().forEach(seen -> observations.addObservations(message(seen)));
        return DriverResponse.newBuilder().setObservations(observations);
    }

    private static apportion.conformance.v1.Observation message(Observation seen) {
        apportion.conformance.v1.Observation.Builder message = apportion.conformance.v1.Observation.newBuilder()
                .setLimit(seen.limit())
                .setStatus(seen.status())
                .setThrottled(seen.isThrottled());
        if (seen.limitPermits() != null) {
            message.setLimitPermits(seen.limitPermits().intValue());
        }
        if (seen.remainingPermits() != null) {
            message.setRemainingPermits(seen.remainingPermits().intValue());
        }
        if (seen.resetTime() != null) {
            Instant reset = seen.resetTime();
            message.setResetTimeUnixNs(reset.getEpochSecond() * SECOND_NS + reset.getNano());
        }
        if (seen.resetAfter() != null) {
            message.setResetAfterNs(seen.resetAfter().toNanos());
        }
        if (seen.resetPrecision() != null) {
            message.setResetPrecisionNs(seen.resetPrecision().toNanos());
        }
        if (seen.retryAfter() != null) {
            message.setRetryAfterNs(seen.retryAfter().toNanos());
        }
        return message.build();
    }
}
