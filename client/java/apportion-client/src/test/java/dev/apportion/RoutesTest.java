package dev.apportion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RoutesTest {
    private static final long SECOND = 1_000_000_000;

    private static Routes routes(Routes.Trust trust, String... addresses) throws Address.InvalidException {
        List<Address> parsed = new ArrayList<>();
        for (String address : addresses) {
            parsed.add(Address.parse(address));
        }
        return new Routes(parsed, trust);
    }

    @Test
    void theNextAddressIsCalledAfterAFailureAndTheFirstAfterTheLast() throws Exception {
        Routes routes = routes(Routes.Trust.ALL, "http://a:1", "http://b:2");
        assertTrue(routes.failed(Address.parse("http://a:1"), 0));
        assertEquals("http://b:2", routes.next().toString());
        assertTrue(routes.failed(Address.parse("http://a:1"), 0), "another call has noticed it before");
        assertEquals("http://b:2", routes.next().toString());
        assertTrue(routes.failed(Address.parse("http://b:2"), 0));
        assertEquals("http://a:1", routes.next().toString());
    }

    @Test
    void aNodeThatWasNamedAndFailsIsIgnoredForTenSeconds() throws Exception {
        Routes routes = routes(Routes.Trust.ALL, "http://a:1");
        assertTrue(routes.hinted("c:3", 0));
        assertEquals("http://c:3", routes.next().toString());
        assertTrue(routes.failed(Address.parse("http://c:3"), 0));
        assertFalse(routes.hinted("c:3", 9 * SECOND));
        assertTrue(routes.hinted("c:3", 10 * SECOND));
    }

    @Test
    void aHintDoesNotStealAToken() throws Exception {
        Routes loopback = routes(Routes.Trust.LOOPBACK, "http://127.0.0.1:1");
        assertFalse(loopback.hinted("10.0.0.1:7420", 0));
        assertTrue(loopback.hinted("127.0.0.9:7420", 0));
        Routes configured = routes(Routes.Trust.CONFIGURED, "https://a:1", "https://b:2");
        assertFalse(configured.hinted("c:3", 0));
        assertTrue(configured.hinted("b:2", 0));
    }

    @Test
    void aHintIsAHostAndAPortOnly() throws Exception {
        Routes routes = routes(Routes.Trust.ALL, "http://a:1");
        for (String odd :
                List.of("", ":", "user@b:2", "b:2/path", "b:0", "b:65536", "b:x", "b".repeat(256), "\u00e4:2")) {
            assertFalse(routes.hinted(odd, 0), odd);
        }
    }

    @Test
    void anAddressIsASchemeAHostAndAPort() throws Exception {
        assertEquals("http://h:80", Address.parse("HTTP://H/").toString());
        assertEquals("https://[::1]:443", Address.parse("https://[::1]").toString());
        assertTrue(Address.parse("http://[::1]:7420").isLoopback());
        assertFalse(Address.parse("http://127.evil.example").isLoopback());
        for (String odd :
                List.of("h:1", "ftp://h", "http://", "http://h/p", "http://u@h", "http://h?q", "http://h:99999")) {
            assertThrows(Address.InvalidException.class, () -> Address.parse(odd), odd);
        }
    }
}
