package dev.apportion;

/** Says why there is no permit. The subclasses say what to do about it. */
public abstract sealed class ApportionException extends Exception
        permits RefusedException,
                UnreachableException,
                TimedOutException,
                ClosedException,
                InvalidResponseException,
                ConfigException {
    private static final long serialVersionUID = 1L;

    ApportionException(String message) {
        super(message);
    }

    /** Returns the same failure with the stack of this thread: one failure may be that of many callers. */
    abstract ApportionException copy();
}
