package dev.apportion;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;

/** Where a node is. */
record Address(boolean isHttps, String host, int port) {
    private static final int PORT_MAX = 65_535;

    /** Says why a text is no address. */
    static final class InvalidException extends Exception {
        private static final long serialVersionUID = 1L;

        InvalidException(String problem) {
            super(problem);
        }
    }

    /** Reads a URL of scheme, host and port. */
    static Address parse(String text) throws InvalidException {
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException odd) {
            throw new InvalidException("it is not a URL: " + odd.getMessage());
        }
        boolean isHttps = "https".equalsIgnoreCase(uri.getScheme());
        if (!isHttps && !"http".equalsIgnoreCase(uri.getScheme())) {
            throw new InvalidException("its scheme is neither http nor https");
        }
        String path = uri.getRawPath();
        boolean hasPath = path != null && !path.isEmpty() && !path.equals("/");
        if (uri.getRawUserInfo() != null || hasPath || uri.getRawQuery() != null || uri.getRawFragment() != null) {
            throw new InvalidException("it may have a scheme, a host and a port only");
        }
        int port = uri.getPort() == -1 ? isHttps ? 443 : 80 : uri.getPort();
        if (uri.getHost() == null || port < 1 || port > PORT_MAX) {
            throw new InvalidException("it has no host, or its port is not from 1 to 65535");
        }
        return new Address(isHttps, uri.getHost().toLowerCase(Locale.ROOT), port);
    }

    /** Returns host and port. */
    String target() {
        return host + ":" + port;
    }

    boolean isLoopback() {
        return host.equals("localhost") || host.equals("[::1]") || host.matches("127(\\.[0-9]{1,3}){3}");
    }

    @Override
    public String toString() {
        return (isHttps ? "https://" : "http://") + target();
    }
}
