package dev.apportion;

import java.io.IOException;

/** Says, among the failures of an HTTP client, that no permit was granted. Nothing was sent. */
public final class NoPermitException extends IOException {
    private static final long serialVersionUID = 1L;

    private final ApportionException reason;

    /**
     * Creates the failure.
     *
     * @param reason why there is no permit
     */
    public NoPermitException(ApportionException reason) {
        super("nothing was sent: " + reason.getMessage(), reason);
        this.reason = reason;
    }

    /**
     * Returns why there is no permit.
     *
     * @return the reason
     */
    public ApportionException reason() {
        return reason;
    }
}
