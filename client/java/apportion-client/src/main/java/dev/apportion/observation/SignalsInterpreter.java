package dev.apportion.observation;

import dev.apportion.v1.CountSource;
import dev.apportion.v1.HeaderMatch;
import dev.apportion.v1.LimitSignal;
import dev.apportion.v1.ResponseMatch;
import dev.apportion.v1.Signals;
import dev.apportion.v1.ThrottleEffect;
import dev.apportion.v1.ThrottleSignal;
import dev.apportion.v1.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Interprets responses by signals. It never throws: what it cannot read is absent. */
public final class SignalsInterpreter {
    private static final int VALUE_MAX = 1_024;
    private static final Pattern VALUE = Pattern.compile("[\\t -~]*");

    private final Signals signals;
    private final ProviderResponse response;
    /** By the ids of their limits, in order. */
    private final Map<String, Observation> seen = new LinkedHashMap<>();

    private SignalsInterpreter(Signals signals, ProviderResponse response) {
        this.signals = signals;
        this.response = response;
    }

    /**
     * Interprets a response.
     *
     * @param signals what responses of this provider mean
     * @param response the response
     * @return what it says
     */
    public static Interpretation interpret(Signals signals, ProviderResponse response) {
        return new SignalsInterpreter(signals, response).interpretation();
    }

    /**
     * Says whether a condition on the body may decide what a status means.
     *
     * @param signals what responses of this provider mean
     * @param status the HTTP status
     * @return whether the body is wanted
     */
    public static boolean wantsBody(Signals signals, int status) {
        return signals.getThrottlesList().stream()
                .map(ThrottleSignal::getResponse)
                .anyMatch(match -> match.getBodyCount() > 0 && hasStatus(match, status));
    }

    private Interpretation interpretation() {
        signals.getLimitsList().forEach(this::readLimit);
        signals.getThrottlesList().stream()
                .filter(throttle -> matches(throttle.getResponse()))
                .findFirst()
                .ifPresent(this::readThrottle);
        int status = response.status() >= 100 && response.status() <= 599 ? response.status() : 0;
        List<Observation> observations = seen.values().stream()
                .map(observation -> observation.toBuilder().status(status).build())
                .toList();
        return new Interpretation(
                observations, signals.getUncountedList().stream().noneMatch(this::matches));
    }

    private void readLimit(LimitSignal signal) {
        if (seen.containsKey(signal.getLimit())
                || !signal.getHeadersList().stream().allMatch(this::holds)) {
            return;
        }
        Long limitPermits = signal.hasLimitPermits() ? count(signal.getLimitPermits(), true) : null;
        Long remainingPermits = signal.hasRemainingPermits() ? count(signal.getRemainingPermits(), false) : null;
        Times.Time reset = signal.hasReset() ? time(signal.getReset()) : null;
        if (limitPermits == null && remainingPermits == null && reset == null) {
            return;
        }
        Observation.Builder observation = Observation.builder()
                .limit(signal.getLimit())
                .limitPermits(limitPermits)
                .remainingPermits(remainingPermits);
        if (reset != null) {
            observation.resetTime(reset.instant()).resetAfter(reset.span());
            if (signal.getReset().hasPrecision()) {
                observation.resetPrecision(span(signal.getReset().getPrecision()));
            }
        }
        seen.put(signal.getLimit(), observation.build());
    }

    private void readThrottle(ThrottleSignal throttle) {
        if (throttle.getEffect() == ThrottleEffect.THROTTLE_EFFECT_UNRELATED) {
            return;
        }
        boolean isThrottled = throttle.getEffect() != ThrottleEffect.THROTTLE_EFFECT_PAUSED;
        Duration retryAfter = retryAfter();
        if (retryAfter == null && throttle.hasDefaultRetryAfter()) {
            retryAfter = span(throttle.getDefaultRetryAfter());
        }
        if (isThrottled || retryAfter != null) {
            Observation former = seen.get(throttle.getLimit());
            Observation.Builder observation =
                    former == null ? Observation.builder().limit(throttle.getLimit()) : former.toBuilder();
            seen.put(
                    throttle.getLimit(),
                    observation.throttled(isThrottled).retryAfter(retryAfter).build());
        }
    }

    private Duration retryAfter() {
        for (TimeSource source : signals.getRetryAfterList()) {
            Times.Time found = time(source);
            if (found == null) {
                continue;
            }
            Duration span = found.instant() == null ? found.span() : sinceDate(found.instant());
            if (span != null) {
                return span;
            }
        }
        return null;
    }

    /** Returns how long after the date of the response an instant is. The clock of the client is not used. */
    private Duration sinceDate(Instant instant) {
        String text = value("Date");
        Instant sent = text == null ? null : Times.httpDate(text);
        if (sent == null) {
            return null;
        }
        Duration span = instant.isAfter(sent) ? Duration.between(sent, instant) : Duration.ZERO;
        return Bounds.isSpan(span, Bounds.SPAN_MAX) ? span : null;
    }

    private boolean matches(ResponseMatch match) {
        if (!hasStatus(match, response.status())
                || !match.getHeadersList().stream().allMatch(this::holds)) {
            return false;
        }
        if (match.getBodyCount() == 0) {
            return true;
        }
        Object body = response.body().map(Json::parse).orElse(null);
        return match.getBodyList().stream().allMatch(condition -> BodyPath.holds(condition, body));
    }

    private static boolean hasStatus(ResponseMatch match, int status) {
        return match.getStatusesCount() == 0 || match.getStatusesList().contains(status);
    }

    private boolean holds(HeaderMatch match) {
        String value = value(match.getHeader());
        return value != null
                && (match.getValuesCount() == 0
                        || match.getValuesList().stream().anyMatch(value::equalsIgnoreCase));
    }

    private Long count(CountSource source, boolean isLimit) {
        String text = text(source.getHeader(), source.getItem(), source.getParameter());
        if (text == null) {
            return null;
        }
        Long count =
                switch (source.getForm()) {
                    case COUNT_FORM_UNSPECIFIED, COUNT_FORM_INTEGER -> Numbers.integer(text);
                    case COUNT_FORM_USED_OF_LIMIT -> usedOfLimit(text, isLimit);
                    case UNRECOGNIZED -> null;
                };
        return count != null && count <= Bounds.PERMITS_MAX ? count : null;
    }

    private static Long usedOfLimit(String text, boolean isLimit) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            return null;
        }
        Long used = Numbers.integer(text.substring(0, slash));
        Long limit = Numbers.integer(text.substring(slash + 1));
        if (used == null || limit == null) {
            return null;
        }
        return isLimit ? limit : Math.max(limit - used, 0);
    }

    private Times.Time time(TimeSource source) {
        String text = text(source.getHeader(), source.getItem(), source.getParameter());
        return text == null ? null : Times.read(text, source.getForm());
    }

    private String text(String header, String item, String parameter) {
        String value = value(header);
        return value == null || parameter.isEmpty() ? value : Items.value(value, item, parameter);
    }

    private String value(String header) {
        return response.header(header)
                .filter(value ->
                        value.length() <= VALUE_MAX && VALUE.matcher(value).matches())
                .orElse(null);
    }

    private static Duration span(com.google.protobuf.Duration span) {
        return Duration.ofSeconds(span.getSeconds(), span.getNanos());
    }
}
