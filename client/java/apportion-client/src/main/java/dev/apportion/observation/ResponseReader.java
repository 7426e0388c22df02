package dev.apportion.observation;

import java.util.List;

/** Reads what responses say about limits. What it throws is logged, and the response is taken to say nothing. */
@FunctionalInterface
public interface ResponseReader {
    /**
     * Reads a response.
     *
     * @param response the response
     * @return what it says, one observation for each limit
     */
    List<Observation> read(ProviderResponse response);

    /**
     * Says whether the start of the body is wanted. It is read ahead then, so only for responses that are few.
     *
     * @param status the HTTP status
     * @return whether the body may decide what the response means; by default that of a 429
     */
    default boolean wantsBody(int status) {
        return status == 429;
    }
}
