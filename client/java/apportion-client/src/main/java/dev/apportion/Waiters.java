package dev.apportion;

import java.util.Iterator;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/** The callers that wait at a prefetch, first come, first served. */
final class Waiters {
    /** By position. */
    private final NavigableMap<Long, Waiter> queue = new TreeMap<>();

    private long nextPosition;

    /** A waiting caller. It receives a lease of which one permit is in use, or why there is none. */
    static final class Waiter {
        final long position;
        final long since;
        private CompletableFuture<Lease> answer = new CompletableFuture<>();

        private Waiter(long position, long since) {
            this.position = position;
            this.since = since;
        }

        /** Returns what the caller receives, under the lock of the prefetch. */
        CompletableFuture<Lease> answer() {
            return answer;
        }
    }

    int size() {
        return queue.size();
    }

    /** Returns the first position that no caller has yet. */
    long nextPosition() {
        return nextPosition;
    }

    /** Adds a caller that waits since then. */
    Waiter enter(long since) {
        Waiter entered = new Waiter(nextPosition++, since);
        queue.put(entered.position, entered);
        return entered;
    }

    /** Adds a caller again that came to nothing, at its former position. */
    void enterAgain(Waiter former) {
        former.answer = new CompletableFuture<>();
        queue.put(former.position, former);
    }

    void leave(Waiter waiter) {
        queue.remove(waiter.position);
    }

    /** Returns the caller that waited longest; null if none waits. */
    Waiter oldest() {
        return queue.isEmpty() ? null : queue.firstEntry().getValue();
    }

    /** Hands a permit that is in use to the caller that waited longest. Returns whether one waits. */
    boolean deliver(Lease lease) {
        if (queue.isEmpty()) {
            return false;
        }
        queue.pollFirstEntry().getValue().answer.complete(lease);
        return true;
    }

    /** Fails every caller that is affected. */
    void fail(ApportionException why, Predicate<Waiter> isAffected) {
        for (Iterator<Waiter> next = queue.values().iterator(); next.hasNext(); ) {
            Waiter waiter = next.next();
            if (isAffected.test(waiter)) {
                next.remove();
                waiter.answer.completeExceptionally(why);
            }
        }
    }
}
