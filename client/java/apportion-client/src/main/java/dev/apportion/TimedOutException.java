package dev.apportion;

/** No permit became available in time, and the server is reachable: too many requests of this client are waiting. */
public final class TimedOutException extends ApportionException {
    private static final long serialVersionUID = 1L;

    TimedOutException() {
        super("no permit became available in time");
    }

    @Override
    TimedOutException copy() {
        return new TimedOutException();
    }
}
