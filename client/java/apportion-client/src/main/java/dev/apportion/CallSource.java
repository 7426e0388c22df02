package dev.apportion;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Takes each permit with a call of its own. */
final class CallSource implements PermitSource {
    private final Quota quota;
    private final Ticker ticker;
    private final Request request;

    CallSource(Quota quota, Ticker ticker, Request request) {
        this.quota = quota;
        this.ticker = ticker;
        this.request = request;
    }

    @Override
    public Permit permit() throws ApportionException, InterruptedException {
        Consumer<Throwable> ended = quota.waiting("permit", request);
        return Futures.await(start(), Permit::putBack, ended);
    }

    @Override
    public CompletableFuture<Permit> permitAsync() {
        Consumer<Throwable> ended = quota.waiting("permit", request);
        return Futures.forUsers(start(), Permit::putBack, ended);
    }

    private CompletableFuture<Permit> start() {
        CompletableFuture<Permit> result = new CompletableFuture<>();
        attempt(result, ticker.now());
        return result;
    }

    /** Requests a lease, and another one if it had ended when it arrived. */
    private void attempt(CompletableFuture<Permit> result, long start) {
        long leftNs = request.maxWaitNs() - Ticker.since(ticker.now(), start);
        CompletableFuture<Lease> answer = quota.start(request.withMaxWait(Duration.ofNanos(Math.max(leftNs, 0))));
        answer.whenComplete((lease, failed) -> {
            if (failed != null) {
                result.completeExceptionally(failed);
            } else if (lease.take()) {
                Permit permit = new Permit(lease, null);
                if (!result.complete(permit)) {
                    permit.putBack();
                }
            } else {
                lease.close();
                if (Ticker.since(ticker.now(), start) >= request.maxWaitNs()) {
                    result.completeExceptionally(new TimedOutException());
                } else {
                    attempt(result, start);
                }
            }
        });
        result.whenComplete((permit, failed) -> answer.cancel(false));
    }
}
