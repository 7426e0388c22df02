package dev.apportion.conformance;

import apportion.conformance.v1.Header;
import apportion.conformance.v1.HttpOpen;
import apportion.conformance.v1.HttpSend;
import apportion.conformance.v1.Response;
import com.google.protobuf.ByteString;
import dev.apportion.PermitSource;
import dev.apportion.spring.PermitInterceptor;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import org.springframework.http.HttpMethod;
import org.springframework.http.client.ClientHttpResponse;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.web.client.RestClient;

/** Spring's client that blocks, on that of the JDK. */
final class RestClientHook implements HttpHook {
    private final RestClient client;

    RestClientHook(HttpOpen open, PermitSource source) {
        JdkClientHttpRequestFactory factory = new JdkClientHttpRequestFactory(HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .build());
        if (open.hasTimeoutMs()) {
            factory.setReadTimeout(Asks.ms(open.getTimeoutMs()));
        }
        client = RestClient.builder()
                .requestFactory(factory)
                .requestInterceptor(new PermitInterceptor(source))
                .build();
    }

    @Override
    public Response send(HttpSend request) {
        RestClient.RequestBodySpec spec =
                client.method(HttpMethod.valueOf(request.getMethod())).uri(URI.create(request.getUrl()));
        request.getHeadersList().forEach(header -> spec.header(header.getName(), header.getValue()));
        if (request.hasBody()) {
            spec.body(request.getBody().toByteArray());
        }
        return spec.exchange((sent, response) -> message(response));
    }

    private static Response message(ClientHttpResponse response) throws IOException {
        Response.Builder message = Response.newBuilder()
                .setStatus(response.getStatusCode().value())
                .setBody(ByteString.copyFrom(response.getBody().readAllBytes()));
        response.getHeaders()
                .forEach((name, values) -> values.forEach(value ->
                        message.addHeaders(Header.newBuilder().setName(name).setValue(value))));
        return message.build();
    }

    @Override
    public void close() {}
}
