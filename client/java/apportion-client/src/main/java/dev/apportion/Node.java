package dev.apportion;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;

/**
 * The connections to one node: one for acquires, which may wait, and one for reports, which never wait behind them. Used by the
 * engine's thread alone.
 */
final class Node {
    private final ManagedChannel acquires;
    private final ManagedChannel reports;
    private int callsInFlight;
    private boolean isRetired;

    Node(ManagedChannel acquires, ManagedChannel reports) {
        this.acquires = acquires;
        this.reports = reports;
    }

    ManagedChannel acquires() {
        return acquires;
    }

    ManagedChannel reports() {
        return reports;
    }

    /**
     * Says whether the library failed to connect. It would refuse all calls for a second or more then, to spare a server that we
     * spare ourselves.
     */
    boolean hasFailedToConnect() {
        return acquires.getState(false) == ConnectivityState.TRANSIENT_FAILURE
                || reports.getState(false) == ConnectivityState.TRANSIENT_FAILURE;
    }

    void enter() {
        callsInFlight++;
    }

    void leave() {
        callsInFlight--;
        closeIfUnused();
    }

    /** Closes the connections once the calls that wait on them have ended. */
    void retire() {
        isRetired = true;
        closeIfUnused();
    }

    private void closeIfUnused() {
        if (isRetired && callsInFlight == 0) {
            acquires.shutdownNow();
            reports.shutdownNow();
        }
    }
}
