package dev.apportion.okhttp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.apportion.NoPermitException;
import dev.apportion.PermitSource;
import dev.apportion.Quota;
import dev.apportion.Request;
import dev.apportion.testing.FakeServer;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.SocketEffect;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Response;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What OkHttp sends again by itself over HTTP/2 takes permits of its own. Each permit is a lease, so that none is at hand by chance. */
@Timeout(60)
class Http2Test {
    private static final int REFUSED_STREAM = 7;

    private final FakeServer server = FakeServer.start();
    private final MockWebServer provider = new MockWebServer();

    @BeforeEach
    void start() throws IOException {
        provider.setProtocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
        provider.start();
    }

    @AfterEach
    void stop() {
        provider.close();
        server.close();
    }

    private static OkHttpClient client(PermitSource source) {
        // OkHttp sends a refused stream again only if there is another route.
        InetAddress loopback = InetAddress.getLoopbackAddress();
        OkHttpClient.Builder builder = new OkHttpClient.Builder()
                .protocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE))
                .dns(host -> List.of(loopback, loopback));
        return PermitInterceptors.addTo(builder, source).build();
    }

    private int send(OkHttpClient client) throws IOException {
        okhttp3.Request request = new okhttp3.Request.Builder()
                .url(provider.url("/").newBuilder().host("provider.test").build())
                .build();
        try (Response response = client.newCall(request).execute()) {
            response.body().bytes();
            return response.code();
        }
    }

    private static MockResponse refused() {
        return new MockResponse.Builder()
                .onRequestStart(new SocketEffect.CloseStream(REFUSED_STREAM))
                .build();
    }

    @Test
    void aRefusedStreamThatIsSentAgainTakesAnotherPermit() throws Exception {
        provider.enqueue(refused());
        provider.enqueue(new MockResponse.Builder().build());
        try (Quota quota = Quota.connect(server.config())) {
            assertEquals(200, send(client(quota.source(Request.one()))));
        }
        assertEquals(2, provider.getRequestCount());
        assertEquals(2, server.granted());
        assertEquals(2, server.used());
    }

    @Test
    void whatHasNoOtherPermitIsNotSentAgain() throws Exception {
        provider.enqueue(refused());
        provider.enqueue(new MockResponse.Builder().build());
        server.limit(1);
        try (Quota quota = Quota.connect(server.config())) {
            OkHttpClient client = client(quota.source(Request.one().withMaxWait(Duration.ofMillis(300))));
            try {
                send(client);
            } catch (IOException none) {
                assertTrue(none instanceof NoPermitException, none::toString);
            }
        }
        assertEquals(1, provider.getRequestCount());
        assertEquals(1, server.used());
    }

    @Test
    void whatAGoAwayCutsOffIsSentWithinPermits() throws Exception {
        int calls = 12;
        provider.enqueue(new MockResponse.Builder().build());
        for (int at = 0; at < 3 * calls; at++) {
            MockResponse.Builder response = new MockResponse.Builder().body("fine");
            provider.enqueue(
                    at % 5 == 2
                            ? response.onResponseEnd(SocketEffect.ShutdownConnection.INSTANCE)
                                    .build()
                            : response.build());
        }
        ExecutorService callers = Executors.newFixedThreadPool(calls);
        try (Quota quota = Quota.connect(server.config())) {
            OkHttpClient client = client(quota.source(Request.one()));
            send(client);
            List<Callable<Integer>> sending = new ArrayList<>();
            for (int at = 0; at < calls; at++) {
                sending.add(() -> send(client));
            }
            for (Future<Integer> sent : callers.invokeAll(sending)) {
                assertEquals(200, sent.get());
            }
        } finally {
            callers.shutdown();
        }
        assertTrue(provider.getRequestCount() >= 1 + calls);
        assertTrue(provider.getRequestCount() <= server.used(), provider.getRequestCount() + " of " + server.used());
    }
}
