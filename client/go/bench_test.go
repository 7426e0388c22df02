package apportion_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	apportion "apportion.dev/client"
	"apportion.dev/client/apportiontest"
)

// callCounter counts the calls of a client.
type callCounter struct {
	apportion.Telemetry
	calls atomic.Int64
}

func (c *callCounter) Waiting(context.Context, apportion.Waiting) func(error) {
	return func(error) {}
}
func (c *callCounter) Granted(apportion.Identity, uint32, bool)  {}
func (c *callCounter) Returned(apportion.Identity, uint32, bool) {}
func (c *callCounter) Called(string, string)                     { c.calls.Add(1) }

// prefetching is a prefetch at a server that grants everything, and a count of its calls.
func prefetching(b *testing.B) (*apportion.Prefetch, *callCounter) {
	b.Helper()
	config, counter := apportiontest.NewServer(b).Config(), &callCounter{}
	config.Telemetry = counter
	quota, err := apportion.Connect(config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = quota.Close() })
	return quota.Prefetch(apportion.Request{}, apportion.PrefetchOptions{}), counter
}

func take(b *testing.B, from *apportion.Prefetch) {
	permit, err := from.Permit(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	permit.Done()
}

// BenchmarkCallsFor1000Permits takes permits at a rate of 1000 a second, and counts the calls after the first of them.
func BenchmarkCallsFor1000Permits(b *testing.B) {
	prefetch, counter := prefetching(b)
	start, taken := time.Now(), 0
	at := func() {
		time.Sleep(time.Until(start.Add(time.Duration(taken) * time.Millisecond)))
		take(b, prefetch)
		taken++
	}
	for range 1000 {
		at()
	}
	before := counter.calls.Load()
	for b.Loop() {
		for range 1000 {
			at()
		}
	}
	b.ReportMetric(float64(counter.calls.Load()-before)/float64(b.N), "calls/op")
}

// BenchmarkRequest measures single permits between requests to a server in this process, without and with the hook. It reports
// medians of what they took by turns, since the machine is not equally busy all the time.
func BenchmarkRequest(b *testing.B) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "166")
		w.Header().Set("X-RateLimit-Remaining", "100")
	}))
	defer provider.Close()
	prefetch, _ := prefetching(b)
	plain, hooked := &http.Client{}, &http.Client{Transport: apportion.NewTransport(prefetch, nil)}
	var permits, requests, withHook []float64
	for b.Loop() {
		requests = append(requests, elapsed(func() { get(b, plain, provider.URL) }))
		permits = append(permits, elapsed(func() { take(b, prefetch) }))
		withHook = append(withHook, elapsed(func() { get(b, hooked, provider.URL) }))
	}
	permit, request := median(permits), median(requests)
	b.ReportMetric(permit, "permit-µs")
	b.ReportMetric(100*permit/request, "permit-%-of-request")
	b.ReportMetric(request, "request-µs")
	b.ReportMetric(median(withHook), "hooked-µs")
	b.ReportMetric(0, "ns/op") // not the sum of them
}

func get(b *testing.B, client *http.Client, url string) {
	response, err := client.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}

// elapsed returns how many microseconds a step takes.
func elapsed(step func()) float64 {
	start := time.Now()
	step()
	return float64(time.Since(start).Nanoseconds()) / 1e3
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
