package dev.apportion.observation;

import dev.apportion.v1.TimeForm;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Instants and durations as responses write them. What cannot be read, or is out of range, is null. */
final class Times {
    private static final long MS = 1_000_000;
    private static final long SECOND = 1_000 * MS;
    private static final BigInteger SECONDS = BigInteger.valueOf(SECOND);
    private static final List<String> UNITS = List.of("d", "h", "m", "s", "ms", "us");
    private static final List<Long> UNITS_NS =
            List.of(86_400 * SECOND, 3_600 * SECOND, 60 * SECOND, SECOND, MS, MS / 1_000);
    private static final Pattern PART = Pattern.compile("([0-9.]+)(ms|us|d|h|m|s)");
    private static final Pattern RFC_3339 =
            Pattern.compile("([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})"
                    + "(?:\\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))");
    private static final Pattern HTTP_DATE = Pattern.compile("(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) "
            + "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT");
    private static final String MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
    private static final int NANO_DIGITS = 9;

    private Times() {}

    /**
     * A time that was read: one of the two.
     *
     * @param instant an instant
     * @param span a duration
     */
    record Time(Instant instant, Duration span) {}

    static Time read(String text, TimeForm form) {
        return switch (form) {
            case TIME_FORM_UNIX_SECONDS -> instant(toInstant(Numbers.scaled(text, SECOND)));
            case TIME_FORM_UNIX_MILLISECONDS -> instant(toInstant(milliseconds(text)));
            case TIME_FORM_RFC_3339 -> instant(rfc3339(text));
            case TIME_FORM_HTTP_DATE -> instant(httpDate(text));
            case TIME_FORM_SECONDS -> span(Numbers.scaled(text, SECOND));
            case TIME_FORM_MILLISECONDS -> span(milliseconds(text));
            case TIME_FORM_DURATION -> span(duration(text));
            case TIME_FORM_UNSPECIFIED, UNRECOGNIZED -> null;
        };
    }

    /** Returns an HTTP date. */
    static Instant httpDate(String text) {
        Matcher date = HTTP_DATE.matcher(text);
        if (!date.matches()) {
            return null;
        }
        int month = MONTHS.indexOf(date.group(2)) / 3 + 1;
        return instant(number(date, 3), month, number(date, 1), number(date, 4), number(date, 5), number(date, 6), 0);
    }

    private static Time instant(Instant instant) {
        return instant != null && Bounds.isReset(instant) ? new Time(instant, null) : null;
    }

    private static Time span(BigInteger ns) {
        if (ns == null || ns.compareTo(BigInteger.valueOf(Bounds.SPAN_MAX.toNanos())) > 0) {
            return null;
        }
        return new Time(null, Duration.ofNanos(ns.longValueExact()));
    }

    private static Instant toInstant(BigInteger ns) {
        if (ns == null) {
            return null;
        }
        BigInteger[] parts = ns.divideAndRemainder(SECONDS);
        long seconds = parts[0].longValueExact();
        return seconds > Bounds.RESET_END.getEpochSecond()
                ? null
                : Instant.ofEpochSecond(seconds, parts[1].longValueExact());
    }

    private static BigInteger milliseconds(String text) {
        Long count = Numbers.integer(text);
        return count == null ? null : BigInteger.valueOf(count).multiply(BigInteger.valueOf(MS));
    }

    private static BigInteger duration(String text) {
        BigInteger total = BigInteger.ZERO;
        int former = -1;
        Matcher part = PART.matcher(text);
        int at = 0;
        while (at < text.length()) {
            if (!part.region(at, text.length()).lookingAt()) {
                return null;
            }
            int unit = UNITS.indexOf(part.group(2));
            BigInteger ns = Numbers.scaled(part.group(1), UNITS_NS.get(unit));
            if (unit <= former || ns == null) {
                return null;
            }
            former = unit;
            total = total.add(ns);
            at = part.end();
        }
        return former < 0 ? null : total;
    }

    private static Instant rfc3339(String text) {
        Matcher date = RFC_3339.matcher(text);
        if (!date.matches()) {
            return null;
        }
        String fraction = date.group(7) == null ? "" : date.group(7);
        String nanos = (fraction + "0".repeat(NANO_DIGITS)).substring(0, NANO_DIGITS);
        Instant local = instant(
                number(date, 1),
                number(date, 2),
                number(date, 3),
                number(date, 4),
                number(date, 5),
                number(date, 6),
                Integer.parseInt(nanos));
        if (local == null || date.group(8) == null) {
            return local;
        }
        int hours = number(date, 9);
        int minutes = number(date, 10);
        if (hours > 23 || minutes > 59) {
            return null;
        }
        long ahead = hours * 3_600L + minutes * 60L;
        return local.minusSeconds(date.group(8).equals("+") ? ahead : -ahead);
    }

    private static int number(Matcher match, int group) {
        return Integer.parseInt(match.group(group));
    }

    private static Instant instant(int year, int month, int day, int hour, int minute, int second, int nanos) {
        try {
            return LocalDateTime.of(year, month, day, hour, minute, second, nanos)
                    .toInstant(ZoneOffset.UTC);
        } catch (DateTimeException nonsense) {
            return null;
        }
    }
}
