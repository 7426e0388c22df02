package dev.apportion.observation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.util.JsonFormat;
import dev.apportion.v1.Signals;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The cases of signals that clients in all languages share. */
class SignalsTest {
    private static final Path CASES = Path.of("../../../tests/conformance/signals");
    private static final Map<String, String> UNITS = Map.of(
            "d", "86400", "h", "3600", "m", "60", "s", "1", "ms", "0.001", "us", "0.000001", "ns", "0.000000001");

    @TestFactory
    Stream<DynamicTest> aResponseSaysWhatTheCaseStates() throws IOException {
        JsonObject presets = parse(CASES.resolve("presets.json"));
        List<DynamicTest> tests = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(CASES, "[!p]*.json")) {
            for (Path file : files) {
                JsonObject text = parse(file);
                JsonObject shared = text.has("preset")
                        ? presets.getAsJsonObject(text.get("preset").getAsString())
                        : text.getAsJsonObject("signals");
                for (JsonElement each : text.getAsJsonArray("cases")) {
                    JsonObject example = each.getAsJsonObject();
                    String name =
                            file.getFileName() + ": " + example.get("name").getAsString();
                    tests.add(DynamicTest.dynamicTest(name, () -> check(example, shared)));
                }
            }
        }
        assertTrue(tests.size() > 100, "cases are missing: " + tests.size());
        return tests.stream();
    }

    private static JsonObject parse(Path file) throws IOException {
        return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    }

    private static void check(JsonObject example, JsonObject shared) throws IOException {
        JsonObject given = example.has("signals") ? example.getAsJsonObject("signals") : shared;
        Signals.Builder signals = Signals.newBuilder();
        JsonFormat.parser().merge(given.toString(), signals);
        Interpretation read =
                SignalsInterpreter.interpret(signals.build(), response(example.getAsJsonObject("response")));
        List<Observation> expected = new ArrayList<>();
        if (example.has("observations")) {
            example.getAsJsonArray("observations").forEach(each -> expected.add(observation(each.getAsJsonObject())));
        }
        assertEquals(expected, read.observations());
        assertEquals(!example.has("uncounted"), read.isCounted());
    }

    private static ProviderResponse response(JsonObject response) {
        Map<String, List<String>> headers = new LinkedHashMap<>();
        if (response.has("headers")) {
            for (JsonElement each : response.getAsJsonArray("headers")) {
                JsonArray pair = each.getAsJsonArray();
                headers.computeIfAbsent(pair.get(0).getAsString(), name -> new ArrayList<>())
                        .add(pair.get(1).getAsString());
            }
        }
        byte[] body = response.has("body") ? response.get("body").getAsString().getBytes(StandardCharsets.UTF_8) : null;
        return ProviderResponse.of(
                response.has("status") ? response.get("status").getAsInt() : 0, headers, body);
    }

    private static Observation observation(JsonObject expected) {
        Observation.Builder observation = Observation.builder();
        for (Map.Entry<String, JsonElement> field : expected.entrySet()) {
            JsonElement value = field.getValue();
            switch (field.getKey()) {
                case "limit" -> observation.limit(value.getAsString());
                case "status" -> observation.status(value.getAsInt());
                case "limit_permits" -> observation.limitPermits(value.getAsLong());
                case "remaining_permits" -> observation.remainingPermits(value.getAsLong());
                case "reset_time" -> observation.resetTime(Instant.parse(value.getAsString()));
                case "reset_after" -> observation.resetAfter(span(value.getAsString()));
                case "reset_precision" -> observation.resetPrecision(span(value.getAsString()));
                case "throttled" -> observation.throttled(value.getAsBoolean());
                case "retry_after" -> observation.retryAfter(span(value.getAsString()));
                default -> throw new IllegalArgumentException(field.getKey());
            }
        }
        return observation.build();
    }

    private static Duration span(String text) {
        BigDecimal seconds = BigDecimal.ZERO;
        Matcher part = Pattern.compile("([0-9.]+)([a-z]+)").matcher(text);
        while (part.find()) {
            seconds = seconds.add(new BigDecimal(part.group(1)).multiply(new BigDecimal(UNITS.get(part.group(2)))));
        }
        return Duration.ofNanos(seconds.movePointRight(9).longValueExact());
    }

    @Test
    void withoutSignalsTheStandardHeadersAreReadAndTheUsualOnes() {
        assertEquals(
                List.of("10 3 false null"), counts(200, "RateLimit-Policy", "\"a\";q=10", "RateLimit", "\"a\";r=3"));
        assertEquals(
                List.of("166 9 false null"), counts(200, "X-RateLimit-Limit", "166", "X-RateLimit-Remaining", "9"));
        assertEquals(List.of("166 null true PT2S"), counts(429, "X-RateLimit-Limit", "166", "Retry-After", "2"));
        assertEquals(List.of("null null true null"), counts(429));
        assertEquals(List.of("null null false PT2S"), counts(503, "Retry-After", "2"));
        assertEquals(List.of(), counts(200));
    }

    private static List<String> counts(int status, String... headers) {
        Map<String, List<String>> byName = new LinkedHashMap<>();
        for (int at = 0; at < headers.length; at += 2) {
            byName.put(headers[at], List.of(headers[at + 1]));
        }
        return new SignalsReader()
                .read(ProviderResponse.of(status, byName)).stream()
                        .map(seen -> seen.limitPermits() + " " + seen.remainingPermits() + " " + seen.isThrottled()
                                + " " + seen.retryAfter())
                        .toList();
    }

    @Test
    void aThrottleAboutJobsIsNone() {
        byte[] body = "{\"message\": \"too many pending export jobs\"}".getBytes(StandardCharsets.UTF_8);
        ProviderResponse response = ProviderResponse.of(429, Map.of("Retry-After", List.of("9")), body);
        Observation seen = new HeadersReader().read(response).get(0);
        assertEquals(false, seen.isThrottled());
        assertEquals(null, seen.retryAfter());
    }

    @Test
    void anInterpreterNeverFails() {
        Random random = new Random(7);
        String letters = "\",;=:.-+ \t\\0179azTZ{}[]%\0\177\u00e4\ud800";
        String[] names = {"RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Reset", "Retry-After", "Date"};
        for (int round = 0; round < 3_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int left = random.nextInt(40); left > 0; left--) {
                text.append(letters.charAt(random.nextInt(letters.length())));
            }
            Map<String, List<String>> headers = Map.of(names[random.nextInt(names.length)], List.of(text.toString()));
            byte[] body = text.toString().getBytes(StandardCharsets.UTF_8);
            SignalsInterpreter.interpret(SignalsReader.standardSignals(), ProviderResponse.of(429, headers, body));
            Json.parse(body);
        }
    }
}
