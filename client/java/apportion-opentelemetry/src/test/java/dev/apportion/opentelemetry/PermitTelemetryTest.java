package dev.apportion.opentelemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.apportion.Config;
import dev.apportion.Fallback;
import dev.apportion.Lease;
import dev.apportion.Prefetch;
import dev.apportion.Priority;
import dev.apportion.Quota;
import dev.apportion.RefusedException;
import dev.apportion.Request;
import dev.apportion.testing.FakeServer;
import dev.apportion.v1.Reason;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.testing.junit5.OpenTelemetryExtension;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(60)
class PermitTelemetryTest {
    @RegisterExtension
    static final OpenTelemetryExtension SEEN = OpenTelemetryExtension.create();

    private final FakeServer server = FakeServer.start();

    @AfterEach
    void stop() {
        server.close();
    }

    private static Config seen(Config config) {
        return config.telemetry(PermitTelemetry.of(SEEN.getOpenTelemetry()));
    }

    /** Returns the sum of a counter, or the number of values of a histogram, where an attribute has a value. */
    private static <T> long total(String name, AttributeKey<T> key, T value) {
        MetricData metric = SEEN.getMetrics().stream()
                .filter(data -> data.getName().equals(name))
                .findFirst()
                .orElseThrow();
        long counted = metric.getLongSumData().getPoints().stream()
                .filter(point -> value.equals(point.getAttributes().get(key)))
                .mapToLong(point -> point.getValue())
                .sum();
        long measured = metric.getHistogramData().getPoints().stream()
                .filter(point -> value.equals(point.getAttributes().get(key)))
                .mapToLong(point -> point.getCount())
                .sum();
        return counted + measured;
    }

    private static long total(String name, String key, String value) {
        return total(name, AttributeKey.stringKey(key), value);
    }

    @Test
    void aLeaseHasASpanInThatOfItsCallerAndItsPermitsAndCallsAreCounted() throws Exception {
        Span caller =
                SEEN.getOpenTelemetry().getTracer("test").spanBuilder("caller").startSpan();
        try (Quota quota = Quota.connect(seen(server.config().team("sync")));
                Lease lease = Context.current()
                        .with(caller)
                        .wrap(() -> quota.acquire(Request.of(5).withPriority(Priority.CRITICAL)))
                        .call()) {
            assertTrue(lease.take());
        }
        assertEquals(1, SEEN.getSpans().size());
        SpanData span = SEEN.getSpans().get(0);
        assertEquals("apportion.acquire", span.getName());
        assertEquals(SpanKind.CLIENT, span.getKind());
        assertEquals(caller.getSpanContext().getSpanId(), span.getParentSpanId());
        Attributes attributes = Attributes.builder()
                .put("apportion.workspace", "default")
                .put("apportion.team", "sync")
                .put("apportion.priority", "CRITICAL")
                .put("apportion.permits", 5)
                .build();
        assertEquals(attributes.asMap(), span.getAttributes().asMap());
        assertEquals(5, total("apportion.permits.granted", AttributeKey.booleanKey("apportion.local"), false));
        assertEquals(4, total("apportion.permits.returned", "apportion.team", "sync"));
        // An attempt that found no connection in time is a call, too.
        assertTrue(total("apportion.calls", "rpc.method", "AcquireLease") >= 1);
        assertTrue(total("apportion.calls", "rpc.method", "BatchSettleLeases") >= 1);
        assertEquals(1, total("apportion.wait.duration", "apportion.priority", "CRITICAL"));
    }

    @Test
    void aRefusalIsTheErrorOfItsSpanAndOfItsCall() throws Exception {
        server.refuse(Reason.REASON_TEAM_PAUSED, null);
        try (Quota quota = Quota.connect(seen(server.config()))) {
            assertThrows(RefusedException.class, () -> quota.prefetch().permit());
            assertThrows(
                    ExecutionException.class,
                    () -> quota.source(Request.one()).permitAsync().get());
        }
        assertEquals(2, SEEN.getSpans().size());
        for (SpanData span : SEEN.getSpans()) {
            assertEquals("apportion.permit", span.getName());
            assertEquals("TEAM_PAUSED", span.getAttributes().get(AttributeKey.stringKey("error.type")));
            assertEquals(StatusCode.ERROR, span.getStatus().getStatusCode());
        }
        assertEquals(2, total("apportion.wait.duration", "error.type", "TEAM_PAUSED"));
        assertEquals(2, total("apportion.calls", "error.type", "RESOURCE_EXHAUSTED"));
    }

    @Test
    void aPermitThatIsHeldReadyIsNotTold() throws Exception {
        try (Quota quota = Quota.connect(seen(server.config()))) {
            Prefetch prefetch = quota.prefetch();
            while (prefetch.held() == 0) {
                prefetch.permit().close();
            }
            int before = SEEN.getSpans().size();
            prefetch.permit().close();
            assertEquals(before, SEEN.getSpans().size());
            assertTrue(before > 0);
        }
    }

    @Test
    void permitsOfTheOwnShareAreLocal() throws Exception {
        String nowhere = server.address();
        server.close();
        Config config = seen(new Config(nowhere)).fallback(Fallback.share(4, Duration.ofMinutes(1)));
        try (Quota quota = Quota.connect(config)) {
            quota.acquire(Request.of(3).withMaxWait(Duration.ofMillis(300))).close();
        }
        assertEquals(3, total("apportion.permits.granted", AttributeKey.booleanKey("apportion.local"), true));
        assertEquals(3, total("apportion.permits.returned", AttributeKey.booleanKey("apportion.local"), true));
        assertTrue(total("apportion.calls", "error.type", "UNAVAILABLE") > 0);
    }
}
