package dev.apportion;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** One call to one node, with a deadline that covers connecting and waiting for a stream. Used by the engine's thread alone. */
final class RemoteCall<R> extends ClientCall.Listener<R> implements LeaseService.Call {
    /** How much later the deadline is that the call itself carries, so that it is not taken for an answer. */
    private static final long HEADER_MARGIN_NS = 100_000_000;
    /** The key of the response metadata that names the node that serves the workspace. */
    private static final Metadata.Key<String> OWNER =
            Metadata.Key.of("apportion-owner", Metadata.ASCII_STRING_MARSHALLER);

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final ManagedChannel channel;
    private final Ended<R> ended;
    private ClientCall<?, R> call;
    private Future<?> deadline;
    private Future<?> connecting;
    private R response;
    private String hint;
    /** Why the client ended the call; null if it did not. */
    private Cut cut;

    /** Why the client ended a call. */
    enum Cut {
        /** There was no answer in time. */
        SILENCE,
        /** There was no connection in time. */
        NO_CONNECTION,
        /** Nobody wants the answer. */
        UNWANTED,
    }

    /** Receives what came of a call. */
    @FunctionalInterface
    interface Ended<R> {
        /**
         * Receives what came of a call.
         *
         * @param response the response; null if there is none
         * @param status why there is none
         * @param trailers what came with the status
         * @param hint the node that was named; null if none was
         * @param cut why the client ended the call; null if it did not
         */
        void accept(R response, Status status, Metadata trailers, String hint, Cut cut);
    }

    RemoteCall(ManagedChannel channel, Ended<R> ended) {
        this.channel = channel;
        this.ended = ended;
    }

    <Q> void start(
            Engine engine,
            MethodDescriptor<Q, R> method,
            Q request,
            String authorization,
            long timeoutNs,
            long connectNs) {
        CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(timeoutNs + HEADER_MARGIN_NS, TimeUnit.NANOSECONDS);
        ClientCall<Q, R> started = channel.newCall(method, options);
        call = started;
        Metadata headers = new Metadata();
        if (authorization != null) {
            headers.put(AUTHORIZATION, authorization);
        }
        started.start(this, headers);
        started.sendMessage(request);
        started.halfClose();
        started.request(2);
        deadline = engine.after(timeoutNs, () -> cut(Cut.SILENCE));
        // The library itself limits how long it takes to reach a port, but not how long a greeting may take.
        if (connectNs < timeoutNs && channel.getState(false) != ConnectivityState.READY) {
            connecting = engine.after(connectNs, this::cutUnlessConnected);
        }
    }

    private void cutUnlessConnected() {
        if (channel.getState(false) != ConnectivityState.READY) {
            cut(Cut.NO_CONNECTION);
        }
    }

    @Override
    public void cancel() {
        cut(Cut.UNWANTED);
    }

    private void cut(Cut why) {
        if (cut == null) {
            cut = why;
            call.cancel("the client ended the call: " + why, null);
        }
    }

    @Override
    public void onHeaders(Metadata headers) {
        named(headers);
    }

    @Override
    public void onMessage(R message) {
        response = message;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        deadline.cancel(false);
        if (connecting != null) {
            connecting.cancel(false);
        }
        named(trailers);
        // A response that came together with the end of the wait counts.
        boolean isAnswered = response != null && (status.isOk() || cut != null);
        Status failed = status.isOk() ? Status.INTERNAL.withDescription("the answer is empty") : status;
        ended.accept(isAnswered ? response : null, failed, trailers, hint, isAnswered ? null : cut);
    }

    private void named(Metadata metadata) {
        String named = metadata.get(OWNER);
        hint = named == null ? hint : named;
    }
}
