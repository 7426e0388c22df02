package dev.apportion.observation;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Reads the format of Intercom's headers, which many providers share: {@code X-RateLimit-Limit}, {@code X-RateLimit-Remaining},
 * {@code X-RateLimit-Reset} in Unix seconds, and {@code Retry-After} in seconds.
 *
 * <p>Headers that are absent, malformed or out of bounds are left out. Without a body, every 429 counts as a throttle. With one,
 * a 429 about a cap on jobs does not: its delay concerns jobs, and would stop all requests.
 */
public final class HeadersReader implements ResponseReader {
    private static final int TOO_MANY_REQUESTS = 429;

    /** Creates a reader. */
    public HeadersReader() {}

    @Override
    public List<Observation> read(ProviderResponse response) {
        return List.of(observation(response));
    }

    static Observation observation(ProviderResponse response) {
        boolean isJobCap = response.body().filter(HeadersReader::isAboutJobs).isPresent();
        Long resetSeconds = integer(response, "X-RateLimit-Reset", Bounds.RESET_END.getEpochSecond() - 1);
        Long retrySeconds = isJobCap ? null : integer(response, "Retry-After", Bounds.SPAN_MAX.toSeconds());
        return Observation.builder()
                .status(response.status())
                .limitPermits(integer(response, "X-RateLimit-Limit", Bounds.PERMITS_MAX))
                .remainingPermits(integer(response, "X-RateLimit-Remaining", Bounds.PERMITS_MAX))
                .resetTime(resetSeconds == null ? null : Instant.ofEpochSecond(resetSeconds))
                .throttled(response.status() == TOO_MANY_REQUESTS && !isJobCap)
                .retryAfter(retrySeconds == null ? null : Duration.ofSeconds(retrySeconds))
                .build();
    }

    private static boolean isAboutJobs(byte[] body) {
        String text = new String(body, StandardCharsets.UTF_8);
        return text.contains(" pending ") && text.contains(" jobs");
    }

    /** Returns a whole number from 0 to {@code most}; null if the header is absent, malformed or out of bounds. */
    private static Long integer(ProviderResponse response, String name, long most) {
        return response.header(name)
                .map(Numbers::integer)
                .filter(value -> value <= most)
                .orElse(null);
    }
}
