package dev.apportion.opentelemetry;

import dev.apportion.Quota;
import dev.apportion.RefusedException;
import dev.apportion.Telemetry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Tells OpenTelemetry what a client does: each wait for a lease, or for a permit that is not held ready, is a span. Waits, permits
 * and calls are counted.
 */
public final class PermitTelemetry implements Telemetry {
    private static final String SCOPE = "apportion";
    private static final double NS_PER_S = TimeUnit.SECONDS.toNanos(1);
    /** The bounds of the buckets of waits, in seconds. */
    private static final List<Double> WAITS_S =
            List.of(0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0);

    private static final AttributeKey<String> WORKSPACE = AttributeKey.stringKey("apportion.workspace");
    private static final AttributeKey<String> TEAM = AttributeKey.stringKey("apportion.team");
    private static final AttributeKey<String> PRIORITY = AttributeKey.stringKey("apportion.priority");
    private static final AttributeKey<Long> PERMITS = AttributeKey.longKey("apportion.permits");
    private static final AttributeKey<Boolean> LOCAL = AttributeKey.booleanKey("apportion.local");
    private static final AttributeKey<String> METHOD = AttributeKey.stringKey("rpc.method");
    private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");

    private final Tracer tracer;
    private final DoubleHistogram waits;
    private final LongCounter granted;
    private final LongCounter returned;
    private final LongCounter calls;

    private PermitTelemetry(OpenTelemetry to) {
        tracer = to.getTracer(SCOPE, Quota.VERSION);
        Meter meter =
                to.meterBuilder(SCOPE).setInstrumentationVersion(Quota.VERSION).build();
        waits = meter.histogramBuilder("apportion.wait.duration")
                .setUnit("s")
                .setDescription("How long callers waited for a permit or a lease that was not at hand.")
                .setExplicitBucketBoundariesAdvice(WAITS_S)
                .build();
        granted = counter(meter, "apportion.permits.granted", "{permit}", "Permits that were granted.");
        returned = counter(meter, "apportion.permits.returned", "{permit}", "Granted permits that went back unused.");
        calls = counter(meter, "apportion.calls", "{call}", "Calls to Apportion.");
    }

    private static LongCounter counter(Meter meter, String name, String unit, String description) {
        return meter.counterBuilder(name)
                .setUnit(unit)
                .setDescription(description)
                .build();
    }

    /**
     * Creates spans and measurements.
     *
     * @param to where they go, such as {@code GlobalOpenTelemetry.get()}
     * @return what to pass to {@link dev.apportion.Config#telemetry}
     */
    public static PermitTelemetry of(OpenTelemetry to) {
        return new PermitTelemetry(to);
    }

    @Override
    public Consumer<Throwable> waiting(Waiting wait) {
        AttributesBuilder attributes = whose(wait.who());
        if (wait.priority() != null) {
            attributes.put(PRIORITY, wait.priority().name());
        }
        Context parent = Context.current();
        Span span = tracer.spanBuilder("apportion." + wait.what())
                .setParent(parent)
                .setSpanKind(SpanKind.CLIENT)
                .setAllAttributes(attributes.build())
                .setAttribute(PERMITS, (long) wait.permits())
                .startSpan();
        long start = System.nanoTime();
        return failed -> {
            if (failed != null) {
                attributes.put(ERROR, kindOf(failed));
                span.setAttribute(ERROR, kindOf(failed));
                span.setStatus(StatusCode.ERROR, String.valueOf(failed.getMessage()));
            }
            waits.record((System.nanoTime() - start) / NS_PER_S, attributes.build(), parent.with(span));
            span.end();
        };
    }

    @Override
    public void granted(Identity who, int permits, boolean isLocal) {
        granted.add(permits, whose(who).put(LOCAL, isLocal).build());
    }

    @Override
    public void returned(Identity who, int permits, boolean isLocal) {
        returned.add(permits, whose(who).put(LOCAL, isLocal).build());
    }

    @Override
    public void called(String method, String code) {
        AttributesBuilder attributes = Attributes.builder().put(METHOD, method);
        calls.add(1, (code.equals("OK") ? attributes : attributes.put(ERROR, code)).build());
    }

    private static AttributesBuilder whose(Identity who) {
        return Attributes.builder().put(WORKSPACE, orDefault(who.workspace())).put(TEAM, orDefault(who.team()));
    }

    private static String orDefault(String id) {
        return id.isEmpty() ? "default" : id;
    }

    /** Returns the reason of a refusal, or the type of another failure. */
    private static String kindOf(Throwable failed) {
        return failed instanceof RefusedException refused
                        && !refused.reasonName().isEmpty()
                ? refused.reasonName()
                : failed.getClass().getSimpleName();
    }
}
