package dev.apportion.observation;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the strings of one JSON text of RFC 8259. It is written out because a library that is strict enough, and bounded, would
 * be the largest dependency of this one: the usual ones accept more than JSON.
 */
final class Json {
    /** What is neither a string, an array nor an object. */
    private static final Object OTHER = new Object();

    private static final int DEPTH_MAX = 32;
    private static final Pattern NUMBER = Pattern.compile("-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?");
    private static final Pattern LITERAL = Pattern.compile("true|false|null");
    private static final Pattern HEX = Pattern.compile("[0-9A-Fa-f]{4}");
    private static final String ESCAPES = "\"\\/bfnrt";
    private static final String ESCAPED = "\"\\/\b\f\n\r\t";

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** Says that the text is no JSON. */
    private static final class BrokenException extends Exception {
        private static final long serialVersionUID = 1L;

        BrokenException() {
            super(null, null, false, false);
        }
    }

    /** Returns a {@code String}, {@code List} or {@code Map}; null if the body is no JSON text that is looked at. */
    static Object parse(byte[] body) {
        try {
            Json json = new Json(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString());
            Object value = json.value(0);
            json.skipSpace();
            return json.at == json.text.length() ? value : null;
        } catch (CharacterCodingException | BrokenException broken) {
            return null;
        }
    }

    private Object value(int depth) throws BrokenException {
        skipSpace();
        if (at == text.length()) {
            throw new BrokenException();
        }
        char first = text.charAt(at);
        if (first == '"') {
            return string();
        }
        if (first == '[' || first == '{') {
            if (depth == DEPTH_MAX) {
                throw new BrokenException();
            }
            at++;
            return first == '[' ? array(depth + 1) : object(depth + 1);
        }
        if (!skip(LITERAL) && !skip(NUMBER)) {
            throw new BrokenException();
        }
        return OTHER;
    }

    private List<Object> array(int depth) throws BrokenException {
        List<Object> elements = new ArrayList<>();
        if (skipped(']')) {
            return elements;
        }
        do {
            elements.add(value(depth));
        } while (skipped(','));
        expect(']');
        return elements;
    }

    private Map<String, Object> object(int depth) throws BrokenException {
        Map<String, Object> members = new HashMap<>();
        if (skipped('}')) {
            return members;
        }
        do {
            skipSpace();
            String name = string();
            expect(':');
            members.put(name, value(depth));
        } while (skipped(','));
        expect('}');
        return members;
    }

    private String string() throws BrokenException {
        StringBuilder read = new StringBuilder();
        if (at == text.length() || text.charAt(at++) != '"') {
            throw new BrokenException();
        }
        while (at < text.length()) {
            char letter = text.charAt(at++);
            if (letter == '"') {
                return read.toString();
            }
            if (letter < ' ') {
                throw new BrokenException();
            }
            read.append(letter == '\\' ? escape() : letter);
        }
        throw new BrokenException();
    }

    private char escape() throws BrokenException {
        if (at == text.length()) {
            throw new BrokenException();
        }
        char letter = text.charAt(at++);
        int known = ESCAPES.indexOf(letter);
        if (known >= 0) {
            return ESCAPED.charAt(known);
        }
        int start = at;
        if (letter != 'u' || !skip(HEX)) {
            throw new BrokenException();
        }
        return (char) Integer.parseInt(text.substring(start, at), 16);
    }

    private boolean skipped(char letter) {
        skipSpace();
        boolean isThere = at < text.length() && text.charAt(at) == letter;
        at += isThere ? 1 : 0;
        return isThere;
    }

    private void expect(char letter) throws BrokenException {
        if (!skipped(letter)) {
            throw new BrokenException();
        }
    }

    private void skipSpace() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private boolean skip(Pattern pattern) {
        Matcher match = pattern.matcher(text).region(at, text.length());
        boolean isThere = match.lookingAt();
        at = isThere ? match.end() : at;
        return isThere;
    }
}
