package dev.apportion.observation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Items of the structured lists of RFC 9651, such as {@code "burst";r=50;t=30, "day";r=900}. */
final class Items {
    private static final Pattern NAME =
            Pattern.compile("\"((?:[ !#-\\[\\]-~]|\\\\[\"\\\\])*)\"|[A-Za-z*][!#$%&'*+\\-.^_`|~0-9A-Za-z:/]*");
    private static final Pattern KEY = Pattern.compile("[a-z*][a-z0-9_\\-.*]*");
    private static final Pattern NUMBER = Pattern.compile("-?(?:[0-9]{1,12}\\.[0-9]{1,3}|[0-9]{1,15})");
    private static final Pattern OTHER = Pattern.compile("\\?[01]|:[A-Za-z0-9+/=]*:");
    private static final Pattern COMMA = Pattern.compile("[ \\t]*,[ \\t]*");

    private final String text;
    private int at;

    private Items(String text) {
        this.text = text;
    }

    /** One item. A parameter that is no number has an empty text. */
    private record Item(String name, Map<String, String> parameters) {}

    /**
     * Returns the number of a parameter. Without the name of an item, the list must have exactly one. Null if there is none, or
     * if anything in the list is broken.
     */
    static String value(String text, String item, String parameter) {
        List<Item> found = new Items(withoutSpaces(text)).list();
        if (found == null || item.isEmpty() && found.size() != 1) {
            return null;
        }
        for (Item each : found) {
            if (item.isEmpty() || each.name.equals(item)) {
                String number = each.parameters.get(parameter);
                return number == null || number.isEmpty() ? null : number;
            }
        }
        return null;
    }

    private static String withoutSpaces(String text) {
        int start = 0;
        int end = text.length();
        while (start < end && text.charAt(start) == ' ') {
            start++;
        }
        while (end > start && text.charAt(end - 1) == ' ') {
            end--;
        }
        return text.substring(start, end);
    }

    /** Returns all items; null if anything is broken. */
    private List<Item> list() {
        List<Item> found = new ArrayList<>();
        while (true) {
            Matcher name = next(NAME);
            if (name == null) {
                return null;
            }
            Map<String, String> parameters = parameters();
            if (parameters == null) {
                return null;
            }
            String quoted = name.group(1);
            found.add(new Item(quoted == null ? name.group() : quoted.replaceAll("\\\\(.)", "$1"), parameters));
            if (at == text.length()) {
                return found;
            }
            if (next(COMMA) == null) {
                return null;
            }
        }
    }

    private Map<String, String> parameters() {
        Map<String, String> parameters = new HashMap<>();
        while (has(';')) {
            at++;
            while (has(' ')) {
                at++;
            }
            Matcher key = next(KEY);
            if (key == null) {
                return null;
            }
            String number = "";
            if (has('=')) {
                at++;
                Matcher value = next(NUMBER);
                if (value != null) {
                    number = value.group();
                } else if (next(NAME) == null && next(OTHER) == null) {
                    return null;
                }
            }
            parameters.put(key.group(), number);
        }
        return parameters;
    }

    private boolean has(char letter) {
        return at < text.length() && text.charAt(at) == letter;
    }

    /** Reads what matches here; null if it does not. */
    private Matcher next(Pattern pattern) {
        Matcher match = pattern.matcher(text).region(at, text.length());
        if (!match.lookingAt()) {
            return null;
        }
        at = match.end();
        return match;
    }
}
