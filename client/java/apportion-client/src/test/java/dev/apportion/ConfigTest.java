package dev.apportion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigTest {
    private static final byte[] NO_PEM = "no PEM".getBytes(StandardCharsets.UTF_8);

    private static String field(Config config) {
        return assertThrows(ConfigException.class, () -> Quota.connect(config)).field();
    }

    @Test
    void theFieldIsNamedThatCannotBeUsed() {
        assertEquals("addresses", field(new Config()));
        assertEquals("addresses[1]", field(new Config("http://a", "https://b")));
        assertEquals("addresses[0]", field(new Config("http://a.example").token("secret")));
        assertEquals("token", field(new Config("http://127.0.0.1").token("two words")));
        assertEquals("tls", field(new Config("http://127.0.0.1").tls(new Tls())));
        assertEquals("tls.authority", field(new Config("https://a").tls(new Tls().authority(NO_PEM))));
        assertEquals("tls.certificate", field(new Config("https://a").tls(new Tls().certificate(NO_PEM, NO_PEM))));
        assertEquals("fallback", field(new Config("http://a").fallback(Fallback.share(9, Duration.ZERO))));
        assertEquals("connectTimeout", field(new Config("http://a").connectTimeout(Duration.ZERO)));
        assertEquals("closeTimeout", field(new Config("http://a").closeTimeout(Duration.ofSeconds(-1))));
    }

    @Test
    void aTokenIsReadAgainFromItsFile(@TempDir Path directory) throws IOException, ConfigException {
        Path file = directory.resolve("token");
        Files.writeString(file, " first\n");
        TokenKeeper token = new TokenKeeper(new Config("http://127.0.0.1").tokenFile(file), 0);
        assertEquals("Bearer first", token.authorization(0));
        Files.writeString(file, "second");
        assertEquals("Bearer first", token.authorization(9_999_999_999L));
        assertEquals("Bearer second", token.authorization(10_000_000_000L));
        Files.delete(file);
        assertEquals(
                "Bearer second", token.authorization(30_000_000_000L), "an unreadable file leaves the former token");
        assertEquals("tokenFile", field(new Config("http://127.0.0.1").tokenFile(file)));
    }
}
