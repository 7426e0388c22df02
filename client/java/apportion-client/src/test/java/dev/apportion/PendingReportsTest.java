package dev.apportion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.apportion.observation.Observation;
import dev.apportion.v1.SettleLeaseRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PendingReportsTest {
    private static final long MS = 1_000_000;
    private static final long SECOND = 1_000 * MS;

    private final PendingReports pending = new PendingReports();

    private static Report report(String lease, int returned, TimedObservation... observations) {
        SettleLeaseRequest request = SettleLeaseRequest.newBuilder()
                .setLeaseId(lease)
                .setReturnedPermits(returned)
                .setIsFinal(true)
                .build();
        return new Report(request, List.of(observations), SECOND);
    }

    private static TimedObservation seen(boolean isThrottled, Duration age) {
        return TimedObservation.of(
                        Observation.builder()
                                .status(429)
                                .throttled(isThrottled)
                                .age(age)
                                .build(),
                        0)
                .orElseThrow();
    }

    @Test
    void reportsWaitForCompanyAndGoTogether() {
        pending.add(0, report("a", 0), Report.Urgency.USUAL);
        pending.add(10 * MS, report("b", 3), Report.Urgency.RETURNS);
        assertNull(pending.take(29 * MS));
        assertEquals(2, pending.take(30 * MS).requests().size());
        assertTrue(pending.due().isEmpty());
    }

    @Test
    void reportsOfALeaseAreMerged() {
        pending.add(0, report("a", 1, seen(false, Duration.ZERO)), Report.Urgency.USUAL);
        pending.add(0, report("a", 4, seen(true, Duration.ZERO)), Report.Urgency.THROTTLE);
        List<SettleLeaseRequest> requests = pending.take(0).requests();
        assertEquals(1, requests.size());
        assertEquals(4, requests.get(0).getReturnedPermits());
        assertEquals(2, requests.get(0).getObservationsCount());
    }

    @Test
    void moreObservationsThanFitGoIntoSeveralRequestsOfWhichTheLastIsFinal() {
        TimedObservation[] many = new TimedObservation[150];
        java.util.Arrays.fill(many, seen(false, Duration.ZERO));
        pending.add(0, report("a", 1, many), Report.Urgency.THROTTLE);
        List<SettleLeaseRequest> requests = pending.take(0).requests();
        assertEquals(
                List.of(64, 64, 22),
                requests.stream().map(SettleLeaseRequest::getObservationsCount).toList());
        assertEquals(
                List.of(false, false, true),
                requests.stream().map(SettleLeaseRequest::getIsFinal).toList());
    }

    @Test
    void aCallHasAThousandRequestsAndHalfAsManyAfterARefusal() {
        for (int at = 0; at < 1_500; at++) {
            pending.add(0, report("lease-" + at, 1), Report.Urgency.THROTTLE);
        }
        PendingReports.Batch batch = pending.take(0);
        assertEquals(1_000, batch.requests().size());
        assertTrue(pending.refused(1_000));
        assertEquals(0, pending.putBack(0, batch.reports()));
        assertEquals(500, pending.take(0).requests().size());
        pending.answered();
        assertEquals(1_000, pending.take(0).requests().size());
    }

    @Test
    void aReportIsGivenUpWhenItIsOfNoUse() {
        List<Report> reports = new ArrayList<>(List.of(
                report("returned", 1),
                report("seen", 0, seen(false, Duration.ZERO)),
                report("throttle", 0, seen(true, Duration.ZERO))));
        assertEquals(0, pending.putBack(SECOND - 1, reports));
        assertEquals(1, new PendingReports().putBack(SECOND, reports));
        assertEquals(2, new PendingReports().putBack(10 * SECOND, reports));
        assertEquals(3, new PendingReports().putBack(60 * SECOND, reports));
    }

    @Test
    void anObservationOlderThanAnHourIsDropped() {
        assertTrue(TimedObservation.of(
                        Observation.builder().age(Duration.ofHours(2)).build(), 0)
                .isEmpty());
        pending.add(0, report("a", 0, seen(false, Duration.ofMinutes(59))), Report.Urgency.THROTTLE);
        assertEquals(1, pending.take(0).requests().get(0).getObservationsCount());
    }
}
