package dev.apportion.examples;

import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;

/** What came of the requests: a line of JSON for each at once, or counts at the end. */
final class Results {
    private final boolean isJson;
    private final Map<Integer, Integer> answers = new TreeMap<>();
    private final Map<String, Integer> failures = new TreeMap<>();

    Results(boolean isJson) {
        this.isJson = isJson;
    }

    synchronized void answered(Instant issued, long tookNs, int status) {
        answers.merge(status, 1, Integer::sum);
        line(issued, tookNs, status, "");
    }

    synchronized void failed(Instant issued, long tookNs, String why) {
        failures.merge(why, 1, Integer::sum);
        line(issued, tookNs, 0, ", \"error\": \"" + escaped(why) + "\"");
    }

    private void line(Instant issued, long tookNs, int status, String error) {
        if (isJson) {
            long issuedNs = issued.getEpochSecond() * 1_000_000_000 + issued.getNano();
            System.out.println("{\"at_ns\": " + issuedNs + ", \"took_us\": " + tookNs / 1_000 + ", \"status\": "
                    + status + error + "}");
            System.out.flush();
        }
    }

    private static String escaped(String text) {
        StringBuilder escaped = new StringBuilder();
        for (int at = 0; at < text.length(); at++) {
            char letter = text.charAt(at);
            if (letter == '"' || letter == '\\') {
                escaped.append('\\').append(letter);
            } else {
                escaped.append(letter < ' ' ? ' ' : letter);
            }
        }
        return escaped.toString();
    }

    synchronized void print() {
        if (!isJson) {
            answers.forEach((status, count) -> System.out.println(count + " answers with status " + status));
            failures.forEach((why, count) -> System.out.println(count + " not sent: " + why));
        }
    }
}
