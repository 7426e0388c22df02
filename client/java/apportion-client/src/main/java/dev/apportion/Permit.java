package dev.apportion;

import dev.apportion.observation.Observation;
import dev.apportion.observation.ProviderResponse;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The right to send one request to the provider, now.
 *
 * <p>Close it when the request was sent: it counts as used. Call {@link #putBack} before, if the request was certainly not sent.
 * A permit that is forgotten counts as used when its lease ends.
 */
public final class Permit implements AutoCloseable {
    private final Lease lease;
    /** Null if the permit comes from a call of its own. */
    private final Prefetch prefetch;

    private final AtomicBoolean isDone = new AtomicBoolean();

    Permit(Lease lease, Prefetch prefetch) {
        this.lease = lease;
        this.prefetch = prefetch;
    }

    /** Ends the use of the permit: it counts as used. Closing it again, or after {@link #putBack}, does nothing. */
    @Override
    public void close() {
        if (isDone.compareAndSet(false, true)) {
            lease.dropHolder();
        }
    }

    /**
     * Returns the permit of a request that was certainly not sent. It goes to the next caller that waits at the same
     * {@link Prefetch}, or back to the server. After {@link #close} it does nothing.
     */
    public void putBack() {
        if (!isDone.compareAndSet(false, true) || prefetch != null && prefetch.handOn(lease)) {
            return;
        }
        lease.putBack();
        lease.dropHolder();
    }

    /**
     * Reports what a response of the provider said.
     *
     * @param response the response, which the reader of the client reads
     */
    public void observe(ProviderResponse response) {
        boolean isThrottled = false;
        for (Observation observation : lease.read(response)) {
            lease.observe(observation);
            isThrottled |= observation.isThrottled();
        }
        if (isThrottled) {
            throttled();
        }
    }

    /**
     * Reports what a response of the provider said. A throttle is sent at once, and a {@link Prefetch} then stops using the
     * other permits that it holds.
     *
     * @param observation what it said
     */
    public void observe(Observation observation) {
        lease.observe(observation);
        if (observation.isThrottled()) {
            throttled();
        }
    }

    private void throttled() {
        if (prefetch != null) {
            prefetch.throttled();
        }
    }

    /**
     * Says whether the start of a response's body decides what it means. Hooks of HTTP clients read it ahead then.
     *
     * @param status the HTTP status
     * @return whether to pass the body to {@link #observe(ProviderResponse)}
     */
    public boolean wantsBody(int status) {
        return lease.wantsBody(status);
    }

    /**
     * Returns how long the request may still be sent.
     *
     * @return the time. If it is 0, put the permit back and take another one
     */
    public Duration validFor() {
        return lease.validFor();
    }

    /**
     * Returns the priority that the permit was granted at.
     *
     * @return the priority; it may be lower than requested
     */
    public Priority priority() {
        return lease.priority();
    }
}
