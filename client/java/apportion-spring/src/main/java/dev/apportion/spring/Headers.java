package dev.apportion.spring;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.http.HttpHeaders;

/** Headers as a map, which they are in Spring 6 and no longer in Spring 7. */
final class Headers {
    private Headers() {}

    static Map<String, List<String>> of(HttpHeaders headers) {
        Map<String, List<String>> copy = new LinkedHashMap<>();
        headers.forEach(copy::put);
        return copy;
    }
}
