package dev.apportion;

import dev.apportion.v1.SettleLeaseRequest;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** The reports that wait to be sent, oldest first: merged by lease, until one of them is due. A function of now. */
final class PendingReports {
    /** The most leases whose reports wait. Further ones are dropped, and the permits that they return are spent. */
    private static final int WAITING_MAX = 100_000;
    /** The most requests of one call, as the API allows. */
    private static final int BATCH_REQUESTS_MAX = 1000;
    /** The largest call, well below the 1 MiB that a server accepts unless it is configured otherwise. */
    private static final int BATCH_BYTES_MAX = 512 << 10;
    /** What a request costs in a message beside its own bytes, at most. */
    private static final int ENTRY_BYTES = 8;

    private final Map<String, Report> byLease = new LinkedHashMap<>();
    private final Backoff backoff = new Backoff();
    /** When the first of them is due, where {@code isDue}. */
    private long dueAt;

    private boolean isDue;
    /** Not before then, because the last call failed. */
    private long pausedUntil;
    /** The most requests of the next call: fewer after a call was refused as a whole. */
    private int requestsMax = BATCH_REQUESTS_MAX;

    /**
     * The reports of one call.
     *
     * @param reports the reports
     * @param sizes the number of requests of each
     * @param requests the requests of all
     */
    record Batch(List<Report> reports, List<Integer> sizes, List<SettleLeaseRequest> requests) {}

    int size() {
        return byLease.size();
    }

    /** Adds a report that is due after its linger. Returns false if there are too many. */
    boolean add(long now, Report report, Report.Urgency urgency) {
        Report waiting = byLease.get(report.leaseId());
        if (waiting != null) {
            waiting.merge(report);
        } else if (size() >= WAITING_MAX) {
            return false;
        } else {
            byLease.put(report.leaseId(), report);
        }
        dueBy(Ticker.after(now, urgency.lingerNs));
        return true;
    }

    private void dueBy(long instant) {
        dueAt = isDue ? Math.min(dueAt, instant) : instant;
        isDue = true;
    }

    /** Makes all reports due at once. */
    void flush(long now) {
        if (size() > 0) {
            isDue = true;
            dueAt = now;
            pausedUntil = now;
        }
    }

    /** Returns when the next call is due; empty if nothing waits. */
    OptionalLong due() {
        return isDue ? OptionalLong.of(Math.max(dueAt, pausedUntil)) : OptionalLong.empty();
    }

    /** Takes the reports of the next call; null if none is due. The rest stays due. */
    Batch take(long now) {
        if (!isDue || now < Math.max(dueAt, pausedUntil)) {
            return null;
        }
        Batch taken = new Batch(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        long bytes = 0;
        for (Iterator<Report> next = byLease.values().iterator(); next.hasNext(); ) {
            Report report = next.next();
            List<SettleLeaseRequest> requests = report.requests(now);
            for (SettleLeaseRequest request : requests) {
                bytes += request.getSerializedSize() + ENTRY_BYTES;
            }
            boolean isFull = taken.requests.size() + requests.size() > requestsMax || bytes > BATCH_BYTES_MAX;
            if (isFull && !taken.requests.isEmpty()) {
                break;
            }
            next.remove();
            taken.reports.add(report);
            taken.sizes.add(requests.size());
            taken.requests.addAll(requests);
        }
        isDue = size() > 0;
        return taken;
    }

    /** Notes that a call was answered. */
    void answered() {
        backoff.reset();
        requestsMax = BATCH_REQUESTS_MAX;
    }

    /** Notes that a call was refused as a whole. Returns whether fewer requests at once may help. */
    boolean refused(int requests) {
        requestsMax = Math.max(requests / 2, 1);
        return requests > 1;
    }

    /** Pauses after a failed call, for at least {@code leastNs}. */
    void pause(long now, long leastNs) {
        pausedUntil = Ticker.after(now, backoff.next(leastNs));
    }

    /**
     * Puts back reports that were not accepted, unless they are useless by now. Later reports of the same leases win. Returns
     * how many are given up.
     */
    int putBack(long now, List<Report> reports) {
        int givenUp = 0;
        for (Report report : reports) {
            Report later = byLease.get(report.leaseId());
            if (report.isUseless(now) || later == null && size() >= WAITING_MAX) {
                givenUp++;
                continue;
            }
            if (later != null) {
                report.merge(later);
            }
            byLease.put(report.leaseId(), report);
            dueBy(now);
        }
        return givenUp;
    }
}
