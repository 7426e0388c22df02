package dev.apportion.spring;

import dev.apportion.ApportionException;
import dev.apportion.NoPermitException;
import dev.apportion.Permit;
import dev.apportion.PermitSource;
import dev.apportion.observation.BodyStart;
import dev.apportion.observation.ProviderResponse;
import java.net.ConnectException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.web.reactive.function.client.ClientRequest;
import org.springframework.web.reactive.function.client.ClientResponse;
import org.springframework.web.reactive.function.client.ExchangeFilterFunction;
import org.springframework.web.reactive.function.client.ExchangeFunction;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Takes a permit for each request of a {@code WebClient}, and reports what the response says. Add it last, so that filters which
 * send again pass it each time.
 *
 * <p>It is above the library that sends: let that neither follow redirects nor send again by itself
 * ({@code HttpClient.create().disableRetry(true)} of Reactor Netty), or those attempts have no permit. Without a permit the
 * request fails with {@link NoPermitException}, and nothing was sent.
 */
public final class PermitFilter implements ExchangeFilterFunction {
    private final PermitSource source;

    /**
     * Creates a filter.
     *
     * @param source where the permits come from
     */
    public PermitFilter(PermitSource source) {
        this.source = source;
    }

    @Override
    public Mono<ClientResponse> filter(ClientRequest request, ExchangeFunction next) {
        // A cancelled request cancels its wait; what arrives all the same is put back.
        return Mono.fromFuture(source::permitAsync)
                .doOnDiscard(Permit.class, Permit::putBack)
                .onErrorMap(PermitFilter::noPermit)
                .flatMap(permit -> send(request, next, permit));
    }

    private static Mono<ClientResponse> send(ClientRequest request, ExchangeFunction next, Permit permit) {
        return next.exchange(request)
                .map(response -> observed(response, permit))
                .doOnError(failed -> {
                    if (failed.getCause() instanceof ConnectException) {
                        permit.putBack();
                    }
                })
                .doFinally(end -> permit.close());
    }

    private static Throwable noPermit(Throwable failed) {
        Throwable cause = failed instanceof CompletionException ? failed.getCause() : failed;
        return cause instanceof ApportionException none ? new NoPermitException(none) : cause;
    }

    private static ClientResponse observed(ClientResponse response, Permit permit) {
        int status = response.statusCode().value();
        Map<String, List<String>> headers = Headers.of(response.headers().asHttpHeaders());
        if (!permit.wantsBody(status)) {
            permit.observe(ProviderResponse.of(status, headers));
            return response;
        }
        BodyStart start = new BodyStart(body -> permit.observe(ProviderResponse.of(status, headers, body)));
        return response.mutate().body(body -> watched(body, start)).build();
    }

    private static Flux<DataBuffer> watched(Flux<DataBuffer> body, BodyStart start) {
        return body.doOnNext(part -> {
                    try (DataBuffer.ByteBufferIterator buffers = part.readableByteBuffers()) {
                        buffers.forEachRemaining(buffer -> start.add(buffer.asReadOnlyBuffer()));
                    }
                })
                .doOnComplete(start::ended)
                .doFinally(end -> start.broken());
    }
}
