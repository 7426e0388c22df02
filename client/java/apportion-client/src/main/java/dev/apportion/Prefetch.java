package dev.apportion;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * Holds permits of one priority ready, and is safe for concurrent use.
 *
 * <p>It holds what is about to be taken, judging by the last half second, and nothing if nothing was taken. While requests of
 * others wait on the server, it requests only the permits that its own callers wait for. It has no timer while nothing is held,
 * requested or waited for.
 */
public final class Prefetch implements PermitSource, AutoCloseable {
    /** How often the held permits are checked. */
    private static final long TICK_NS = 50_000_000;
    /** How long a request stays in flight that no caller needs, because demand may come back. */
    private static final long UNNEEDED_NS = 50_000_000;

    private final Ticker ticker;
    private final Engine engine;
    private final Request request;
    private final Quota quota;
    private final Runnable closed;
    /** How long a caller waits at most; {@code Long.MAX_VALUE} if it waits until the server is reachable. */
    private final long longestNs;

    private final PrefetchState state;
    private boolean isClosed;
    /** The request that is on its way; null if none is. */
    private InFlight inFlight;
    /** What looks after held permits next; null if nothing is to be looked after. */
    private Future<?> check;
    /** Whether the engine is about to look at the state. */
    private boolean isDriven;

    /** A request on its way. */
    private static final class InFlight {
        final CompletableFuture<Lease> answer;
        final PrefetchState.Covered covered;
        /** Since when no caller needs it; -1 if one does. */
        long unneededSince = -1;

        InFlight(CompletableFuture<Lease> answer, PrefetchState.Covered covered) {
            this.answer = answer;
            this.covered = covered;
        }
    }

    Prefetch(
            Ticker ticker,
            Engine engine,
            Request request,
            PrefetchOptions options,
            long longestNs,
            Quota quota,
            Runnable closed) {
        this.ticker = ticker;
        this.engine = engine;
        this.request = request;
        this.quota = quota;
        this.closed = closed;
        this.longestNs = longestNs;
        state = new PrefetchState(options, request.maxWaitNs());
    }

    /**
     * Takes a permit without waiting. If none is held, it requests one for a later call.
     *
     * @return the permit, if one is held
     */
    public synchronized Optional<Permit> tryPermit() {
        long now = ticker.now();
        Lease lease = isClosed ? null : state.take(now);
        if (lease == null) {
            state.missed();
        }
        changed(now);
        return Optional.ofNullable(lease).map(taken -> new Permit(taken, this));
    }

    /**
     * Takes a permit, and waits for it if none is held: at most as long as the request of this prefetch says. Callers are served
     * first come, first served.
     */
    @Override
    public Permit permit() throws ApportionException, InterruptedException {
        Optional<Permit> held = takeHeld();
        if (held.isPresent()) {
            return held.get();
        }
        Consumer<Throwable> ended = startWaiting();
        return Futures.await(start(), Permit::putBack, ended);
    }

    @Override
    public CompletableFuture<Permit> permitAsync() {
        Optional<Permit> held = takeHeld();
        if (held.isPresent()) {
            return CompletableFuture.completedFuture(held.get());
        }
        Consumer<Throwable> ended = startWaiting();
        return Futures.forUsers(start(), Permit::putBack, ended);
    }

    private synchronized Optional<Permit> takeHeld() {
        long now = ticker.now();
        Lease lease = isClosed ? null : state.take(now);
        if (lease == null) {
            return Optional.empty();
        }
        changed(now);
        return Optional.of(new Permit(lease, this));
    }

    private Consumer<Throwable> startWaiting() {
        return quota.waiting("permit", request.withPermits(1, 0));
    }

    private CompletableFuture<Permit> start() {
        return new PrefetchWait(this, ticker, engine, longestNs).start();
    }

    /** Queues a caller. Throws why it may not wait. */
    synchronized Waiters.Waiter enter(long now) throws ApportionException {
        if (isClosed) {
            throw new ClosedException();
        }
        Optional<ApportionException> refused = state.mayNotWait(now, now);
        if (refused.isPresent()) {
            throw refused.get();
        }
        Waiters.Waiter waiter = state.waiters.enter(now);
        // A permit may have come back since the caller looked.
        if (state.waiters.size() == 1) {
            Lease held = state.inventory.take(now);
            if (held != null) {
                state.waiters.deliver(held);
            }
        }
        changed(now);
        return waiter;
    }

    /** Queues a caller again whose permit expired on the way to it, at its former position. */
    synchronized void enterAgain(Waiters.Waiter former) throws ApportionException {
        if (isClosed) {
            throw new ClosedException();
        }
        state.waiters.enterAgain(former);
        changed(ticker.now());
    }

