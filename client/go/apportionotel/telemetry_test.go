package apportionotel_test

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	apportion "apportion.dev/client"
	"apportion.dev/client/apportionotel"
	"apportion.dev/client/apportiontest"
	"apportion.dev/client/apportionv1"
)

// seen is what was exported.
type seen struct {
	spans  *tracetest.SpanRecorder
	reader *metric.ManualReader
}

// connect creates a client of the server whose telemetry is seen.
func connect(t *testing.T, server *apportiontest.Server) (*apportion.Quota, *seen) {
	t.Helper()
	s := &seen{spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	config := server.Config()
	config.Team = "sync"
	config.Telemetry = apportionotel.New(
		trace.NewTracerProvider(trace.WithSpanProcessor(s.spans)), metric.NewMeterProvider(metric.WithReader(s.reader)))
	quota, err := apportion.Connect(config)
	if err != nil {
		t.Fatal(err)
	}
	return quota, s
}

// total is the sum of a counter, or the number of values of a histogram, with an attribute.
func (s *seen) total(t *testing.T, name, key, value string) (total int64) {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := s.reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	has := func(set attribute.Set) bool {
		found, ok := set.Value(attribute.Key(key))
		return ok && found.AsString() == value
	}
	for _, metric := range data.ScopeMetrics[0].Metrics {
		if metric.Name != name {
			continue
		}
		switch points := metric.Data.(type) {
		case metricdata.Sum[int64]:
			for _, point := range points.DataPoints {
				if has(point.Attributes) {
					total += point.Value
				}
			}
		case metricdata.Histogram[float64]:
			for _, point := range points.DataPoints {
				if has(point.Attributes) {
					total += int64(point.Count)
				}
			}
		}
	}
	return total
}

func TestALeaseHasASpanAndItsPermitsAreCounted(t *testing.T) {
	quota, seen := connect(t, apportiontest.NewServer(t))
	lease, err := quota.Acquire(t.Context(), apportion.Request{Permits: 5, Priority: apportion.Critical})
	if err != nil || !lease.Take() {
		t.Fatal(err)
	}
	lease.Done()
	if err := quota.Close(); err != nil {
		t.Fatal(err)
	}
	spans := seen.spans.Ended()
	if len(spans) != 1 || spans[0].Name() != "apportion.acquire" || len(spans[0].Attributes()) != 4 {
		t.Fatalf("%v", spans)
	}
	wanted := []struct {
		name, key, value string
		total            int64
	}{
		{"apportion.permits.granted", "apportion.team", "sync", 5},
		{"apportion.permits.returned", "apportion.team", "sync", 4},
		{"apportion.wait.duration", "apportion.priority", "CRITICAL", 1},
		{"apportion.calls", "rpc.method", "AcquireLease", 1},
		{"apportion.calls", "rpc.method", "BatchSettleLeases", 1},
	}
	for _, w := range wanted {
		if total := seen.total(t, w.name, w.key, w.value); total != w.total {
			t.Errorf("%s of %s: %d", w.name, w.value, total)
		}
	}
}

func TestARefusalIsAnErrorOfItsSpan(t *testing.T) {
	server := apportiontest.NewServer(t)
	server.Refuse(apportionv1.Reason_REASON_TEAM_PAUSED, 0)
	quota, seen := connect(t, server)
	defer func() { _ = quota.Close() }()
	if _, err := quota.Prefetch(apportion.Request{}, apportion.PrefetchOptions{}).Permit(t.Context()); err == nil {
		t.Fatal("it is refused")
	}
	spans := seen.spans.Ended()
	if len(spans) != 1 || spans[0].Name() != "apportion.permit" {
		t.Fatalf("%v", spans)
	}
	if seen.total(t, "apportion.wait.duration", "error.type", "TEAM_PAUSED") != 1 ||
		seen.total(t, "apportion.calls", "error.type", "RESOURCE_EXHAUSTED") != 1 {
		t.Error("it is not counted as a failure")
	}
}
