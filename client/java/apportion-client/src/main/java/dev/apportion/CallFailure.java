package dev.apportion;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.apportion.v1.Reason;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;

/**
 * Why a call failed, and what that means for the next attempt.
 *
 * @param kind what it means
 * @param code the status
 * @param refusal what the server said
 * @param isTransport whether the status is not the server's: a broken connection, no answer in time, or a proxy in between
 * @param isRerouted whether the same call goes elsewhere, or with another token, when it is repeated: it need not be delayed
 */
record CallFailure(Kind kind, Status.Code code, RefusedException refusal, boolean isTransport, boolean isRerouted) {
    private static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    /** What a failure means. */
    enum Kind {
        /** The server is unreachable or cannot serve now. */
        UNAVAILABLE,
        /** The lease that an earlier attempt was granted has ended: repeat with a new request id. */
        LEASE_ENDED,
        /** The request is refused and not repeated. */
        REFUSED,
    }

    /** Reads what a status says. */
    static CallFailure of(Status status, Metadata trailers) {
        String name = null;
        Duration retryAfter = null;
        try {
            for (Any detail : details(trailers).getDetailsList()) {
                if (detail.is(ErrorInfo.class)) {
                    name = detail.unpack(ErrorInfo.class).getReason();
                } else if (detail.is(RetryInfo.class)) {
                    RetryInfo retry = detail.unpack(RetryInfo.class);
                    retryAfter = Duration.ofNanos(Math.max(Wire.ns(retry.getRetryDelay()), 0));
                }
            }
        } catch (InvalidProtocolBufferException nonsense) {
            // What can be read of the details counts.
        }
        String message = status.getDescription() == null ? status.getCode().toString() : status.getDescription();
        RefusedException refusal = new RefusedException(name == null ? "" : name, message, retryAfter);
        boolean isUnavailable =
                status.getCode() == Status.Code.UNAVAILABLE || name == null && isOfTransport(status.getCode());
        Kind kind = isUnavailable
                ? Kind.UNAVAILABLE
                : refusal.reason() == Reason.REASON_LEASE_ENDED ? Kind.LEASE_ENDED : Kind.REFUSED;
        return new CallFailure(kind, status.getCode(), refusal, isUnavailable && name == null, false);
    }

    private static com.google.rpc.Status details(Metadata trailers) throws InvalidProtocolBufferException {
        byte[] bytes = trailers.get(DETAILS);
        return bytes == null ? com.google.rpc.Status.getDefaultInstance() : com.google.rpc.Status.parseFrom(bytes);
    }

    private static boolean isOfTransport(Status.Code code) {
        return switch (code) {
            case UNKNOWN, INTERNAL, CANCELLED, DEADLINE_EXCEEDED -> true;
            default -> false;
        };
    }

    CallFailure withRerouted(boolean is) {
        return new CallFailure(kind, code, refusal, isTransport, is);
    }

    /** Returns how long to wait before the call is repeated, at least. */
    long retryAfterNs() {
        return refusal.retryAfter().map(Duration::toNanos).orElse(0L);
    }
}
