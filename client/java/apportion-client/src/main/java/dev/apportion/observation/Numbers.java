package dev.apportion.observation;

import java.math.BigInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Numbers as responses write them: no sign, no exponent, no space, 1 to 15 digits before the dot. */
final class Numbers {
    private static final Pattern DIGITS = Pattern.compile("[0-9]{1,15}");
    private static final Pattern DECIMAL = Pattern.compile("([0-9]{1,15})(?:\\.([0-9]+))?");
    /** No unit is longer than a day, which so many digits resolve to well below a nanosecond. */
    private static final int FRACTION_DIGITS = 20;

    private Numbers() {}

    /** Returns the count of digits; null if the text is anything else. */
    static Long integer(String text) {
        return DIGITS.matcher(text).matches() ? Long.valueOf(text) : null;
    }

    /** Returns so many units in nanoseconds; what is finer is cut off. Null if the text is no decimal. */
    static BigInteger scaled(String text, long unitNs) {
        Matcher decimal = DECIMAL.matcher(text);
        if (!decimal.matches()) {
            return null;
        }
        BigInteger unit = BigInteger.valueOf(unitNs);
        BigInteger whole = new BigInteger(decimal.group(1)).multiply(unit);
        String fraction = decimal.group(2);
        if (fraction == null) {
            return whole;
        }
        String kept = fraction.substring(0, Math.min(fraction.length(), FRACTION_DIGITS));
        return whole.add(new BigInteger(kept).multiply(unit).divide(BigInteger.TEN.pow(kept.length())));
    }
}
