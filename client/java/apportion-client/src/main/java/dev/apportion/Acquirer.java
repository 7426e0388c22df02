package dev.apportion;

import dev.apportion.v1.AcquireLeaseRequest;
import dev.apportion.v1.SettleLeaseRequest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;

/** Acquires leases, and knows whether the server was reachable. Used by the engine's thread alone. */
final class Acquirer {
    /** The most calls that nobody waits for and that have given up their slots. */
    static final int WITHOUT_SLOT_MAX = 24;

    final Ticker ticker;
    final Engine engine;
    final LeaseService service;
    final Slots slots;
    /** Null if there is no local share. */
    final Share share;
    /** Whether requests wait for the server, beyond their own wait. */
    final boolean isWaiting;
    /** Whether a request has ended without an answer, and none was answered since. */
    boolean isOutage;
    /** The calls in flight that have given up their slots. */
    int withoutSlot;

    private final LeaseContext context;
    private final Reporter reporter;
    private final SignalsSource signals;
    private final AcquireLeaseRequest acquirePrototype;
    private final SettleLeaseRequest settlePrototype;
    /** A random number that starts the request ids of this client. */
    private final long client = ThreadLocalRandom.current().nextLong();

    private long requests;
    /** Those included that nobody waits for any more. */
    private final Set<Acquisition> active = new HashSet<>();

    private boolean isClosed;
    private final CompletableFuture<Void> finished = new CompletableFuture<>();

    Acquirer(
            Config config,
            LeaseContext context,
            Engine engine,
            LeaseService service,
            Reporter reporter,
            SignalsSource signals) {
        this.context = context;
        this.engine = engine;
        this.service = service;
        this.reporter = reporter;
        this.signals = signals;
        ticker = context.ticker();
        slots = new Slots(engine);
        isWaiting = config.fallback instanceof Fallback.Wait;
        share = config.fallback instanceof Fallback.LocalShare local ? new Share(local.permits, windowNs(local)) : null;
        acquirePrototype = AcquireLeaseRequest.newBuilder()
                .setWorkspace(config.workspace)
                .setTeam(config.team)
                .setCaller(config.caller)
                .build();
        settlePrototype = SettleLeaseRequest.newBuilder()
                .setWorkspace(config.workspace)
                .setTeam(config.team)
                .setCaller(config.caller)
                .build();
    }

    private static long windowNs(Fallback.LocalShare local) {
        long dayNs = 86_400_000_000_000L;
        return local.window.toDays() >= 366 ? 366 * dayNs : local.window.toNanos();
    }

    String requestId() {
        requests++;
        return String.format(Locale.ROOT, "%016x-%x", client, requests);
    }

    /** Returns the message of one attempt, which may wait for so long on the server. */
    AcquireLeaseRequest message(Request request, long waitNs, String requestId) {
        AcquireLeaseRequest.Builder message = acquirePrototype.toBuilder()
                .setPermits(request.permits())
                .setMaxWait(Wire.duration(waitNs))
                .setRequestId(requestId);
        if (request.priority() != null) {
            message.setPriority(request.priority().message());
        }
        if (request.minPermits() != 0) {
            message.setMinPermits(request.minPermits());
        }
        return message.build();
    }

    /** Makes a lease of an answer to an attempt that was sent then. */
    Lease granted(dev.apportion.v1.Lease granted, long sent) throws InvalidResponseException {
        long heldNs = Wire.ns(granted.getHeld());
        long validNs = Wire.ns(granted.getValidFor());
        if (heldNs < 0 || validNs < 0) {
            throw new InvalidResponseException("a duration is negative");
        }
        signals.seen(granted.getSignalsVersion());
        long end = Ticker.after(Ticker.after(sent, heldNs), validNs);
        SettleLeaseRequest prototype =
                settlePrototype.toBuilder().setLeaseId(granted.getLeaseId()).build();
        return new Lease(
                context,
                new LeaseReports.ToServer(reporter, prototype, end),
                Priority.of(granted.getPriority()),
                granted.getContended(),
                Wire.count(granted.getPermits()),
                end);
    }

    /** Makes a lease of the client's own share. It counts as contended: what is not needed now is needed later. */
    Lease shared(Share.Grant grant, Priority priority) {
        return new Lease(
                context,
                new LeaseReports.ToShare(grant),
                priority == null ? Priority.DEFAULT : priority,
                true,
                grant.granted,
                grant.end);
    }

    /** Notes that a request starts. False if the client is closed. */
    boolean started(Acquisition acquisition) {
        if (isClosed) {
            return false;
        }
        active.add(acquisition);
        context.counts().requestStarted();
        return true;
    }

    void ended(Acquisition acquisition) {
        if (active.remove(acquisition)) {
            context.counts().requestEnded();
        }
        finishIfDone();
    }

    /** Fails all requests from now on. The future completes when none goes on. */
    CompletableFuture<Void> close() {
        isClosed = true;
        List<Acquisition> open = new ArrayList<>(active);
        open.forEach(Acquisition::close);
        finishIfDone();
        return finished;
    }

    private void finishIfDone() {
        if (isClosed && active.isEmpty()) {
            finished.complete(null);
        }
    }
}
