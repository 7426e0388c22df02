package dev.apportion;

import dev.apportion.observation.ProviderResponse;
import java.io.IOException;
import java.net.Authenticator;
import java.net.ConnectException;
import java.net.CookieHandler;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;

/**
 * A {@link HttpClient} that waits for a permit before each request, and reports what the response says.
 *
 * <p>It cannot be exact by itself: the client of the JDK has no hook for an attempt, and silently sends a request again whose
 * connection broke before an answer. Start the JVM with {@code -Djdk.httpclient.redirects.retrylimit=1} to stop that (it also
 * stops redirects, in the whole JVM), or use OkHttp. A client that follows redirects or authenticates by itself is refused,
 * because each of its further attempts would be sent without a permit.
 */
public final class PermitHttpClient extends HttpClient {
    private final PermitSource source;
    private final HttpClient client;

    private PermitHttpClient(PermitSource source, HttpClient client) {
        this.source = source;
        this.client = client;
    }

    /**
     * Returns a client that takes a permit for each request.
     *
     * @param source where the permits come from
     * @param client what sends the requests
     * @return the client
     * @throws ConfigException if the client follows redirects, or has an authenticator
     */
    public static PermitHttpClient of(PermitSource source, HttpClient client) throws ConfigException {
        if (client.followRedirects() != Redirect.NEVER) {
            throw new ConfigException("followRedirects", "each redirect would be sent without a permit; set NEVER");
        }
        if (client.authenticator().isPresent()) {
            throw new ConfigException("authenticator", "its attempts would be sent without a permit; set the header");
        }
        return new PermitHttpClient(source, client);
    }

