package apportion_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
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

// BenchmarkRequest measures a request to a server in this process, without and with the hook.
func BenchmarkRequest(b *testing.B) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "166")
		w.Header().Set("X-RateLimit-Remaining", "100")
	}))
	defer provider.Close()
	prefetch, _ := prefetching(b)
	run := func(through http.RoundTripper) func(*testing.B) {
		client := &http.Client{Transport: through}
		return func(b *testing.B) {
			for b.Loop() {
				response, err := client.Get(provider.URL)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		}
	}
	b.Run("plain", run(http.DefaultTransport))
	b.Run("hooked", run(apportion.NewTransport(prefetch, nil)))
}
