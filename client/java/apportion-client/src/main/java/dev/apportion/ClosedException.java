package dev.apportion;

/** The client is closed. */
public final class ClosedException extends ApportionException {
    private static final long serialVersionUID = 1L;

    ClosedException() {
        super("the client is closed");
    }

    @Override
    ClosedException copy() {
        return new ClosedException();
    }
}
