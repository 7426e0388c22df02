package dev.apportion;

import dev.apportion.observation.Observation;
import dev.apportion.observation.ProviderResponse;
import dev.apportion.observation.ResponseReader;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;

/** What the leases of one client have in common. */
record LeaseContext(
        Ticker ticker,
        OpenCounts counts,
        ResponseReader reader,
        Telemetry telemetry,
        Telemetry.Identity who,
        Logger logger) {
    void opened(int permits, boolean isLocal) {
        counts.leaseOpened();
        telemetry.granted(who, permits, isLocal);
    }

    void done(int returned, boolean isLocal) {
        if (returned > 0) {
            telemetry.returned(who, returned, isLocal);
        }
        counts.leaseDone();
    }

    /** Reads a response. A reader that fails has read nothing. */
    List<Observation> read(ProviderResponse response) {
        try {
            return reader.read(response);
        } catch (RuntimeException failed) {
            logger.log(Level.WARNING, "the reader of responses failed", failed);
            return List.of();
        }
    }

    boolean wantsBody(int status) {
        try {
            return reader.wantsBody(status);
        } catch (RuntimeException failed) {
            logger.log(Level.WARNING, "the reader of responses failed", failed);
            return false;
        }
    }
}
