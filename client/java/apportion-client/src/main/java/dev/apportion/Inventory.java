package dev.apportion;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** The leases that a prefetch holds, oldest first, and how fast their permits are taken. */
final class Inventory {
    /** How soon a permit expires that goes back while others can still use it. */
    private static final long EXPIRY_MARGIN_NS = 100_000_000;

    private final List<Lease> leases = new ArrayList<>();
    private final Demand demand = new Demand();
    /** When a lease was last added, or a permit taken. */
    private long lastUsed;
    /** When a permit was last taken. */
    private long lastTaken;

    boolean isEmpty() {
        return leases.isEmpty();
    }

    /** Returns the number of permits held. */
    int permits() {
        int held = 0;
        for (Lease lease : leases) {
            held += lease.left();
        }
        return held;
    }

    /** Takes a permit that is in use from now on; null if none is held. */
    Lease take(long now) {
        while (!leases.isEmpty()) {
            Lease lease = leases.get(0);
            boolean isTaken = lease.hold(now);
            if (!isTaken || lease.left() == 0) {
                leases.remove(0);
                lease.release(false);
            }
            if (isTaken) {
                taken(now);
                return lease;
            }
        }
        return null;
    }

    /** Counts a permit that was taken. */
    void taken(long now) {
        demand.record(now);
        lastUsed = now;
        lastTaken = now;
    }

    /** Returns how many permits will be taken within the horizon; none if nothing was taken for {@code idleNs}. */
    int forecast(long now, long horizonNs, long idleNs) {
        return now >= Ticker.after(lastTaken, idleNs) ? 0 : demand.forecast(now, horizonNs);
    }

    /** Adds a lease, and returns all but {@code keep} of its remaining permits to the server. */
    void add(long now, Lease lease, int keep) {
        lease.returnUpTo(Math.max(lease.left() - keep, 0));
        lastUsed = now;
        if (lease.left() == 0) {
            lease.release(false);
        } else {
            leases.add(lease);
        }
    }

    boolean contains(Lease lease) {
        return leases.contains(lease);
    }

    /** Returns everything if nothing was taken for so long. */
    void returnIdle(long now, long idleNs) {
        if (now >= Ticker.after(lastUsed, idleNs)) {
            releaseAll(false);
        }
    }

    /** Returns the leases that are about to expire. */
    void returnExpiring(long now) {
        for (Iterator<Lease> next = leases.iterator(); next.hasNext(); ) {
            Lease lease = next.next();
            if (lease.end() <= Ticker.after(now, EXPIRY_MARGIN_NS)) {
                next.remove();
                lease.release(false);
            }
        }
    }

    /** Returns up to {@code most} permits, of the newest leases first. */
    void returnUpTo(int most) {
        int left = most;
        for (int at = leases.size() - 1; at >= 0; at--) {
            left -= leases.get(at).returnUpTo(left);
        }
    }

    /** Returns or spends everything. */
    void releaseAll(boolean isSpent) {
        leases.forEach(lease -> lease.release(isSpent));
        leases.clear();
    }
}
