package dev.apportion;

import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The token that every call carries, and the file that it may come from. */
final class TokenKeeper {
    /** How often the file of a token is read again while calls are made. */
    private static final long READ_AGAIN_NS = 10_000_000_000L;
    /** The largest file of a token, in bytes. */
    private static final int FILE_MAX = 64 << 10;

    private final Logger logger;
    private final Path file;
    private String header;
    private long readAt;

    TokenKeeper(Config config, long now) throws ConfigException {
        logger = config.logger;
        file = config.tokenFile;
        readAt = now;
        if (config.token != null && file != null) {
            throw new ConfigException("tokenFile", "is set beside token; set one of them");
        }
        if (config.token != null) {
            header = bearer(config.token);
            if (header == null) {
                throw new ConfigException("token", "must be printable ASCII without spaces, and not empty");
            }
        } else if (file != null) {
            header = read(file);
        }
    }

    /** Returns the value of the metadata; null if there is no token. */
    String authorization(long now) {
        if (now >= Ticker.after(readAt, READ_AGAIN_NS)) {
            readAgain(now);
        }
        return header;
    }

    /** Reads the file again. Returns whether the token is another one now. An unreadable file leaves the former one. */
    boolean readAgain(long now) {
        readAt = now;
        if (file == null) {
            return false;
        }
        try {
            String former = header;
            header = read(file);
            return !header.equals(former);
        } catch (ConfigException unusable) {
            logger.log(Level.WARNING, "the former token stays in use: {0}", unusable.getMessage());
            return false;
        }
    }

    private static String read(Path file) throws ConfigException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(FILE_MAX + 1);
        } catch (IOException unreadable) {
            throw new ConfigException("tokenFile", "cannot be read: " + unreadable);
        }
        if (bytes.length > FILE_MAX) {
            throw new ConfigException("tokenFile", file + " has more than " + FILE_MAX + " bytes");
        }
        String header = bearer(new String(bytes, StandardCharsets.ISO_8859_1).strip());
        if (header == null) {
            throw new ConfigException(
                    "tokenFile", file + " must contain printable ASCII without spaces, and must not be empty");
        }
        return header;
    }

    private static String bearer(String secret) {
        boolean isOdd = secret.isEmpty() || secret.chars().anyMatch(letter -> letter <= ' ' || letter > '~');
        return isOdd ? null : "Bearer " + secret;
    }
}
