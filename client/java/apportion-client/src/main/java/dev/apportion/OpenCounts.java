package dev.apportion;

import java.util.concurrent.atomic.AtomicInteger;

/** What a client has open. */
final class OpenCounts {
    private final AtomicInteger leases = new AtomicInteger();
    private final AtomicInteger requests = new AtomicInteger();
    /** Called when the last lease is done. */
    private final Runnable unused;

    OpenCounts(Runnable unused) {
        this.unused = unused;
    }

    int leases() {
        return leases.get();
    }

    int requests() {
        return requests.get();
    }

    void leaseOpened() {
        leases.incrementAndGet();
    }

    void leaseDone() {
        if (leases.decrementAndGet() == 0) {
            unused.run();
        }
    }

    void requestStarted() {
        requests.incrementAndGet();
    }

    void requestEnded() {
        requests.decrementAndGet();
    }
}
