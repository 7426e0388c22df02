package dev.apportion.okhttp;

import dev.apportion.NoPermitException;
import dev.apportion.PermitSource;
import okhttp3.OkHttpClient;

/**
 * The two interceptors that take a permit for each attempt of an {@link OkHttpClient}, redirects and retries included.
 *
 * <p>An interceptor of the network runs once for each attempt, but holds a connection meanwhile. So the one of the application
 * waits for the permit of the first attempt, and that of the network uses it, or takes another one. A permit that no attempt
 * used, because the answer came from a cache or nobody could be connected to, goes back.
 */
public final class PermitInterceptors {
    private PermitInterceptors() {}

    /**
     * Adds both interceptors. Add all others that send again before: each of their attempts takes a permit then, too.
     *
     * <p>A call without a permit fails with {@link NoPermitException}, and nothing was sent.
     *
     * @param source where the permits come from
     * @param client what to add them to
     * @return the same builder
     */
    public static OkHttpClient.Builder addTo(OkHttpClient.Builder client, PermitSource source) {
        return client.addInterceptor(new FirstPermit(source)).addNetworkInterceptor(new PermitForAttempt(source));
    }
}
