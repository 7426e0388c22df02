package dev.apportion.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.net.httpserver.HttpServer;
import dev.apportion.testing.FakeServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ServiceTest {
    @Test
    void eachRequestTakesAPermitAndNamesItsTeam() throws Exception {
        AtomicInteger arrivals = new AtomicInteger();
        Set<String> teams = ConcurrentHashMap.newKeySet();
        HttpServer provider = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        provider.createContext("/contacts", exchange -> {
            arrivals.incrementAndGet();
            teams.add(exchange.getRequestHeaders().getFirst("X-Team"));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        provider.start();
        try (FakeServer server = FakeServer.start()) {
            String url = "http://127.0.0.1:" + provider.getAddress().getPort() + "/contacts";
            Service.main(new String[] {
                "--apportion",
                server.address(),
                "--provider",
                url,
                "--team",
                "sync",
                "--workers",
                "2",
                "--requests",
                "12"
            });
            assertEquals(12, arrivals.get());
            assertEquals(12, server.used());
            assertEquals(Set.of("sync"), teams);
        } finally {
            provider.stop(0);
        }
    }
}
