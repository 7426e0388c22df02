package dev.apportion.spring;

import dev.apportion.NoPermitException;
import dev.apportion.Permit;
import dev.apportion.PermitSource;
import dev.apportion.observation.ProviderResponse;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import org.springframework.http.HttpRequest;
import org.springframework.http.client.ClientHttpRequestExecution;
import org.springframework.http.client.ClientHttpRequestInterceptor;
import org.springframework.http.client.ClientHttpResponse;

/**
 * Takes a permit for each request of a {@code RestClient} or {@code RestTemplate}, and reports what the response says. Add it
 * last, so that interceptors which send again pass it each time.
 *
 * <p>It is above the library that sends: let that neither follow redirects nor send again by itself, or those attempts have no
 * permit. Without a permit the request fails with {@link NoPermitException}, and nothing was sent.
 */
public final class PermitInterceptor implements ClientHttpRequestInterceptor {
    private final PermitSource source;

    /**
     * Creates an interceptor.
     *
     * @param source where the permits come from
     */
    public PermitInterceptor(PermitSource source) {
        this.source = source;
    }

    @Override
    public ClientHttpResponse intercept(HttpRequest request, byte[] body, ClientHttpRequestExecution execution)
            throws IOException {
        try (Permit permit = source.permitForIo()) {
            ClientHttpResponse response = send(request, body, execution, permit);
            int status = response.getStatusCode().value();
            if (permit.wantsBody(status)) {
                PeekedResponse peeked = new PeekedResponse(response);
                permit.observe(ProviderResponse.of(status, Headers.of(response.getHeaders()), peeked.start()));
                return peeked;
            }
            permit.observe(ProviderResponse.of(status, Headers.of(response.getHeaders())));
            return response;
        }
    }

    private static ClientHttpResponse send(
            HttpRequest request, byte[] body, ClientHttpRequestExecution execution, Permit permit) throws IOException {
        try {
            return execution.execute(request, body);
        } catch (ConnectException | HttpConnectTimeoutException unsent) {
            permit.putBack();
            throw unsent;
        }
    }
}
