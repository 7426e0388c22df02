package dev.apportion;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

/** One caller's wait at a prefetch, until it has a permit that is still valid, or knows why it has none. */
final class PrefetchWait {
    /** How much longer than its wait a caller waits for the reason of a failure. */
    static final long REASON_MARGIN_NS = 100_000_000;

    private final Prefetch prefetch;
    private final Ticker ticker;
    private final Engine engine;
    private final long longestNs;
    private final CompletableFuture<Permit> result = new CompletableFuture<>();
    private Waiters.Waiter waiter;
    private Future<?> timeout;

    PrefetchWait(Prefetch prefetch, Ticker ticker, Engine engine, long longestNs) {
        this.prefetch = prefetch;
        this.ticker = ticker;
        this.engine = engine;
        this.longestNs = longestNs;
    }

    CompletableFuture<Permit> start() {
        try {
            waiter = prefetch.enter(ticker.now());
        } catch (ApportionException why) {
            result.completeExceptionally(why);
            return result;
        }
        if (longestNs < Long.MAX_VALUE) {
            timeout = engine.after(longestNs, () -> result.completeExceptionally(new TimedOutException()));
        }
        listen();
        // A result that does not come from the queue ends the wait: a timeout, or a caller that gives up.
        result.whenComplete((permit, failed) -> {
            if (timeout != null) {
                timeout.cancel(false);
            }
            if (permit == null) {
                prefetch.leave(waiter);
            }
        });
        return result;
    }

    private void listen() {
        prefetch.answer(waiter).whenCompleteAsync(this::answered, engine);
    }

    private void answered(Lease lease, Throwable failed) {
        if (failed != null) {
            result.completeExceptionally(failed);
            return;
        }
        if (ticker.now() < lease.end()) {
            Permit permit = new Permit(lease, prefetch);
            if (!result.complete(permit)) {
                permit.putBack();
            }
            return;
        }
        new Permit(lease, null).putBack();
        if (!result.isDone()) {
            try {
                prefetch.enterAgain(waiter);
                listen();
                if (result.isDone()) {
                    prefetch.leave(waiter); // the caller gave up in between
                }
            } catch (ApportionException why) {
                result.completeExceptionally(why);
            }
        }
    }
}
