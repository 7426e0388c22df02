package dev.apportion.conformance;

import apportion.conformance.v1.Header;
import apportion.conformance.v1.HttpOpen;
import apportion.conformance.v1.HttpSend;
import apportion.conformance.v1.Response;
import com.google.protobuf.ByteString;
import dev.apportion.ConfigException;
import dev.apportion.PermitHttpClient;
import dev.apportion.PermitSource;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** The client of the JDK. */
final class JdkHook implements HttpHook {
    private final PermitHttpClient client;
    private final Duration timeout;

    JdkHook(HttpOpen open, PermitSource source) throws ConfigException {
        HttpClient.Redirect redirects =
                open.getFollowRedirects() ? HttpClient.Redirect.ALWAYS : HttpClient.Redirect.NEVER;
        HttpClient sends = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(redirects)
                .build();
        client = PermitHttpClient.of(source, sends);
        timeout = open.hasTimeoutMs() ? Asks.ms(open.getTimeoutMs()) : null;
    }

    @Override
    public Response send(HttpSend request) throws Exception {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(request.getUrl()));
        builder.method(
                request.getMethod(),
                request.hasBody()
                        ? HttpRequest.BodyPublishers.ofByteArray(
                                request.getBody().toByteArray())
                        : HttpRequest.BodyPublishers.noBody());
        request.getHeadersList().forEach(header -> builder.header(header.getName(), header.getValue()));
        if (timeout != null) {
            builder.timeout(timeout);
        }
        HttpResponse<byte[]> response = client.send(builder.build(), HttpResponse.BodyHandlers.ofByteArray());
        Response.Builder message =
                Response.newBuilder().setStatus(response.statusCode()).setBody(ByteString.copyFrom(response.body()));
        response.headers()
                .map()
                .forEach((name, values) -> values.forEach(value ->
                        message.addHeaders(Header.newBuilder().setName(name).setValue(value))));
        return message.build();
    }

    @Override
    public void close() {}
}
