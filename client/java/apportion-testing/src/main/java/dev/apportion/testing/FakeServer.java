package dev.apportion.testing;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.apportion.Config;
import dev.apportion.v1.AcquireLeaseRequest;
import dev.apportion.v1.AcquireLeaseResponse;
import dev.apportion.v1.BatchSettleLeasesRequest;
import dev.apportion.v1.BatchSettleLeasesResponse;
import dev.apportion.v1.GetSignalsRequest;
import dev.apportion.v1.GetSignalsResponse;
import dev.apportion.v1.Lease;
import dev.apportion.v1.Observation;
import dev.apportion.v1.Priority;
import dev.apportion.v1.QuotaServiceGrpc;
import dev.apportion.v1.Reason;
import dev.apportion.v1.SettleLeaseRequest;
import dev.apportion.v1.SettleOutcome;
import dev.apportion.v1.Settled;
import dev.apportion.v1.Signals;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A server that runs in the test's process, on loopback, without a store. It grants every request until it is told otherwise,
 * and remembers what came back.
 *
 * <pre>{@code
 * try (FakeServer server = FakeServer.start();
 *         Quota quota = Quota.connect(server.config())) {
 *     server.limit(10);
 *     …
 *     assertEquals(10, server.used());
 * }
 * }</pre>
 */
public final class FakeServer implements AutoCloseable {
    /** How long a lease is valid. */
    private static final int VALID_FOR_S = 10;

    private static final long STOP_S = 5;

    private final Server server;
    private final Map<String, SettleLeaseRequest> reports = new HashMap<>();
    private final List<Observation> observations = new ArrayList<>();
    private Signals signals = Signals.getDefaultInstance();
    private int signalsVersion;
    /** What is left to grant; negative if everything is granted. */
    private long left = -1;

    private StatusRuntimeException refusal;
    private int leases;
    private int granted;
    private int calls;

    private FakeServer() {
        InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        server = NettyServerBuilder.forAddress(anyPort)
                .directExecutor()
                .addService(new Service())
                .build();
    }

    /**
     * Starts a server.
     *
     * @return the server, which stops when it is closed
     */
    public static FakeServer start() {
        FakeServer started = new FakeServer();
        try {
            started.server.start();
        } catch (IOException noPort) {
            throw new UncheckedIOException(noPort);
        }
        return started;
    }

    /**
     * Returns where the server listens.
     *
     * @return its URL
     */
    public String address() {
        return "http://127.0.0.1:" + server.getPort();
    }

    /**
     * Returns a configuration for clients of this server.
     *
     * @return a new configuration
     */
    public Config config() {
        return new Config(address());
    }

    /**
     * Grants so many permits from now on, returned ones included, and refuses further requests with {@code WINDOW_EXHAUSTED}.
     *
     * @param permits how many
     */
    public synchronized void limit(int permits) {
        left = permits;
        refusal = null;
    }

    /**
     * Refuses every request from now on.
     *
     * @param reason why
     * @param retryAfter when to retry; null if that does not help
     */
    public synchronized void refuse(Reason reason, Duration retryAfter) {
        refusal = refusal(reason, retryAfter);
    }

    /**
     * Has these signals from now on.
     *
     * @param what what responses of the provider mean
     */
    public synchronized void signals(Signals what) {
        signals = what;
        signalsVersion++;
    }

    /**
     * Returns the permits that were granted since the start.
     *
     * @return how many
     */
    public synchronized int granted() {
        return granted;
    }

    /**
     * Returns the permits that were reported as used.
     *
     * @return how many
     */
    public synchronized int used() {
        return reports.values().stream()
                .mapToInt(SettleLeaseRequest::getUsedPermits)
                .sum();
    }

    /**
     * Returns the permits that came back.
     *
     * @return how many
     */
    public synchronized int returned() {
        return reports.values().stream()
                .mapToInt(SettleLeaseRequest::getReturnedPermits)
                .sum();
    }

    /**
     * Returns the calls that clients have made.
     *
     * @return how many
     */
    public synchronized int calls() {
        return calls;
    }

