package dev.apportion.okhttp;

import dev.apportion.Permit;
import dev.apportion.PermitSource;
import dev.apportion.observation.ProviderResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import okhttp3.Interceptor;
import okhttp3.Response;

/** Uses a permit for each attempt, and reports what the response says. */
final class PermitForAttempt implements Interceptor {
    private final PermitSource source;

    PermitForAttempt(PermitSource source) {
        this.source = source;
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        HeldPermit held = chain.request().tag(HeldPermit.class);
        Permit first = held == null ? null : held.take();
        try (Permit permit = first == null ? CallPermits.wait(source, chain.call()) : first) {
            Response response = chain.proceed(chain.request());
            byte[] body = permit.wantsBody(response.code()) ? startOfBody(response) : null;
            permit.observe(ProviderResponse.looking(response.code(), response.headers()::values, body));
            return response;
        }
    }

    /** Returns the body as far as it is looked at; null if it cannot be read. */
    private static byte[] startOfBody(Response response) {
        try {
            byte[] raw = response.peekBody(ProviderResponse.BODY_MAX + 1L).bytes();
            if (!"gzip".equalsIgnoreCase(response.header("Content-Encoding"))) {
                return raw;
            }
            try (InputStream unpacked = new GZIPInputStream(new ByteArrayInputStream(raw))) {
                return unpacked.readNBytes(ProviderResponse.BODY_MAX + 1);
            }
        } catch (IOException unreadable) {
            return null; // whoever reads the body will see why
        }
    }
}
