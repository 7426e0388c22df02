package dev.apportion.conformance;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the runner has handles of, of one kind. */
final class Handles<T> {
    private final Map<Integer, T> values = new HashMap<>();

    synchronized void keep(int handle, T value) {
        values.put(handle, value);
    }

    /** Returns what a handle stands for. */
    synchronized T find(int handle) {
        return known(values.get(handle), handle);
    }

    /** Returns what a handle stands for, which it does no longer. */
    synchronized T forget(int handle) {
        return known(values.remove(handle), handle);
    }

    synchronized List<T> forgetAll() {
        List<T> all = new ArrayList<>(values.values());
        values.clear();
        return all;
    }

    private static <T> T known(T value, int handle) {
        if (value == null) {
            throw new IllegalArgumentException("nothing has the handle " + handle);
        }
        return value;
    }
}
