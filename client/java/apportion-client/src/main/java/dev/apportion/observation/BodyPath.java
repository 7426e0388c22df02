package dev.apportion.observation;

import dev.apportion.v1.BodyMatch;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Conditions on a string in a JSON body, which a path such as {@code errors[0].code} leads to. */
final class BodyPath {
    private static final Pattern STEP = Pattern.compile("([A-Za-z0-9_\\-]+)|\\[([0-9]{1,2})\\]");

    private BodyPath() {}

    /** Says whether a condition holds for the value of a body. */
    static boolean holds(BodyMatch match, Object body) {
        Object value = body;
        Matcher step = STEP.matcher(match.getPath());
        while (step.find()) {
            value = step.group(1) != null
                    ? member(value, step.group(1))
                    : element(value, Integer.parseInt(step.group(2)));
        }
        if (!(value instanceof String text)) {
            return false;
        }
        return match.hasEquals() ? text.equals(match.getEquals()) : text.contains(match.getContains());
    }

    private static Object member(Object value, String name) {
        return value instanceof Map<?, ?> object ? object.get(name) : null;
    }

    private static Object element(Object value, int index) {
        return value instanceof List<?> array && index < array.size() ? array.get(index) : null;
    }
}
