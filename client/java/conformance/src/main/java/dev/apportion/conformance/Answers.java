package dev.apportion.conformance;

import apportion.conformance.v1.Done;
import apportion.conformance.v1.DriverResponse;
import apportion.conformance.v1.Failure;
import apportion.conformance.v1.Grant;
import dev.apportion.ApportionException;
import dev.apportion.ClosedException;
import dev.apportion.ConfigException;
import dev.apportion.InvalidResponseException;
import dev.apportion.RefusedException;
import dev.apportion.TimedOutException;
import dev.apportion.UnreachableException;
import java.util.concurrent.CancellationException;

/** Answers, and failures of the library as they are told. */
final class Answers {
    private Answers() {}

    /** Says that the driver or the library cannot do something. */
    static final class UnsupportedException extends Exception {
        private static final long serialVersionUID = 1L;

        UnsupportedException(String what) {
            super(what);
        }
    }

    /** Says that an HTTP request failed with a permit. */
    static final class HttpFailedException extends Exception {
        private static final long serialVersionUID = 1L;

        HttpFailedException(Throwable cause) {
            super(cause);
        }
    }

    static DriverResponse.Builder done() {
        return DriverResponse.newBuilder().setDone(Done.getDefaultInstance());
    }

    static DriverResponse.Builder granted(Grant.Builder grant) {
        return DriverResponse.newBuilder().setGrant(grant);
    }

    static DriverResponse.Builder failed(Throwable failed) {
        Failure.Builder failure = Failure.newBuilder()
                .setKind(kind(failed))
                .setMessage(String.valueOf(failed.getMessage()))
                .setType(failed.getClass().getName());
        if (failed instanceof RefusedException refused) {
            failure.setReason(refused.reasonName());
            refused.retryAfter().ifPresent(after -> failure.setRetryAfterMs(after.toMillis()));
        }
        return DriverResponse.newBuilder().setFailure(failure);
    }

    private static Failure.Kind kind(Throwable failed) {
        if (failed instanceof ApportionException known) {
            return kindOf(known);
        }
        if (failed instanceof InterruptedException || failed instanceof CancellationException) {
            return Failure.Kind.KIND_CANCELLED;
        }
        if (failed instanceof UnsupportedException) {
            return Failure.Kind.KIND_UNSUPPORTED;
        }
        return failed instanceof HttpFailedException ? Failure.Kind.KIND_HTTP : Failure.Kind.KIND_OTHER;
    }

    private static Failure.Kind kindOf(ApportionException failed) {
        if (failed instanceof RefusedException) {
            return Failure.Kind.KIND_REFUSED;
        } else if (failed instanceof UnreachableException) {
            return Failure.Kind.KIND_UNREACHABLE;
        } else if (failed instanceof TimedOutException) {
            return Failure.Kind.KIND_TIMED_OUT;
        } else if (failed instanceof ClosedException) {
            return Failure.Kind.KIND_CLOSED;
        } else if (failed instanceof InvalidResponseException) {
            return Failure.Kind.KIND_INVALID_RESPONSE;
        } else if (failed instanceof ConfigException) {
            return Failure.Kind.KIND_CONFIG;
        }
        return Failure.Kind.KIND_OTHER;
    }
}
