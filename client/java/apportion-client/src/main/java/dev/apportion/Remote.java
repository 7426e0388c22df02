package dev.apportion;

import dev.apportion.v1.AcquireLeaseRequest;
import dev.apportion.v1.AcquireLeaseResponse;
import dev.apportion.v1.BatchSettleLeasesRequest;
import dev.apportion.v1.BatchSettleLeasesResponse;
import dev.apportion.v1.GetSignalsRequest;
import dev.apportion.v1.GetSignalsResponse;
import dev.apportion.v1.QuotaServiceGrpc;
import dev.apportion.v1.Reason;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/** The quota service behind one or more addresses: calls the node that is to be called next, and learns from what comes of it. */
final class Remote implements LeaseService {
    /** A connection that gave no answer for so long is replaced. */
    private static final long SILENCE_LEAST_NS = 900_000_000;

    private final Ticker ticker;
    private final Engine engine;
    private final Dialer dialer;
    private final Routes routes;
    private final TokenKeeper token;
    private final Telemetry telemetry;
    private final long connectNs;
    private final Map<Address, Node> nodes = new HashMap<>();

    Remote(Config config, Ticker ticker, Engine engine) throws ConfigException {
        List<Address> addresses = config.parsedAddresses();
        boolean isHttps = addresses.get(0).isHttps();
        this.ticker = ticker;
        this.engine = engine;
        dialer = new Dialer(config, isHttps, engine);
        routes = new Routes(addresses, config.hintTrust(isHttps));
        token = new TokenKeeper(config, ticker.now());
        telemetry = config.telemetry;
        connectNs = config.connectTimeout.compareTo(Duration.ofHours(1)) > 0
                ? Duration.ofHours(1).toNanos()
                : config.connectTimeout.toNanos();
        // Loads what the first call would otherwise load while its time runs.
        nodes.put(routes.next(), dialer.node(routes.next()));
    }

    @Override
    public Call acquire(AcquireLeaseRequest request, long timeoutNs, Consumer<Answer<AcquireLeaseResponse>> then) {
        return call(QuotaServiceGrpc.getAcquireLeaseMethod(), Node::acquires, request, timeoutNs, then);
    }

    @Override
    public void settle(
            BatchSettleLeasesRequest request, long timeoutNs, Consumer<Answer<BatchSettleLeasesResponse>> then) {
        call(QuotaServiceGrpc.getBatchSettleLeasesMethod(), Node::reports, request, timeoutNs, then);
    }

    @Override
    public void signals(GetSignalsRequest request, long timeoutNs, Consumer<Answer<GetSignalsResponse>> then) {
        call(QuotaServiceGrpc.getGetSignalsMethod(), Node::reports, request, timeoutNs, then);
    }

    private <Q, R> Call call(
            MethodDescriptor<Q, R> method,
            Function<Node, ManagedChannel> connection,
            Q request,
            long timeoutNs,
            Consumer<Answer<R>> then) {
        Address to = routes.next();
        Node node = nodes.computeIfAbsent(to, dialer::node);
        node.enter();
        RemoteCall<R> call = new RemoteCall<>(connection.apply(node), (response, status, trailers, hint, cut) -> {
            node.leave();
            boolean isHinted = hint != null && routes.hinted(hint, ticker.now());
            if (response != null) {
                telemetry.called(method.getBareMethodName(), Status.Code.OK.name());
                then.accept(new Answer<>(response, null));
            } else {
                CallFailure failure = failure(to, status, trailers, cut, timeoutNs);
                telemetry.called(method.getBareMethodName(), failure.code().name());
                then.accept(new Answer<>(null, learned(failure, to, node, cut, timeoutNs, isHinted)));
            }
        });
        call.start(engine, method, request, token.authorization(ticker.now()), timeoutNs, connectNs);
        return call;
    }

    /** Returns what the status of a call says, or the end that the client put to it. */
    private static CallFailure failure(
            Address to, Status status, Metadata trailers, RemoteCall.Cut cut, long timeoutNs) {
        if (cut == null) {
            return CallFailure.of(status, trailers);
        }
        Status ended = cut == RemoteCall.Cut.NO_CONNECTION
                ? Status.UNAVAILABLE.withDescription(to + " did not accept a connection in time")
                : Status.DEADLINE_EXCEEDED.withDescription(
                        to + " did not answer within " + Duration.ofNanos(timeoutNs));
        return CallFailure.of(ended, new Metadata());
    }

    /** Learns from a failure where the next call goes, and says whether that is elsewhere. */
    private CallFailure learned(
            CallFailure failure, Address to, Node node, RemoteCall.Cut cut, long timeoutNs, boolean isHinted) {
        if (cut == RemoteCall.Cut.UNWANTED) {
            return failure;
        }
        if (failure.isTransport()) {
            // The calls that wait on a silent connection keep it; the next ones get a new one.
            boolean isSilent = cut == RemoteCall.Cut.SILENCE;
            if (cut != null && (!isSilent || timeoutNs >= SILENCE_LEAST_NS) || node.hasFailedToConnect()) {
                disconnect(to, node);
            }
            boolean isFailed = !isSilent || timeoutNs >= SILENCE_LEAST_NS;
            return failure.withRerouted(isFailed && routes.failed(to, ticker.now()));
        }
        if (failure.code() == Status.Code.UNAUTHENTICATED) {
            return failure.withRerouted(token.readAgain(ticker.now()));
        }
        return failure.withRerouted(isHinted && failure.refusal().reason() == Reason.REASON_NOT_OWNER);
    }

    private void disconnect(Address to, Node node) {
        if (nodes.remove(to, node)) {
            node.retire();
        }
    }

    @Override
    public void close() {
        nodes.values().forEach(Node::retire);
        nodes.clear();
    }
}
