package dev.apportion;

import dev.apportion.v1.Reason;
import java.time.Duration;
import java.util.Optional;

/** The server refused a request. */
public final class RefusedException extends ApportionException {
    private static final long serialVersionUID = 1L;

    private final String reasonName;
    private final String detail;
    private final Duration retryAfter;

    RefusedException(String reasonName, String detail, Duration retryAfter) {
        super("refused (" + (reasonName.isEmpty() ? "no reason given" : reasonName) + "): " + detail);
        this.reasonName = reasonName;
        this.detail = detail;
        this.retryAfter = retryAfter;
    }

    /**
     * Returns the reason.
     *
     * @return the reason; {@code REASON_UNSPECIFIED} if it is newer than this client
     */
    public Reason reason() {
        var descriptor = Reason.getDescriptor().findValueByName("REASON_" + reasonName);
        return descriptor == null ? Reason.REASON_UNSPECIFIED : Reason.valueOf(descriptor);
    }

    /**
     * Returns the reason as the server named it.
     *
     * @return a name such as {@code WINDOW_EXHAUSTED}; empty if the server gave none
     */
    public String reasonName() {
        return reasonName;
    }

    /**
     * Returns how long to wait before retrying.
     *
     * @return the delay; empty if a retry cannot succeed under the current policy
     */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfter);
    }

    @Override
    RefusedException copy() {
        return new RefusedException(reasonName, detail, retryAfter);
    }
}
