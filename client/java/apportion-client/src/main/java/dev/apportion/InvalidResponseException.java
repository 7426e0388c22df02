package dev.apportion;

/** The server sent what the API does not allow. */
public final class InvalidResponseException extends ApportionException {
    private static final long serialVersionUID = 1L;

    private final String detail;

    InvalidResponseException(String detail) {
        super("the server sent an invalid response: " + detail);
        this.detail = detail;
    }

    @Override
    InvalidResponseException copy() {
        return new InvalidResponseException(detail);
    }
}
