package dev.apportion;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** A client of the quota service. It is safe for concurrent use. */
public final class Quota implements AutoCloseable {
    /** The version of this client, and of the contract that it speaks. */
    public static final String VERSION = "0.1.0";

    private static final Duration CLOSE_LONGEST = Duration.ofHours(1);

    private final Ticker ticker;
    private final Engine engine;
    private final LeaseService service;
    private final OpenCounts counts = new OpenCounts(this::disconnectIfUnused);
    private final Reporter reporter;
    private final Acquirer acquirer;
    private final Logger logger;
    private final Duration closeTimeout;
    private final Telemetry telemetry;
    private final Telemetry.Identity who;
    private final Set<Prefetch> prefetches = new HashSet<>();
    /** Completed when everything is given back; null while the client is open. */
    private CompletableFuture<Void> closing;

    Quota(Config config, Ticker ticker, Engine engine, LeaseService service) {
        this.ticker = ticker;
        this.engine = engine;
        this.service = service;
        logger = config.logger;
        telemetry = config.telemetry;
        who = config.identity();
        closeTimeout = config.closeTimeout.compareTo(CLOSE_LONGEST) < 0 ? config.closeTimeout : CLOSE_LONGEST;
        reporter = new Reporter(ticker, engine, service, logger, this::disconnectIfUnused);
        acquirer = new Acquirer(
                config,
                new LeaseContext(ticker, counts, config.reader, telemetry, who, logger),
                engine,
                service,
                reporter,
                new SignalsSource(ticker, service, config.reader, config.workspace, logger));
    }

    /**
     * Creates a client. It connects at the first call, and again whenever a connection breaks.
     *
     * @param config the configuration
     * @return the client
     * @throws ConfigException if a field of the configuration cannot be used
     */
    public static Quota connect(Config config) throws ConfigException {
        config.check();
        Engine engine = new Engine();
        return new Quota(config, SuspendTicker.SYSTEM, engine, new Remote(config, SuspendTicker.SYSTEM, engine));
    }

    /**
     * Requests a lease, and waits for it as long as the request says.
     *
     * <p>A failed attempt is repeated under the same request id, so that it cannot be granted twice. If the thread is
     * interrupted, the request is withdrawn, and a lease that is on its way goes back.
     *
     * @param request what to request
     * @return the lease
     * @throws ApportionException if there is none; its class says why
     * @throws InterruptedException if the thread is interrupted
     */
    public Lease acquire(Request request) throws ApportionException, InterruptedException {
        Consumer<Throwable> ended = waiting("acquire", request);
        return Futures.await(start(request), Lease::close, ended);
    }

    /**
     * Requests a lease without blocking the thread.
     *
     * @param request what to request
     * @return a future that fails with an {@link ApportionException}. Whoever cancels it withdraws the request
     */
    public CompletableFuture<Lease> acquireAsync(Request request) {
        Consumer<Throwable> ended = waiting("acquire", request);
        return Futures.forUsers(start(request), Lease::close, ended);
    }

    /** Tells of a wait. What it returns tells of its end. */
    Consumer<Throwable> waiting(String what, Request request) {
        return telemetry.waiting(new Telemetry.Waiting(what, who, request.permits(), request.priority()));
    }

    /** Starts a request. What comes of it is known in the engine's thread first. */
    CompletableFuture<Lease> start(Request request) {
        Acquisition acquisition = new Acquisition(acquirer, request, ticker.now());
        engine.execute(acquisition::start);
        return acquisition.result();
    }

    /**
     * Returns where each permit takes a call of its own. A {@link Prefetch} needs far fewer calls.
     *
     * @param request the priority and the longest wait of the permits
     * @return the source
     */
    public PermitSource source(Request request) {
        return new CallSource(this, ticker, request.withPermits(1, 0));
    }

    /**
     * Returns a prefetch that holds permits ready, with the usual options.
     *
     * @return the prefetch
     */
    public Prefetch prefetch() {
        return prefetch(Request.one(), PrefetchOptions.usual());
    }

    /**
     * Returns a prefetch that holds permits ready.
     *
     * @param request the priority and the longest wait of the permits. How many to request follows from demand
     * @param options how far ahead of demand permits are held
     * @return the prefetch
     */
    public Prefetch prefetch(Request request, PrefetchOptions options) {
        long longestNs = acquirer.isWaiting
                ? Long.MAX_VALUE
                : Math.max(request.maxWaitNs(), Attempts.LEAST_NS) + PrefetchWait.REASON_MARGIN_NS;
        Prefetch[] made = new Prefetch[1];
        made[0] = new Prefetch(ticker, engine, request, options, longestNs, this, () -> forget(made[0]));
        synchronized (prefetches) {
            if (closing == null) {
                prefetches.add(made[0]);
                return made[0];
            }
        }
        made[0].shut();
        return made[0];
    }

    private void forget(Prefetch prefetch) {
        synchronized (prefetches) {
            prefetches.remove(prefetch);
        }
    }

    /**
     * Sends all queued reports now, and waits until they are sent.
     *
     * @param timeout how long to wait
     * @return whether they were sent in time
     * @throws InterruptedException if the thread is interrupted
     */
    public boolean flush(Duration timeout) throws InterruptedException {
        return isDone(reporter.flush(), timeout);
    }

    /**
     * Closes the client: requests fail with {@link ClosedException} from now on, held permits go back, and all reports are sent.
     * It takes at most the time that the configuration allows, and stops waiting if the thread is interrupted.
     *
     * <p>Leases and permits in use stay valid, and are reported when they are closed.
     */
    @Override
    public void close() {
        CompletableFuture<Void> done = startClosing();
        try {
            if (!isDone(done, closeTimeout)) {
                logger.log(Level.WARNING, "some reports could not be sent before the client was closed");
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        disconnectIfUnused();
    }

    private CompletableFuture<Void> startClosing() {
        List<Prefetch> open;
        CompletableFuture<Void> done = new CompletableFuture<>();
        synchronized (prefetches) {
            if (closing != null) {
                return closing;
            }
            closing = done;
            open = new ArrayList<>(prefetches);
            prefetches.clear();
        }
        engine.execute(() -> acquirer.close()
                .thenCompose(finished -> reporter.flush())
                .whenComplete((sent, failed) -> done.complete(null)));
        open.forEach(Prefetch::shut);
        return done;
    }

    private static boolean isDone(CompletableFuture<Void> future, Duration timeout) throws InterruptedException {
        try {
            future.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException late) {
            return false;
        } catch (ExecutionException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** Closes the connections of a closed client once no lease is open and no report waits. */
    private void disconnectIfUnused() {
        boolean isClosing;
        synchronized (prefetches) {
            isClosing = closing != null;
        }
        if (isClosing) {
            engine.execute(() -> {
                if (counts.leases() == 0 && counts.requests() == 0 && reporter.isIdle()) {
                    service.close();
                }
            });
        }
    }

    /**
     * Returns what the client has open now.
     *
     * @return the counts
     */
    public Stats stats() {
        int held = 0;
        int waiting = counts.requests();
        List<Prefetch> open;
        synchronized (prefetches) {
            open = new ArrayList<>(prefetches);
        }
        for (Prefetch prefetch : open) {
            held += prefetch.held();
            waiting += prefetch.waiting();
        }
        return new Stats(held, waiting, counts.leases(), reporter.waiting());
    }
}
