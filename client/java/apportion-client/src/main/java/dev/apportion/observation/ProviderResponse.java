package dev.apportion.observation;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** One response of the provider, as far as readers look at it. */
public final class ProviderResponse {
    /** The most bytes of a body that are looked at. */
    public static final int BODY_MAX = 4096;

    private final int status;
    private final Map<String, String> headers = new HashMap<>();
    private final byte[] body;

    private ProviderResponse(int status, byte[] body) {
        this.status = status;
        this.body = body != null && body.length <= BODY_MAX ? body : null;
    }

    /**
     * Returns a response without its body.
     *
     * @param status the HTTP status
     * @param headers the headers by name, with their values in order
     * @return the response
     */
    public static ProviderResponse of(int status, Map<String, ? extends List<String>> headers) {
        return of(status, headers, null);
    }

    /**
     * Returns a response.
     *
     * @param status the HTTP status
     * @param headers the headers by name, with their values in order
     * @param body the body; null if it is not at hand. One longer than {@link #BODY_MAX} counts as not at hand
     * @return the response
     */
    public static ProviderResponse of(int status, Map<String, ? extends List<String>> headers, byte[] body) {
        ProviderResponse response = new ProviderResponse(status, body);
        headers.forEach((name, values) -> values.forEach(value -> response.add(name, value)));
        return response;
    }

    private void add(String name, String value) {
        headers.merge(name.toLowerCase(Locale.ROOT), stripped(value), (former, next) -> former + ", " + next);
    }

    /** Strips spaces and tabs, and nothing else. */
    private static String stripped(String value) {
        int start = 0;
        int end = value.length();
        while (start < end && isBlank(value.charAt(start))) {
            start++;
        }
        while (end > start && isBlank(value.charAt(end - 1))) {
            end--;
        }
        return value.substring(start, end);
    }

    private static boolean isBlank(char letter) {
        return letter == ' ' || letter == '\t';
    }

    /**
     * Returns the HTTP status.
     *
     * @return the status
     */
    public int status() {
        return status;
    }

    /**
     * Returns the value of a header. Those of a header that occurs repeatedly are joined by {@code ", "}.
     *
     * @param name the name, in any case
     * @return the value, if there is one
     */
    public Optional<String> header(String name) {
        return Optional.ofNullable(headers.get(name.toLowerCase(Locale.ROOT)));
    }

    /**
     * Returns the body.
     *
     * @return the bytes, if they were read
     */
    public Optional<byte[]> body() {
        return Optional.ofNullable(body).map(byte[]::clone);
    }
}
