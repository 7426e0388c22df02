package dev.apportion;

import dev.apportion.observation.ResponseReader;
import dev.apportion.observation.SignalsReader;
import dev.apportion.v1.GetSignalsRequest;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/** Gets the signals of the workspace when a lease has another version of them. Used by the engine's thread alone. */
final class SignalsSource {
    private static final long TIMEOUT_NS = 2_000_000_000;
    /** How long after a failure they are not asked for again. */
    private static final long PAUSE_NS = 1_000_000_000;

    private final Ticker ticker;
    private final LeaseService service;
    /** Null if the user reads responses by other means. */
    private final SignalsReader reader;

    private final GetSignalsRequest request;
    private final Logger logger;
    private boolean isAsking;
    private long pausedUntil;

    SignalsSource(Ticker ticker, LeaseService service, ResponseReader reader, String workspace, Logger logger) {
        this.ticker = ticker;
        this.service = service;
        this.reader = reader instanceof SignalsReader bySignals ? bySignals : null;
        this.logger = logger;
        request = GetSignalsRequest.newBuilder().setWorkspace(workspace).build();
    }

    /** Notes the version that a lease has. */
    void seen(int version) {
        if (reader == null || !reader.isOutdated(version) || isAsking || ticker.now() < pausedUntil) {
            return;
        }
        isAsking = true;
        service.signals(request, TIMEOUT_NS, answer -> {
            isAsking = false;
            if (answer.failure() == null) {
                reader.replace(answer.response().getSignals(), answer.response().getSignalsVersion());
            } else {
                pausedUntil = Ticker.after(ticker.now(), PAUSE_NS);
                logger.log(
                        Level.DEBUG,
                        "the signals could not be got: {0}",
                        answer.failure().refusal().getMessage());
            }
        });
    }
}
