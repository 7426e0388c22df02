package dev.apportion.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.apportion.ClosedException;
import dev.apportion.Config;
import dev.apportion.Fallback;
import dev.apportion.Lease;
import dev.apportion.Permit;
import dev.apportion.Prefetch;
import dev.apportion.Quota;
import dev.apportion.RefusedException;
import dev.apportion.Request;
import dev.apportion.Stats;
import dev.apportion.UnreachableException;
import dev.apportion.observation.ProviderResponse;
import dev.apportion.v1.CountSource;
import dev.apportion.v1.LimitSignal;
import dev.apportion.v1.Reason;
import dev.apportion.v1.Signals;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The client against a server of the API, over the wire. */
@Timeout(60)
class QuotaTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final FakeServer server = FakeServer.start();

    @AfterEach
    void stop() {
        server.close();
    }

    private static void eventually(BooleanSupplier holds) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, "it does not become true");
            Thread.sleep(5);
        }
    }

    @Test
    void whatWasTakenIsUsedAndTheRestGoesBack() throws Exception {
        try (Quota quota = Quota.connect(server.config())) {
            try (Lease lease = quota.acquire(Request.of(5))) {
                assertTrue(lease.take());
                assertTrue(lease.take());
                lease.putBack();
                assertTrue(lease.take());
            }
            eventually(() -> server.used() == 2 && server.returned() == 3);
        }
    }

    @Test
    void closingGivesEverythingBack() throws Exception {
        Permit inUse;
        try (Quota quota = Quota.connect(server.config())) {
            Prefetch prefetch = quota.prefetch();
            for (int at = 0; at < 200; at++) {
                prefetch.permit().close();
            }
            inUse = prefetch.permit();
        }
        assertEquals(200, server.granted() - server.returned() - 1);
        inUse.close();
        eventually(() -> server.used() == 201);
    }

    @Test
    void aPermitThatIsPutBackGoesToTheNextCallerOrBack() throws Exception {
        server.limit(1);
        try (Quota quota = Quota.connect(server.config())) {
            Prefetch prefetch = quota.prefetch();
            Permit first = prefetch.permit();
            CompletableFuture<Permit> next = prefetch.permitAsync();
            eventually(() -> prefetch.waiting() == 1);
            first.putBack();
            next.get().putBack();
        }
        assertEquals(1, server.returned());
        assertEquals(0, server.used());
    }

    @Test
    void aThrottleSpendsWhatAPrefetchHolds() throws Exception {
        try (Quota quota = Quota.connect(server.config())) {
            Prefetch prefetch = quota.prefetch();
            for (int at = 0; at < 100; at++) {
                prefetch.permit().close();
            }
            try (Permit permit = prefetch.permit()) {
                permit.observe(ProviderResponse.of(429, Map.of("Retry-After", List.of("3"))));
                assertEquals(0, prefetch.held());
            }
            eventually(() -> server.observations().size() == 1);
            assertTrue(server.observations().get(0).getThrottled());
            assertEquals(3, server.observations().get(0).getRetryAfter().getSeconds());
        }
    }

    @Test
    void aRefusalSaysWhyAndWhenToRetry() throws Exception {
        try (Quota quota = Quota.connect(server.config())) {
            server.refuse(Reason.REASON_TEAM_CAP_REACHED, Duration.ofMillis(1500));
            RefusedException refused = assertThrows(RefusedException.class, () -> quota.acquire(Request.one()));
            assertEquals(Reason.REASON_TEAM_CAP_REACHED, refused.reason());
            assertEquals(Duration.ofMillis(1500), refused.retryAfter().orElseThrow());
            ExecutionException failed = assertThrows(
                    ExecutionException.class,
                    () -> quota.acquireAsync(Request.one()).get());
            assertEquals(RefusedException.class, failed.getCause().getClass());
        }
    }

    @Test
    void anInterruptedCallerTakesNothing() throws Exception {
        server.limit(0);
        try (Quota quota = Quota.connect(server.config())) {
            Prefetch prefetch = quota.prefetch();
            AtomicReference<Throwable> ended = new AtomicReference<>();
            Thread caller = new Thread(() -> {
                try (Permit permit = prefetch.permit()) {
                    assertNotNull(permit);
                } catch (Exception failed) {
                    ended.set(failed);
                }
            });
            caller.start();
            eventually(() -> prefetch.waiting() == 1 || ended.get() != null);
            caller.interrupt();
            caller.join();
            assertEquals(0, prefetch.waiting());
            assertNotNull(ended.get());
        }
        assertEquals(0, server.granted());
    }

    @Test
    void aCancelledFutureTakesNothing() throws Exception {
        try (Quota quota = Quota.connect(server.config())) {
            quota.acquire(Request.of(2)).close(); // connects
            for (int at = 0; at < 50; at++) {
                CompletableFuture<Lease> future = quota.acquireAsync(Request.of(2));
                if (at % 2 == 0) {
                    Thread.sleep(1);
                }
                if (!future.cancel(false)) {
                    future.get().close();
                }
                // The client waits for the grants of a few that were given up together, not for those of many.
                if (at % 10 == 9) {
                    quota.acquire(Request.of(2)).close(); // then all before it have started
                    eventually(() -> quota.stats().equals(new Stats(0, 0, 0, 0)));
                }
            }
        }
        assertEquals(server.granted(), server.returned());
        assertEquals(0, server.used());
    }

    @Test
    void aClosedClientSaysSo() throws Exception {
        Quota quota = Quota.connect(server.config());
        Prefetch prefetch = quota.prefetch();
        quota.close();
        quota.close();
        assertThrows(ClosedException.class, () -> quota.acquire(Request.one()));
        assertThrows(ClosedException.class, prefetch::permit);
        assertTrue(prefetch.tryPermit().isEmpty());
        assertThrows(ClosedException.class, () -> quota.prefetch().permit());
    }

    @Test
    void withoutAServerTheFallbackDecides() throws Exception {
        String nowhere = server.address();
        server.close();
        Request request = Request.of(3).withMaxWait(Duration.ofMillis(300));
        try (Quota quota = Quota.connect(new Config(nowhere))) {
            assertThrows(UnreachableException.class, () -> quota.acquire(request));
        }
        Config sharing = new Config(nowhere).fallback(Fallback.share(4, Duration.ofMinutes(1)));
        try (Quota quota = Quota.connect(sharing)) {
            assertEquals(3, quota.acquire(request).permits());
            assertThrows(UnreachableException.class, () -> quota.acquire(request));
        }
    }

    @Test
    void theSignalsOfTheServerAreReadBy() throws Exception {
        server.signals(Signals.newBuilder()
                .addLimits(LimitSignal.newBuilder()
                        .setLimitPermits(CountSource.newBuilder().setHeader("X-Mine")))
                .build());
        Map<String, List<String>> headers = Map.of("X-Mine", List.of("42"), "X-RateLimit-Limit", List.of("1"));
        try (Quota quota = Quota.connect(server.config())) {
            eventually(() -> {
                try (Lease lease = quota.acquire(Request.one())) {
                    lease.take();
                    lease.observe(ProviderResponse.of(200, headers));
                } catch (Exception failed) {
                    throw new IllegalStateException(failed);
                }
                return server.observations().stream().anyMatch(seen -> seen.getLimitPermits() == 42);
            });
        }
    }

    @Test
    void aReaderThatFailsBreaksNothing() throws Exception {
        Config config = server.config().reader(response -> {
            throw new IllegalStateException("on purpose");
        });
        try (Quota quota = Quota.connect(config);
                Permit permit = quota.source(Request.one()).permit()) {
            permit.observe(ProviderResponse.of(200, Map.of()));
        }
        assertTrue(server.observations().isEmpty());
    }

    @Test
    void anIdleOrClosedClientLeavesNoThread() throws Exception {
        try (Quota quota = Quota.connect(server.config())) {
            quota.prefetch().permit().close();
            eventually(() -> quota.stats().equals(new Stats(0, 0, 0, 0)));
            eventually(() -> !hasThread());
            quota.acquire(Request.one()).close();
        }
        eventually(() -> !hasThread());
        assertFalse(hasThread());
    }

    private static boolean hasThread() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals("apportion"));
    }
}
