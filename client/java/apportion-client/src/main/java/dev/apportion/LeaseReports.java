package dev.apportion;

import dev.apportion.v1.SettleLeaseRequest;
import java.util.List;

/**
 * Where the counts of one lease go: to the server, or to the client's own share.
 *
 * <p>Counts are cumulative, so they must be passed on in the order of counting.
 */
interface LeaseReports {
    /** Says whether the lease is of the client's own share. */
    boolean isLocal();

    /** Passes on that more permits came back. */
    void returned(int more);

    /** Passes on the counts of a lease. */
    void report(int used, int returned, boolean isFinal, List<TimedObservation> observations, Report.Urgency urgency);

    /** Reports a lease to the server. */
    record ToServer(Reporter reporter, SettleLeaseRequest prototype, long leaseEnd) implements LeaseReports {
        @Override
        public boolean isLocal() {
            return false;
        }

        @Override
        public void returned(int more) {}

        @Override
        public void report(
                int used, int returned, boolean isFinal, List<TimedObservation> observations, Report.Urgency urgency) {
            SettleLeaseRequest request = prototype.toBuilder()
                    .setUsedPermits(used)
                    .setReturnedPermits(returned)
                    .setIsFinal(isFinal)
                    .build();
            reporter.add(new Report(request, observations, leaseEnd), urgency);
        }
    }

    /** Gives permits back to the client's own share. */
    record ToShare(Share.Grant grant) implements LeaseReports {
        @Override
        public boolean isLocal() {
            return true;
        }

        @Override
        public void returned(int more) {
            grant.giveBack(more);
        }

        @Override
        public void report(
                int used, int returned, boolean isFinal, List<TimedObservation> observations, Report.Urgency urgency) {}
    }
}