    /**
     * Returns what was reported of responses.
     *
     * @return all observations in order
     */
    public synchronized List<Observation> observations() {
        return List.copyOf(observations);
    }

    /** Stops the server. */
    @Override
    public void close() {
        server.shutdownNow();
        try {
            server.awaitTermination(STOP_S, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void called() {
        calls++;
    }

    private synchronized Lease grant(AcquireLeaseRequest request) {
        if (refusal != null) {
            throw refusal;
        }
        int permits = request.hasPermits() ? request.getPermits() : 1;
        int least = request.getMinPermits() == 0 ? permits : request.getMinPermits();
        if (left >= 0) {
            if (left < least) {
                throw refusal(Reason.REASON_WINDOW_EXHAUSTED, Duration.ofSeconds(1));
            }
            permits = (int) Math.min(permits, left);
            left -= permits;
        }
        leases++;
        granted += permits;
        boolean isUnset = request.getPriority() == Priority.PRIORITY_UNSPECIFIED;
        return Lease.newBuilder()
                .setLeaseId("lease-" + leases)
                .setPermits(permits)
                .setPriority(isUnset ? Priority.PRIORITY_DEFAULT : request.getPriority())
                .setValidFor(com.google.protobuf.Duration.newBuilder().setSeconds(VALID_FOR_S))
                .setSignalsVersion(signalsVersion)
                .build();
    }

    private synchronized SettleOutcome settle(SettleLeaseRequest report) {
        SettleLeaseRequest former = reports.put(report.getLeaseId(), report);
        int back = report.getReturnedPermits() - (former == null ? 0 : former.getReturnedPermits());
        left += left >= 0 ? back : 0;
        observations.addAll(report.getObservationsList());
        return SettleOutcome.newBuilder()
                .setSettled(Settled.newBuilder()
                        .setReturnedPermits(report.getReturnedPermits())
                        .setAcceptedPermits(back)
                        .setOpen(!report.getIsFinal()))
                .build();
    }

    private synchronized GetSignalsResponse signals() {
        return GetSignalsResponse.newBuilder()
                .setSignals(signals)
                .setSignalsVersion(signalsVersion)
                .build();
    }

    private static StatusRuntimeException refusal(Reason reason, Duration retryAfter) {
        com.google.rpc.Status.Builder status = com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.RESOURCE_EXHAUSTED.value())
                .setMessage("the test says so")
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setReason(reason.name().substring("REASON_".length()))
                        .setDomain("apportion.dev")
                        .build()));
        if (retryAfter != null) {
            status.addDetails(Any.pack(RetryInfo.newBuilder()
                    .setRetryDelay(com.google.protobuf.Duration.newBuilder()
                            .setSeconds(retryAfter.getSeconds())
                            .setNanos(retryAfter.getNano()))
                    .build()));
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }

    /** The calls of the API. */
    private final class Service extends QuotaServiceGrpc.QuotaServiceImplBase {
        @Override
        public void acquireLease(AcquireLeaseRequest request, StreamObserver<AcquireLeaseResponse> response) {
            called();
            if (((ServerCallStreamObserver<?>) response).isCancelled()) {
                return; // the client withdrew the request
            }
            try {
                response.onNext(AcquireLeaseResponse.newBuilder()
                        .setLease(grant(request))
                        .build());
                response.onCompleted();
            } catch (StatusRuntimeException refused) {
                response.onError(refused);
            }
        }

        @Override
        public void batchSettleLeases(
                BatchSettleLeasesRequest request, StreamObserver<BatchSettleLeasesResponse> response) {
            called();
            BatchSettleLeasesResponse.Builder outcomes = BatchSettleLeasesResponse.newBuilder();
            request.getRequestsList().forEach(report -> outcomes.addOutcomes(settle(report)));
            response.onNext(outcomes.build());
            response.onCompleted();
        }

        @Override
        public void getSignals(GetSignalsRequest request, StreamObserver<GetSignalsResponse> response) {
            called();
            response.onNext(signals());
            response.onCompleted();
        }
    }
}
