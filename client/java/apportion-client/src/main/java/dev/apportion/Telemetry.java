package dev.apportion;

import java.util.function.Consumer;

/**
 * Is told what a client does, for spans and metrics. The artifact {@code apportion-opentelemetry} has one that tells OpenTelemetry.
 *
 * <p>Its methods are called by many threads, some while locks are held. They must neither block nor fail.
 *
 * <p>Taking a permit that is held ready is not told: it costs less than a microsecond, and a measurement costs more.
 */
public interface Telemetry {
    /**
     * Notes that a caller starts to wait. It is called in the thread of the caller.
     *
     * @param wait what it waits for
     * @return what to call at the end of the wait, with the failure, or null if there is none
     */
    Consumer<Throwable> waiting(Waiting wait);

    /**
     * Counts the permits of a new lease.
     *
     * @param who whom they are charged to
     * @param permits how many
     * @param isLocal whether they are of the client's own share
     */
    void granted(Identity who, int permits, boolean isLocal);

    /**
     * Counts the permits of a lease that went back, when it is done.
     *
     * @param who whom they were charged to
     * @param permits how many, at least 1
     * @param isLocal whether they are of the client's own share
     */
    void returned(Identity who, int permits, boolean isLocal);

    /**
     * Counts a call to a server when it has ended.
     *
     * @param method such as {@code AcquireLease}
     * @param code that of the status, such as {@code OK} or {@code UNAVAILABLE}
     */
    void called(String method, String code);

    /**
     * Returns what tells nobody.
     *
     * @return the default of {@link Config#telemetry}
     */
    static Telemetry silent() {
        return SilentTelemetry.INSTANCE;
    }

    /**
     * For whom leases are acquired, as configured: an empty id means {@code default}.
     *
     * @param workspace the id of the workspace
     * @param team the id of the team
     * @param caller the name of the service or instance
     */
    record Identity(String workspace, String team, String caller) {}

    /**
     * What a caller waits for.
     *
     * @param what "acquire" for a lease, and "permit" for a permit that no prefetch had ready
     * @param who for whom
     * @param permits how many are requested
     * @param priority that of the request; null for that of the team
     */
    record Waiting(String what, Identity who, int permits, Priority priority) {}
}
