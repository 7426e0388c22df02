package dev.apportion.observation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** One response of the provider, as far as readers look at it. */
public final class ProviderResponse {
    /** The most bytes of a body that are looked at. */
    public static final int BODY_MAX = 4096;

    private final int status;
    /** Returns the values of a header by its name in lower case; null or none if it is absent. */
    private final Function<String, ? extends List<String>> headers;

    private final byte[] body;

    private ProviderResponse(int status, Function<String, ? extends List<String>> headers, byte[] body) {
        this.status = status;
        this.headers = headers;
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
        Map<String, List<String>> byName = new HashMap<>();
        headers.forEach(
                (name, values) -> byName.computeIfAbsent(name.toLowerCase(Locale.ROOT), none -> new ArrayList<>())
                        .addAll(values));
        return looking(status, byName::get, body);
    }

    /**
     * Returns a response whose headers are looked up only as far as they are read: cheaper than a copy of all.
     *
     * @param status the HTTP status
     * @param headers returns the values of a header in order, and none or null if it is absent. It is given names in lower case
     * @param body the body; null if it is not at hand. One longer than {@link #BODY_MAX} counts as not at hand
     * @return the response
     */
    public static ProviderResponse looking(int status, Function<String, ? extends List<String>> headers, byte[] body) {
        return new ProviderResponse(status, headers, body);
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
        List<String> values = headers.apply(name.toLowerCase(Locale.ROOT));
        if (values == null || values.isEmpty()) {
            return Optional.empty();
        }
        if (values.size() == 1) {
            return Optional.of(stripped(values.get(0)));
        }
        return Optional.of(values.stream().map(ProviderResponse::stripped).collect(Collectors.joining(", ")));
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