    /**
     * Sends a request, once there is a permit for it. The timeout of the request includes the wait for the permit.
     *
     * @throws NoPermitException if no permit was granted; nothing was sent then
     */
    @Override
    public <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler)
            throws IOException, InterruptedException {
        long start = System.nanoTime();
        Permit permit = permit(request);
        try {
            return client.send(withTimeLeft(request, start), new ObservingHandler<>(permit, handler));
        } catch (IOException failed) {
            leave(permit, failed);
            throw failed;
        } finally {
            permit.close();
        }
    }

    private Permit permit(HttpRequest request) throws IOException, InterruptedException {
        CompletableFuture<Permit> waiting = source.permitAsync();
        try {
            return request.timeout().isEmpty()
                    ? waiting.get()
                    : waiting.get(request.timeout().get().toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException failed) {
            throw noPermit(failed.getCause());
        } catch (TimeoutException late) {
            cancel(waiting);
            throw new HttpTimeoutException("request timed out while it waited for a permit");
        } catch (InterruptedException interrupted) {
            cancel(waiting);
            throw interrupted;
        }
    }

    private static void cancel(CompletableFuture<Permit> waiting) {
        if (!waiting.cancel(false) && !waiting.isCompletedExceptionally()) {
            waiting.join().putBack();
        }
    }

    private static IOException noPermit(Throwable failed) {
        return failed instanceof ApportionException none ? new NoPermitException(none) : new IOException(failed);
    }

    /** Leaves less time to a request that waited. */
    private static HttpRequest withTimeLeft(HttpRequest request, long start) throws HttpTimeoutException {
        if (request.timeout().isEmpty()) {
            return request;
        }
        Duration left = request.timeout().get().minusNanos(System.nanoTime() - start);
        if (left.isNegative() || left.isZero()) {
            throw new HttpTimeoutException("request timed out while it waited for a permit");
        }
        return HttpRequest.newBuilder(request, (name, value) -> true)
                .timeout(left)
                .build();
    }

    /** Puts the permit back of a request that certainly was not sent. */
    private static void leave(Permit permit, Throwable failed) {
        if (failed instanceof ConnectException || failed instanceof HttpConnectTimeoutException) {
            permit.putBack();
        }
        permit.close();
    }

    @Override
    public <T> CompletableFuture<HttpResponse<T>> sendAsync(HttpRequest request, HttpResponse.BodyHandler<T> handler) {
        return sendAsync(request, handler, null);
    }

    @Override
    public <T> CompletableFuture<HttpResponse<T>> sendAsync(
            HttpRequest request, HttpResponse.BodyHandler<T> handler, HttpResponse.PushPromiseHandler<T> pushes) {
        long start = System.nanoTime();
        CompletableFuture<HttpResponse<T>> result = new CompletableFuture<>();
        CompletableFuture<Permit> waiting = source.permitAsync();
        request.timeout().ifPresent(longest -> waiting.orTimeout(longest.toNanos(), TimeUnit.NANOSECONDS));
        cancelWith(result, waiting);
        waiting.whenComplete((permit, failed) -> {
            if (failed instanceof TimeoutException) {
                result.completeExceptionally(
                        new HttpTimeoutException("request timed out while it waited for a permit"));
            } else if (failed != null) {
                result.completeExceptionally(noPermit(failed));
            } else if (result.isDone()) {
                permit.putBack();
            } else {
                sendAsync(request, start, handler, pushes, permit, result);
            }
        });
        return result;
    }

    private <T> void sendAsync(
            HttpRequest request,
            long start,
            HttpResponse.BodyHandler<T> handler,
            HttpResponse.PushPromiseHandler<T> pushes,
            Permit permit,
            CompletableFuture<HttpResponse<T>> result) {
        CompletableFuture<HttpResponse<T>> sent;
        try {
            sent = client.sendAsync(withTimeLeft(request, start), new ObservingHandler<>(permit, handler), pushes);
        } catch (HttpTimeoutException | RuntimeException unsent) {
            permit.putBack();
            result.completeExceptionally(unsent);
            return;
        }
        cancelWith(result, sent);
        sent.whenComplete((response, failed) -> {
            leave(permit, failed instanceof CompletionException ? failed.getCause() : failed);
            if (failed == null) {
                result.complete(response);
            } else {
                result.completeExceptionally(failed);
            }
        });
    }

    private static void cancelWith(CompletableFuture<?> result, CompletableFuture<?> part) {
        result.whenComplete((value, failed) -> {
            if (result.isCancelled()) {
                part.cancel(true);
            }
        });
    }

    @Override
    public Optional<CookieHandler> cookieHandler() {
        return client.cookieHandler();
    }

    @Override
    public Optional<Duration> connectTimeout() {
        return client.connectTimeout();
    }

    @Override
    public Redirect followRedirects() {
        return client.followRedirects();
    }

    @Override
    public Optional<ProxySelector> proxy() {
        return client.proxy();
    }

    @Override
    public SSLContext sslContext() {
        return client.sslContext();
    }

    @Override
    public SSLParameters sslParameters() {
        return client.sslParameters();
    }

    @Override
    public Optional<Authenticator> authenticator() {
        return client.authenticator();
    }

    @Override
    public Version version() {
        return client.version();
    }

    @Override
    public Optional<Executor> executor() {
        return client.executor();
    }

    /** Reports what the response says: at its start, or once its body is known, where that decides. */
    private record ObservingHandler<T>(Permit permit, HttpResponse.BodyHandler<T> handler)
            implements HttpResponse.BodyHandler<T> {
        @Override
        public HttpResponse.BodySubscriber<T> apply(HttpResponse.ResponseInfo response) {
            int status = response.statusCode();
            HttpHeaders headers = response.headers();
            HttpResponse.BodySubscriber<T> subscriber = handler.apply(response);
            if (!permit.wantsBody(status)) {
                permit.observe(ProviderResponse.of(status, headers.map()));
                return subscriber;
            }
            return new PeekingSubscriber<>(
                    subscriber, body -> permit.observe(ProviderResponse.of(status, headers.map(), body)));
        }
    }
}
