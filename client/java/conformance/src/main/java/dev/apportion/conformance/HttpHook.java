package dev.apportion.conformance;

import apportion.conformance.v1.HttpOpen;
import apportion.conformance.v1.HttpSend;
import apportion.conformance.v1.Response;
import dev.apportion.ApportionException;
import dev.apportion.ConfigException;
import dev.apportion.NoPermitException;
import dev.apportion.PermitSource;
import java.io.InterruptedIOException;

/** An HTTP client with a hook of the library in it. */
interface HttpHook {
    /** Sends one request, and reads the response to its end. */
    Response send(HttpSend request) throws Exception;

    /** Closes the connections. */
    void close();

    static HttpHook open(HttpOpen open, PermitSource source) throws ConfigException, Answers.UnsupportedException {
        return switch (open.getHook()) {
            case "OkHttp" -> new OkHttpHook(open, source);
            case "java.net.http" -> new JdkHook(open, source);
            case "RestClient" -> new RestClientHook(open, source);
            case "WebClient" -> new WebClientHook(open, source);
            default -> throw new Answers.UnsupportedException("the Java client has no such hook");
        };
    }

    /** Returns the failure of the library, dug out of what the HTTP client wraps it in. */
    static Exception unwrapped(Exception failed) {
        for (Throwable cause = failed; cause != null; cause = cause.getCause()) {
            if (cause instanceof NoPermitException none) {
                return none.reason();
            }
            if (cause instanceof ApportionException || cause instanceof InterruptedException) {
                return (Exception) cause;
            }
            if (cause instanceof InterruptedIOException
                    && Thread.currentThread().isInterrupted()) {
                return new InterruptedException();
            }
        }
        return new Answers.HttpFailedException(failed);
    }
}
