package dev.apportion.examples;

import java.time.Duration;
import java.time.Instant;

/** What the command line says. */
final class Options {
    private static final long SECOND_NS = 1_000_000_000;

    String apportion = "http://127.0.0.1:7420";
    String workspace = "";
    String team = "";
    String caller = "example-java";
    String provider = "http://127.0.0.1:8080/contacts";
    int workers = 1;
    long requests = 100;
    Duration duration;
    Instant startAt = Instant.EPOCH;
    boolean isJson;

    static Options parse(String[] arguments) {
        Options options = new Options();
        boolean hasRequests = false;
        for (int at = 0; at < arguments.length; at++) {
            String flag = arguments[at];
            if (flag.equals("--json")) {
                options.isJson = true;
                continue;
            }
            if (at + 1 == arguments.length) {
                throw new IllegalArgumentException(flag + " needs a value");
            }
            hasRequests |= flag.equals("--requests");
            options.set(flag, arguments[++at]);
        }
        if (options.duration != null && !hasRequests) {
            options.requests = Long.MAX_VALUE;
        }
        return options;
    }

    private void set(String flag, String value) {
        switch (flag) {
            case "--apportion" -> apportion = value;
            case "--workspace" -> workspace = value;
            case "--team" -> team = value;
            case "--caller" -> caller = value;
            case "--provider" -> provider = value;
            case "--workers" -> workers = Integer.parseInt(value);
            case "--requests" -> requests = Long.parseLong(value);
            case "--seconds" -> duration = Duration.ofNanos(ns(value));
            case "--start-at" -> startAt = Instant.ofEpochSecond(0, ns(value));
            default -> throw new IllegalArgumentException("unknown flag: " + flag);
        }
    }

    private static long ns(String seconds) {
        return (long) (Double.parseDouble(seconds) * SECOND_NS);
    }
}
