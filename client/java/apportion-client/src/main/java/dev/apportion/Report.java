package dev.apportion;

import dev.apportion.v1.Observation;
import dev.apportion.v1.SettleLeaseRequest;
import java.util.ArrayList;
import java.util.List;

/** How one lease was used. The observations are added to the request when it is sent, with their age. */
final class Report {
    /** The most observations that wait for one lease. Beyond, those go first that are no throttle. */
    static final int OBSERVATIONS_WAITING_MAX = 1024;
    /** The most observations of one request, as the API allows. */
    private static final int OBSERVATIONS_SENT_MAX = 64;
    /** How long after its response a throttle is still reported, and any other observation. */
    private static final long THROTTLE_LIFE_NS = 60_000_000_000L;

    private static final long OBSERVATION_LIFE_NS = 10_000_000_000L;

    /** How long a report waits for others, to be sent in one call with them. */
    enum Urgency {
        USUAL(50_000_000),
        RETURNS(20_000_000),
        THROTTLE(0);

        final long lingerNs;

        Urgency(long lingerNs) {
            this.lingerNs = lingerNs;
        }
    }

    /** Until when returned permits are of use. */
    private final long leaseEnd;

    private SettleLeaseRequest request;
    private final List<TimedObservation> observations;

    Report(SettleLeaseRequest request, List<TimedObservation> observations, long leaseEnd) {
        this.request = request;
        this.observations = new ArrayList<>(observations);
        this.leaseEnd = leaseEnd;
    }

    String leaseId() {
        return request.getLeaseId();
    }

    /** Takes in a later report of the same lease, whose counts include those of this one. */
    void merge(Report later) {
        request = later.request;
        observations.addAll(later.observations);
        int excess = observations.size() - OBSERVATIONS_WAITING_MAX;
        for (int at = 0; excess > 0 && at < observations.size(); ) {
            if (observations.get(at).message().getThrottled()) {
                at++;
            } else {
                observations.remove(at);
                excess--;
            }
        }
        if (excess > 0) {
            observations.subList(OBSERVATIONS_WAITING_MAX, observations.size()).clear();
        }
    }

    /** Says whether nothing can be returned to the lease any more, and the observations are old. */
    boolean isUseless(long now) {
        return now >= leaseEnd && observations.stream().noneMatch(seen -> now < endOfLife(seen));
    }

    private static long endOfLife(TimedObservation seen) {
        return Ticker.after(seen.receivedAt(), seen.message().getThrottled() ? THROTTLE_LIFE_NS : OBSERVATION_LIFE_NS);
    }

    /** Forgets the observations. Returns whether there were some. */
    boolean dropObservations() {
        boolean hadSome = !observations.isEmpty();
        observations.clear();
        return hadSome;
    }

    /** Returns the requests to send now: the last bears the counts, those before it observations that do not fit into it. */
    List<SettleLeaseRequest> requests(long now) {
        List<Observation> left =
                observations.stream().flatMap(seen -> seen.at(now).stream()).toList();
        List<SettleLeaseRequest> requests = new ArrayList<>();
        while (left.size() > OBSERVATIONS_SENT_MAX) {
            requests.add(request.toBuilder()
                    .setIsFinal(false)
                    .addAllObservations(left.subList(0, OBSERVATIONS_SENT_MAX))
                    .build());
            left = left.subList(OBSERVATIONS_SENT_MAX, left.size());
        }
        requests.add(request.toBuilder().addAllObservations(left).build());
        return requests;
    }
}
