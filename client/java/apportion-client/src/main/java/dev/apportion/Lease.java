package dev.apportion;

import dev.apportion.observation.Observation;
import dev.apportion.observation.ProviderResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A number of permits that are valid until the lease ends. It is safe for concurrent use.
 *
 * <p>Close it when it leaves its scope: permits that were not taken go back then, and those that were count as used.
 */
public final class Lease implements AutoCloseable {
    /** How long an observation may wait for the next report of its lease. */
    private static final long OBSERVATION_WAIT_NS = 500_000_000;

    private final LeaseContext context;
    private final LeaseReports reports;
    private final Priority priority;
    private final boolean isContended;
    private final int granted;
    private final long end;

    private int left;
    /** Permits that came back, or are lost because the provider throttles. */
    private int returned;

    private int spent;
    /** Nothing can be taken any more, and what is put back goes to the server. */
    private boolean isClosed;

    private boolean isDone;
    /** How many permits are in use, and whether somebody holds the lease: it is done when neither is. */
    private int holders = 1;
    /** The observations since the last report. */
    private List<TimedObservation> observations = new ArrayList<>();

    Lease(LeaseContext context, LeaseReports reports, Priority priority, boolean isContended, int granted, long end) {
        this.context = context;
        this.reports = reports;
        this.priority = priority;
        this.isContended = isContended;
        this.granted = granted;
        this.end = end;
        left = granted;
        context.opened(granted, reports.isLocal());
    }

    /**
     * Takes one permit. Call it as late as possible, once for each attempt on the wire.
     *
     * @return true if one request may be sent now; false if no permit is left or the lease has ended
     */
    public synchronized boolean take() {
        if (isClosed || left == 0 || context.ticker().now() >= end) {
            return false;
        }
        left--;
        return true;
    }

    /** Takes one permit that is in use from now on: the lease is not done before it is. */
    synchronized boolean hold(long now) {
        if (isClosed || left == 0 || now >= end) {
            return false;
        }
        left--;
        holders++;
        return true;
    }

    /** Puts back a permit that was taken and whose request was certainly not sent. */
    public synchronized void putBack() {
        if (left + returned + spent >= granted || isDone) {
            return; // more than was taken
        }
        if (isClosed) {
            reportReturned(1);
        } else {
            left++;
        }
    }

    /**
     * Returns the number of permits that are not taken yet.
     *
     * @return the number
     */
    public synchronized int left() {
        return left;
    }

    /**
     * Returns how long permits can still be taken.
     *
     * @return the time; 0 if the lease has ended
     */
    public Duration validFor() {
        return Duration.ofNanos(Ticker.since(end, context.ticker().now()));
    }

    /**
     * Returns the number of permits that were granted.
     *
     * @return the number
     */
    public int permits() {
        return granted;
    }

    /**
     * Returns the priority that the request was served at.
     *
     * @return the priority; it may be lower than requested
     */
    public Priority priority() {
        return priority;
    }

    /**
     * Says whether other requests were waiting at the server. If so, request only what is needed now.
     *
     * @return whether others were waiting
     */
    public boolean isContended() {
        return isContended;
    }

    /** Returns when the lease ends. */
    long end() {
        return end;
    }

    /**
     * Reports what a response of the provider said.
     *
     * @param response the response, which the reader of the client reads
     */
    public void observe(ProviderResponse response) {
        read(response).forEach(this::observe);
    }

    /** Returns what the reader of the client reads. */
    List<Observation> read(ProviderResponse response) {
        return context.read(response);
    }

    /**
     * Reports what a response of the provider said.
     *
     * <p>A throttle is sent at once. Other observations are sent when the lease is done, or with the first observation that
     * comes half a second after them. What the API does not accept, such as a status of 999, is left out.
     *
     * @param observation what it said
     */
    public void observe(Observation observation) {
        long now = context.ticker().now();
        Optional<TimedObservation> seen = TimedObservation.of(observation, now);
        if (seen.isPresent()) {
            add(seen.get(), now);
        }
    }

    private synchronized void add(TimedObservation seen, long now) {
        observations.add(seen);
        boolean isOld = now >= Ticker.after(observations.get(0).receivedAt(), OBSERVATION_WAIT_NS);
        if (seen.message().getThrottled()) {
            report(used(), isDone, Report.Urgency.THROTTLE);
        } else if (isOld || isDone || observations.size() >= Report.OBSERVATIONS_WAITING_MAX) {
            report(used(), isDone, Report.Urgency.USUAL);
        }
    }

    /** Returns whether the start of a response's body decides what it means. */
    boolean wantsBody(int status) {
        return context.wantsBody(status);
    }

    /** Ends the use of the lease. Permits that were not taken go back to the server. Closing it again does nothing. */
    @Override
    public synchronized void close() {
        done();
    }

    private void done() {
        if (isDone) {
            return;
        }
        isDone = true;
        isClosed = true;
        int unused = left;
        left = 0;
        returned += unused;
        if (unused > 0) {
            reports.returned(unused);
        }
        report(used(), true, unused > 0 ? Report.Urgency.RETURNS : Report.Urgency.USUAL);
        context.done(returned, reports.isLocal());
    }

    /** Returns up to {@code most} permits that were not taken, and how many it were. */
    synchronized int returnUpTo(int most) {
        int unused = Math.min(most, left);
        left -= unused;
        reportReturned(unused);
        return unused;
    }

    /** Ends the hold of a prefetch: what was not taken goes back, or is spent. Permits in use can still be put back. */
    synchronized void release(boolean isSpent) {
        int unused = left;
        left = 0;
        isClosed = true;
        if (isSpent) {
            spent += unused;
        } else {
            reportReturned(unused);
        }
        dropHolder();
    }

    /** Lets what is put back go to the server from now on. */
    synchronized void stopTaking() {
        isClosed = true;
    }

    /** Ends the use of one permit, or of the lease by who held it. */
    synchronized void dropHolder() {
        holders--;
        if (holders == 0) {
            done();
        }
    }

    private int used() {
        return granted - left - returned - spent;
    }

    private void reportReturned(int unused) {
        if (unused == 0) {
            return;
        }
        returned += unused;
        reports.returned(unused);
        // Taken permits may still be put back, and one that was reported as used cannot be returned.
        report(0, false, Report.Urgency.RETURNS);
    }

    private void report(int used, boolean isFinal, Report.Urgency urgency) {
        List<TimedObservation> seen = observations;
        observations = new ArrayList<>();
        reports.report(used, returned, isFinal, seen, urgency);
    }
}
