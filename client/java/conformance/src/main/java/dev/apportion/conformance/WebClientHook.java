package dev.apportion.conformance;

import apportion.conformance.v1.Header;
import apportion.conformance.v1.HttpOpen;
import apportion.conformance.v1.HttpSend;
import apportion.conformance.v1.Response;
import com.google.protobuf.ByteString;
import dev.apportion.PermitSource;
import dev.apportion.spring.PermitFilter;
import java.net.URI;
import java.time.Duration;
import org.springframework.http.HttpMethod;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.reactive.function.client.ClientResponse;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** Spring's client that does not block, on Reactor Netty. */
final class WebClientHook implements HttpHook {
    private final ConnectionProvider connections = ConnectionProvider.create("conformance", 200);
    private final WebClient client;
    private final Duration timeout;

    WebClientHook(HttpOpen open, PermitSource source) {
        HttpProtocol protocol = open.getHttp2() ? HttpProtocol.H2C : HttpProtocol.HTTP11;
        HttpClient sends = HttpClient.create(connections).protocol(protocol).disableRetry(true);
        timeout = open.hasTimeoutMs() ? Asks.ms(open.getTimeoutMs()) : null;
        client = WebClient.builder()
                .clientConnector(new ReactorClientHttpConnector(sends))
                .filter(new PermitFilter(source))
                .build();
    }

    @Override
    public Response send(HttpSend request) {
        WebClient.RequestBodySpec spec =
                client.method(HttpMethod.valueOf(request.getMethod())).uri(URI.create(request.getUrl()));
        request.getHeadersList().forEach(header -> spec.header(header.getName(), header.getValue()));
        if (request.hasBody()) {
            spec.bodyValue(request.getBody().toByteArray());
        }
        Mono<Response> response = spec.exchangeToMono(WebClientHook::message);
        return (timeout == null ? response : response.timeout(timeout)).block();
    }

    private static Mono<Response> message(ClientResponse response) {
        Response.Builder message =
                Response.newBuilder().setStatus(response.statusCode().value());
        response.headers()
                .asHttpHeaders()
                .forEach((name, values) -> values.forEach(value ->
                        message.addHeaders(Header.newBuilder().setName(name).setValue(value))));
        return response.bodyToMono(byte[].class)
                .defaultIfEmpty(new byte[0])
                .map(body -> message.setBody(ByteString.copyFrom(body)).build());
    }

    @Override
    public void close() {
        connections.dispose();
    }
}
