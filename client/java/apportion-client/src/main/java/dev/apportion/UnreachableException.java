package dev.apportion;

/** The server could not be reached in time. */
public final class UnreachableException extends ApportionException {
    private static final long serialVersionUID = 1L;

    private final String detail;

    UnreachableException(String detail) {
        super("the server cannot be reached: " + detail);
        this.detail = detail;
    }

    @Override
    UnreachableException copy() {
        return new UnreachableException(detail);
    }
}
