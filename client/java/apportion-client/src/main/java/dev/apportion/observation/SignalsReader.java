package dev.apportion.observation;

import dev.apportion.v1.CountSource;
import dev.apportion.v1.HeaderMatch;
import dev.apportion.v1.LimitSignal;
import dev.apportion.v1.ResponseMatch;
import dev.apportion.v1.Signals;
import dev.apportion.v1.ThrottleEffect;
import dev.apportion.v1.ThrottleSignal;
import dev.apportion.v1.TimeForm;
import dev.apportion.v1.TimeSource;
import java.util.List;

/**
 * The reader that a client has by default. It reads the standard headers, and those of {@link HeadersReader}, until the server
 * has said what the responses of the provider mean.
 */
public final class SignalsReader implements ResponseReader {
    private static final int TOO_MANY_REQUESTS = 429;
    private static final int UNAVAILABLE = 503;
    private static final Signals STANDARD = standard();

    private final boolean isFixed;
    private volatile Versioned signals;

    private record Versioned(Signals signals, int version) {}

    /** Creates a reader that the signals of the server replace. */
    public SignalsReader() {
        isFixed = false;
        signals = new Versioned(null, 0);
    }

    /**
     * Creates a reader by given signals. Those of the server are not asked for.
     *
     * @param given the signals
     */
    public SignalsReader(Signals given) {
        isFixed = true;
        signals = new Versioned(given, 0);
    }

    /**
     * Returns the standard headers, as in the preset {@code ietf}.
     *
     * @return the signals
     */
    public static Signals standardSignals() {
        return STANDARD;
    }

    @Override
    public List<Observation> read(ProviderResponse response) {
        Signals given = signals.signals;
        if (given != null) {
            return SignalsInterpreter.interpret(given, response).observations();
        }
        List<Observation> standard =
                SignalsInterpreter.interpret(STANDARD, response).observations();
        Observation usual = HeadersReader.observation(response);
        boolean saysMore = hasCounts(usual) || usual.status() == TOO_MANY_REQUESTS;
        if (!saysMore || standard.stream().anyMatch(SignalsReader::hasCounts)) {
            return standard;
        }
        return List.of(
                usual.isThrottled() ? usual : usual.toBuilder().retryAfter(null).build());
    }

    @Override
    public boolean wantsBody(int status) {
        Signals given = signals.signals;
        return given == null ? status == TOO_MANY_REQUESTS : SignalsInterpreter.wantsBody(given, status);
    }

    /**
     * Says whether the signals of the server have another version than those at hand.
     *
     * @param version the version of the server's signals; 0 says nothing
     * @return whether to get them
     */
    public boolean isOutdated(int version) {
        return !isFixed && version != 0 && version != signals.version;
    }

    /**
     * Reads by other signals from now on.
     *
     * @param other the signals
     * @param version their version
     */
    public void replace(Signals other, int version) {
        signals = new Versioned(other, version);
    }

    private static boolean hasCounts(Observation observation) {
        return observation.limitPermits() != null || observation.remainingPermits() != null;
    }

    private static Signals standard() {
        TimeSource.Builder retryAfter = TimeSource.newBuilder().setHeader("Retry-After");
        return Signals.newBuilder()
                .addLimits(LimitSignal.newBuilder()
                        .setLimitPermits(parameter("RateLimit-Policy", "q"))
                        .setRemainingPermits(parameter("RateLimit", "r"))
                        .setReset(TimeSource.newBuilder()
                                .setHeader("RateLimit")
                                .setParameter("t")
                                .setForm(TimeForm.TIME_FORM_SECONDS)))
                .addLimits(LimitSignal.newBuilder()
                        .setLimitPermits(CountSource.newBuilder().setHeader("RateLimit-Limit"))
                        .setRemainingPermits(CountSource.newBuilder().setHeader("RateLimit-Remaining"))
                        .setReset(TimeSource.newBuilder()
                                .setHeader("RateLimit-Reset")
                                .setForm(TimeForm.TIME_FORM_SECONDS)))
                .addThrottles(ThrottleSignal.newBuilder()
                        .setResponse(ResponseMatch.newBuilder().addStatuses(TOO_MANY_REQUESTS)))
                .addThrottles(ThrottleSignal.newBuilder()
                        .setResponse(ResponseMatch.newBuilder()
                                .addStatuses(UNAVAILABLE)
                                .addHeaders(HeaderMatch.newBuilder().setHeader("Retry-After")))
                        .setEffect(ThrottleEffect.THROTTLE_EFFECT_PAUSED))
                .addRetryAfter(retryAfter.setForm(TimeForm.TIME_FORM_SECONDS))
                .addRetryAfter(retryAfter.setForm(TimeForm.TIME_FORM_HTTP_DATE))
                .build();
    }

    private static CountSource.Builder parameter(String header, String parameter) {
        return CountSource.newBuilder().setHeader(header).setParameter(parameter);
    }
}
