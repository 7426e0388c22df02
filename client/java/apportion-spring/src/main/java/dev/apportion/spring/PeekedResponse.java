package dev.apportion.spring;

import dev.apportion.observation.ProviderResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.client.ClientHttpResponse;

/** A response whose body was read ahead. */
final class PeekedResponse implements ClientHttpResponse {
    private final ClientHttpResponse response;
    private final byte[] start;
    private final InputStream body;

    PeekedResponse(ClientHttpResponse response) throws IOException {
        this.response = response;
        InputStream rest = response.getBody();
        start = rest.readNBytes(ProviderResponse.BODY_MAX + 1);
        body = new SequenceInputStream(new ByteArrayInputStream(start), rest);
    }

    byte[] start() {
        return start;
    }

    @Override
    public InputStream getBody() {
        return body;
    }

    @Override
    public HttpHeaders getHeaders() {
        return response.getHeaders();
    }

    @Override
    public HttpStatusCode getStatusCode() throws IOException {
        return response.getStatusCode();
    }

    @Override
    public String getStatusText() throws IOException {
        return response.getStatusText();
    }

    @Override
    public void close() {
        response.close();
    }
}
