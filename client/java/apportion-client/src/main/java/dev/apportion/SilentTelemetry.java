package dev.apportion;

import java.util.function.Consumer;

/** Tells nobody. */
final class SilentTelemetry implements Telemetry {
    static final Telemetry INSTANCE = new SilentTelemetry();

    private SilentTelemetry() {}

    @Override
    public Consumer<Throwable> waiting(Waiting wait) {
        return failed -> {};
    }

    @Override
    public void granted(Identity who, int permits, boolean isLocal) {}

    @Override
    public void returned(Identity who, int permits, boolean isLocal) {}

    @Override
    public void called(String method, String code) {}
}
