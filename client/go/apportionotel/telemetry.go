// Package apportionotel tells OpenTelemetry what a client of Apportion does:
//
//	quota, err := apportion.Connect(apportion.Config{Telemetry: apportionotel.New(nil, nil)})
//
// Each wait for a lease, or for a permit that is not held ready, is a span. Waits, permits and calls are counted.
package apportionotel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	apportion "apportion.dev/client"
)

const scope = "apportion"

type telemetry struct {
	tracer                   trace.Tracer
	waits                    metric.Float64Histogram
	granted, returned, calls metric.Int64Counter
}

// New creates spans and measurements of these providers. Nil means the global one.
func New(traces trace.TracerProvider, meters metric.MeterProvider) apportion.Telemetry {
	if traces == nil {
		traces = otel.GetTracerProvider()
	}
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	meter := meters.Meter(scope, metric.WithInstrumentationVersion(apportion.Version))
	t := &telemetry{tracer: traces.Tracer(scope, trace.WithInstrumentationVersion(apportion.Version))}
	var failed [4]error
	t.waits, failed[0] = meter.Float64Histogram("apportion.wait.duration", metric.WithUnit("s"),
		metric.WithDescription("How long callers waited for a permit or a lease that was not at hand."),
		metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60))
	t.granted, failed[1] = meter.Int64Counter("apportion.permits.granted", metric.WithUnit("{permit}"),
		metric.WithDescription("Permits that were granted."))
	t.returned, failed[2] = meter.Int64Counter("apportion.permits.returned", metric.WithUnit("{permit}"),
		metric.WithDescription("Granted permits that went back unused."))
	t.calls, failed[3] = meter.Int64Counter("apportion.calls", metric.WithUnit("{call}"),
		metric.WithDescription("Calls to Apportion."))
	if err := errors.Join(failed[:]...); err != nil {
		otel.Handle(err) // what could not be created measures nothing
	}
	return t
}

func (t *telemetry) Waiting(ctx context.Context, wait apportion.Waiting) func(error) {
	attributes := whose(wait.Who)
	if wait.Priority != 0 {
		attributes = append(attributes, attribute.String("apportion.priority", wait.Priority.String()[len("PRIORITY_"):]))
	}
	permits := attribute.Int64("apportion.permits", int64(wait.Permits))
	ctx, span := t.tracer.Start(ctx, "apportion."+wait.For,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...), trace.WithAttributes(permits))
	start := time.Now()
	return func(err error) {
		if err != nil {
			kind := attribute.String("error.type", kindOf(err))
			attributes = append(attributes, kind)
			span.SetAttributes(kind)
			span.SetStatus(codes.Error, err.Error())
		}
		t.waits.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attributes...))
		span.End()
	}
}

func (t *telemetry) Granted(who apportion.Identity, permits uint32, isLocal bool) {
	add(t.granted, who, permits, isLocal)
}

func (t *telemetry) Returned(who apportion.Identity, permits uint32, isLocal bool) {
	if permits > 0 {
		add(t.returned, who, permits, isLocal)
	}
}

func (t *telemetry) Called(method, code string) {
	attributes := []attribute.KeyValue{attribute.String("rpc.method", method)}
	if code != "OK" {
		attributes = append(attributes, attribute.String("error.type", code))
	}
	t.calls.Add(context.Background(), 1, metric.WithAttributes(attributes...))
}

func add(to metric.Int64Counter, who apportion.Identity, permits uint32, isLocal bool) {
	attributes := append(whose(who), attribute.Bool("apportion.local", isLocal))
	to.Add(context.Background(), int64(permits), metric.WithAttributes(attributes...))
}

func whose(who apportion.Identity) []attribute.KeyValue {
	or := func(id string) string {
		if id == "" {
			return "default"
		}
		return id
	}
	return []attribute.KeyValue{
		attribute.String("apportion.workspace", or(who.Workspace)), attribute.String("apportion.team", or(who.Team)),
	}
}

// kindOf is the reason of a refusal, or the type of another error.
func kindOf(err error) string {
	var refused *apportion.RefusedError
	var unreachable *apportion.UnreachableError
	switch {
	case errors.As(err, &refused) && refused.Name != "":
		return refused.Name
	case errors.As(err, &unreachable):
		return "UnreachableError"
	case errors.Is(err, apportion.ErrTimedOut):
		return "ErrTimedOut"
	case errors.Is(err, apportion.ErrClosed):
		return "ErrClosed"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err.Error()
	default:
		return fmt.Sprintf("%T", err)
	}
}