    /** Removes a caller from the queue. What it was given meanwhile is its own to put back. */
    synchronized void leave(Waiters.Waiter waiter) {
        state.waiters.leave(waiter);
        changed(ticker.now());
    }

    /** Returns what a caller receives. */
    synchronized CompletableFuture<Lease> answer(Waiters.Waiter waiter) {
        return waiter.answer();
    }

    /** Hands a permit that was not used to a waiting caller. False if none waits; then it is put back into its lease. */
    synchronized boolean handOn(Lease lease) {
        if (isClosed) {
            return false;
        }
        if (ticker.now() < lease.end() && state.waiters.deliver(lease)) {
            return true;
        }
        if (!state.inventory.contains(lease)) {
            // No prefetch holds the lease any more, so nobody could take the permit.
            lease.stopTaking();
        }
        return false;
    }

    /** Spends everything that is held. */
    synchronized void throttled() {
        state.inventory.releaseAll(true);
        changed(ticker.now());
    }

    /** Returns what the prefetch holds, and fails its callers with {@link ClosedException}. {@link Quota#close} does so too. */
    @Override
    public void close() {
        closed.run();
        shut();
    }

    synchronized void shut() {
        isClosed = true;
        state.waiters.fail(new ClosedException(), waiter -> true);
        state.inventory.releaseAll(false);
        changed(ticker.now());
    }

    /**
     * Returns the number of permits that are held now.
     *
     * @return the number
     */
    public synchronized int held() {
        return state.inventory.permits();
    }

    /**
     * Returns the number of callers that wait.
     *
     * @return the number
     */
    public synchronized int waiting() {
        return state.waiters.size();
    }

    /** Looks, under the lock, whether the engine has something to do. */
    private void changed(long now) {
        if (!isDriven && isDue(now)) {
            isDriven = true;
            engine.execute(this::drive);
        }
    }

    private boolean isDue(long now) {
        if (inFlight != null) {
            // What it brings decides what is due next, and until then the check sees whether it is still needed.
            return isClosed && check != null;
        }
        if (check != null) {
            return isClosed || state.isDue(now);
        }
        return !isClosed && (state.due() > 0 || !state.inventory.isEmpty());
    }

    /** Returns permits that are not needed, sends a request that is due, withdraws one that is not, and plans the next look. */
    private synchronized void drive() {
        isDriven = false;
        long now = ticker.now();
        if (check != null) {
            check.cancel(false);
            check = null;
        }
        if (!isClosed) {
            state.returnExcess(now);
        }
        if (inFlight != null) {
            withdrawUnneeded(now);
        } else if (!isClosed) {
            PrefetchState.Refill refill = state.refill(now);
            if (refill != null) {
                send(refill);
            }
        }
        plan(now);
    }

    private void plan(long now) {
        boolean isTicking = inFlight != null || !isClosed && !state.inventory.isEmpty();
        long standingNs = state.standingUntil(now) - now;
        if (isTicking) {
            check = engine.after(TICK_NS, this::drive);
        } else if (!isClosed && state.waiters.size() > 0 && standingNs > 0) {
            check = engine.after(standingNs, this::drive);
        }
    }

    private void withdrawUnneeded(long now) {
        if (!isClosed && state.needsRefill(now)) {
            inFlight.unneededSince = -1;
        } else if (inFlight.unneededSince < 0) {
            inFlight.unneededSince = now;
        } else if (now >= Ticker.after(inFlight.unneededSince, UNNEEDED_NS)) {
            CompletableFuture<Lease> unneeded = inFlight.answer;
            inFlight = null;
            unneeded.cancel(false);
        }
    }

    private void send(PrefetchState.Refill refill) {
        Request next = request.withPermits(refill.permits(), 1).withMaxWait(Duration.ofNanos(refill.maxWaitNs()));
        InFlight sent = new InFlight(quota.start(next), refill.covered());
        inFlight = sent;
        // The answer comes in the engine's thread, but perhaps at once, under the lock.
        sent.answer.whenComplete((lease, failed) -> engine.execute(() -> complete(sent, lease, failed)));
    }

    private synchronized void complete(InFlight sent, Lease lease, Throwable failed) {
        if (inFlight == sent) {
            inFlight = null;
        }
        if (lease != null) {
            if (isClosed) {
                lease.close();
            } else {
                state.add(ticker.now(), lease);
            }
        } else if (failed instanceof ApportionException why) {
            state.refuse(ticker.now(), why, sent.covered);
        }
        drive();
    }
}
