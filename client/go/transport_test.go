package apportion

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apportion.dev/client/apportionv1"
)

// budget grants so many permits, one for each call, and refuses then.
func budget(permits int) *scripted {
	service := &scripted{}
	service.answer = func(_ context.Context, call int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		if call >= permits {
			return nil, refusedFor(nil, apportionv1.Reason_REASON_TOO_LARGE)
		}
		return lease(message), nil
	}
	return service
}

// through sends with a client whose transport takes permits of the budget, and closes the quota at the end.
func through(t *testing.T, service *scripted, base *http.Transport) *http.Client {
	t.Helper()
	quota := newQuota(&Config{}, service)
	t.Cleanup(func() {
		base.CloseIdleConnections()
		if err := quota.Close(); err != nil {
			t.Error(err)
		}
	})
	return &http.Client{Transport: NewTransport(quota.Source(Request{}), base)}
}

func get(t *testing.T, client *http.Client, url string) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	return response, err
}

func TestEveryRedirectTakesAPermit(t *testing.T) {
	var arrivals atomic.Int64
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if arrivals.Add(1) < 3 {
			http.Redirect(w, r, "/next", http.StatusTemporaryRedirect)
		}
	}))
	defer provider.Close()
	service := budget(3)
	client := through(t, service, &http.Transport{})
	if _, err := get(t, client, provider.URL); err != nil || arrivals.Load() != 3 {
		t.Fatalf("%v, %d arrivals", err, arrivals.Load())
	}
	var refused *RefusedError
	if _, err := get(t, client, provider.URL); !errors.As(err, &refused) || arrivals.Load() != 3 {
		t.Fatalf("%v, %d arrivals", err, arrivals.Load())
	}
}

func TestARequestThatWasNotSentPutsItsPermitBack(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	_ = listener.Close()
	service := budget(5)
	quota := newQuota(&Config{}, service)
	client := &http.Client{Transport: NewTransport(quota.Source(Request{}), &http.Transport{})}
	if _, err := get(t, client, url); err == nil {
		t.Fatal("nobody listens")
	}
	if err := quota.Close(); err != nil || service.returned() != 1 {
		t.Fatalf("%v, %d came back", err, service.returned())
	}
}

// flaky answers the first request of every connection, and closes the connection after it has read the second. It counts the
// requests that arrived.
func flaky(t *testing.T) (url string, arrivals *atomic.Int64) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	arrivals = &atomic.Int64{}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = connection.Close() }()
				reader := bufio.NewReader(connection)
				for answered := range 2 {
					if _, err := http.ReadRequest(reader); err != nil {
						return
					}
					arrivals.Add(1)
					if answered == 0 {
						_, _ = fmt.Fprint(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					}
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String(), arrivals
}

func TestARequestThatIsSentAgainTakesAnotherPermit(t *testing.T) {
	url, arrivals := flaky(t)
	service := budget(3)
	client := through(t, service, &http.Transport{})
	for range 2 {
		if _, err := get(t, client, url); err != nil {
			t.Fatal(err)
		}
	}
	// The second request arrived on the first connection, was sent again on another one, and was answered there.
	if granted, _ := service.calls(); arrivals.Load() != 3 || granted != 3 {
		t.Fatalf("%d arrivals of %d permits", arrivals.Load(), granted)
	}
}

func TestARequestIsNotSentAgainWithoutAPermit(t *testing.T) {
	url, arrivals := flaky(t)
	client := through(t, budget(2), &http.Transport{})
	if _, err := get(t, client, url); err != nil {
		t.Fatal(err)
	}
	var refused *RefusedError
	if _, err := get(t, client, url); !errors.As(err, &refused) || arrivals.Load() != 2 {
		t.Fatalf("%v, %d arrivals of 2 permits", err, arrivals.Load())
	}
}

func TestAResponseIsReported(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-RateLimit-Limit", "166")
		w.Header().Set("X-RateLimit-Remaining", " 7 ")
		w.Header().Set("X-RateLimit-Reset", "1800000000")
		w.Header().Set("Retry-After", "soon")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer provider.Close()
	service := budget(1)
	quota := newQuota(&Config{}, service)
	client := &http.Client{Transport: NewTransport(quota.Source(Request{}), &http.Transport{})}
	if _, err := get(t, client, provider.URL); err != nil {
		t.Fatal(err)
	}
	if err := quota.Close(); err != nil {
		t.Fatal(err)
	}
	seen := service.reports()[0].Observations[0]
	if seen.Status != 429 || !seen.Throttled || seen.GetLimitPermits() != 166 || seen.GetRemainingPermits() != 7 ||
		seen.GetResetTime().AsTime().Unix() != 1_800_000_000 || seen.RetryAfter != nil {
		t.Fatalf("%v", seen)
	}
}

func TestABodyIsSentAndReadThroughTheTransport(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	defer provider.Close()
	client := through(t, budget(1), &http.Transport{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, provider.URL, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "hello" {
		t.Fatalf("%q, %v", body, err)
	}
}

func TestTheLimiterHasTheShapeOfRate(t *testing.T) {
	quota := newQuota(&Config{}, budget(100))
	defer func() { _ = quota.Close() }()
	limiter := NewLimiter(quota.Prefetch(Request{MaxWait: time.Second}, PrefetchOptions{}))
	if err := limiter.WaitN(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for limiter.Reserve().Delay() > 0 {
		if err := sleep(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}
