package apportion

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"apportion.dev/client/apportionv1"
)

// withSignals are leases that name a version of signals, and that version.
func withSignals(version uint32, known *Signals) *scripted {
	service := &scripted{known: &apportionv1.GetSignalsResponse{Signals: known, SignalsVersion: version}}
	service.answer = func(_ context.Context, _ int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
		granted := lease(message)
		service.mu.Lock()
		defer service.mu.Unlock()
		granted.SignalsVersion = service.known.GetSignalsVersion()
		return granted, nil
	}
	return service
}

func fromHeader(name string) *Signals {
	return &Signals{Limits: []*apportionv1.LimitSignal{{LimitPermits: &apportionv1.CountSource{Header: name}}}}
}

// observeThrough acquires a lease, waits until signals are there, and reports a response with these headers.
func observeThrough(t *testing.T, quota *Quota, headers map[string]string) {
	t.Helper()
	lease, err := quota.Acquire(t.Context(), Request{})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	response := Response{Status: http.StatusOK, Header: http.Header{}}
	for name, value := range headers {
		response.Header.Set(name, value)
	}
	lease.ObserveResponse(response)
	lease.Take()
	lease.Done()
}

// observedLimits are the limits that were reported, in order.
func (s *scripted) observedLimits() (limits []uint32) {
	for _, report := range s.reports() {
		for _, observation := range report.Observations {
			limits = append(limits, observation.GetLimitPermits())
		}
	}
	return limits
}

func TestSignalsAreGotOnceAndAgainWhenTheyChange(t *testing.T) {
	service := withSignals(7, fromHeader("X-Mine"))
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		for range 3 {
			observeThrough(t, quota, map[string]string{"X-Mine": "42", "X-Other": "1"})
		}
		if service.asked != 1 {
			t.Fatalf("asked %d times", service.asked)
		}
		service.known = &apportionv1.GetSignalsResponse{Signals: fromHeader("X-Other"), SignalsVersion: 8}
		observeThrough(t, quota, map[string]string{"X-Mine": "42", "X-Other": "1"})
	})
	limits := service.observedLimits()
	if service.asked != 2 || len(limits) != 4 || limits[0] != 42 || limits[3] != 1 {
		t.Fatalf("asked %d times, read %v", service.asked, limits)
	}
}

func TestSignalsThatCannotBeGotAreAskedForAtMostOnceASecond(t *testing.T) {
	service := withSignals(7, nil)
	play(t, service, Config{}, func(t *testing.T, quota *Quota) {
		answer := service.answer
		service.answer = func(ctx context.Context, call int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
			granted, failed := answer(ctx, call, message)
			granted.SignalsVersion = 7
			return granted, failed
		}
		service.known = nil
		for range 10 {
			observeThrough(t, quota, map[string]string{"X-RateLimit-Limit": "166"})
		}
		if service.asked != 1 {
			t.Fatalf("asked %d times", service.asked)
		}
		time.Sleep(signalsPause)
		observeThrough(t, quota, nil)
	})
	if limits := service.observedLimits(); service.asked != 2 || len(limits) != 10 || limits[9] != 166 {
		t.Fatalf("asked %d times, read %v", service.asked, limits)
	}
}

func TestSignalsOfTheConfigurationReplaceThoseOfTheServer(t *testing.T) {
	service := withSignals(7, fromHeader("X-Mine"))
	play(t, service, Config{Signals: fromHeader("X-Own")}, func(t *testing.T, quota *Quota) {
		observeThrough(t, quota, map[string]string{"X-Mine": "42", "X-Own": "3"})
	})
	if limits := service.observedLimits(); service.asked != 0 || len(limits) != 1 || limits[0] != 3 {
		t.Fatalf("asked %d times, read %v", service.asked, limits)
	}
}

func TestWithoutSignalsTheStandardHeadersAreReadAndTheUsualOnes(t *testing.T) {
	keeper := newSignalKeeper(&Config{}, nil)
	read := func(status int, lines ...string) []Observation {
		header := http.Header{}
		for at := 0; at < len(lines); at += 2 {
			header.Add(lines[at], lines[at+1])
		}
		return keeper.read(Response{Status: status, Header: header})
	}
	if o := read(200, "RateLimit-Policy", `"a";q=10`, "RateLimit", `"a";r=3;t=5`)[0]; *o.LimitPermits != 10 || *o.ResetAfter != 5*time.Second {
		t.Errorf("%+v", o)
	}
	if o := read(200, "X-RateLimit-Limit", "166", "Retry-After", "9")[0]; *o.LimitPermits != 166 || o.RetryAfter != nil {
		t.Errorf("%+v", o)
	}
	if o := read(429, "X-RateLimit-Limit", "166", "Retry-After", "2")[0]; !o.Throttled || *o.RetryAfter != 2*time.Second {
		t.Errorf("%+v", o)
	}
	if o := read(503, "Retry-After", "2")[0]; o.Throttled || *o.RetryAfter != 2*time.Second {
		t.Errorf("%+v", o)
	}
	if seen := read(200); seen != nil {
		t.Errorf("%+v", seen)
	}
}

// jobs take a 429 for a throttle unless its body is about jobs.
var jobs = &Signals{Throttles: []*apportionv1.ThrottleSignal{
	{
		Response: &apportionv1.ResponseMatch{
			Statuses: []uint32{http.StatusTooManyRequests},
			Body:     []*apportionv1.BodyMatch{{Path: "code", Text: &apportionv1.BodyMatch_Equals{Equals: "jobs"}}},
		},
		Effect: apportionv1.ThrottleEffect_THROTTLE_EFFECT_UNRELATED,
	},
	{Response: &apportionv1.ResponseMatch{Statuses: []uint32{http.StatusTooManyRequests}}},
}}

func TestABodyDecidesAndIsStillRead(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	bodies := map[string]bool{`{"code":"jobs"}`: false, `{"code":"rate"}`: true, "": true, `{"code":"jobs","x":"` + long + `"}`: true}
	for sent, isThrottle := range bodies {
		provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, sent)
		}))
		service := budget(1)
		quota := newQuota(&Config{Signals: jobs}, service)
		client := &http.Client{Transport: NewTransport(quota.Source(Request{}), &http.Transport{})}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, provider.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || string(body) != sent {
			t.Errorf("%d bytes of %d, %v", len(body), len(sent), err)
		}
		_ = response.Body.Close()
		if err := quota.Close(); err != nil {
			t.Fatal(err)
		}
		if isReported := len(service.reports()[0].Observations) > 0; isReported != isThrottle {
			t.Errorf("%.20q: %v", sent, service.reports())
		}
		provider.Close()
	}
}

func TestASlowBodyHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := io.Pipe()
		start := time.Now()
		whole, instead := peek(from)
		if whole != nil || time.Since(start) != peekWait {
			t.Fatalf("%q after %v", whole, time.Since(start))
		}
		go func() {
			_, _ = io.WriteString(to, "late")
			_ = to.CloseWithError(io.ErrUnexpectedEOF)
		}()
		if got, err := io.ReadAll(instead); string(got) != "late" || err != io.ErrUnexpectedEOF {
			t.Fatalf("%q, %v", got, err)
		}
		if err := instead.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAReaderOfTheUserReplacesTheSignals(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, "7 left")
	}))
	defer provider.Close()
	service := budget(1)
	quota := newQuota(&Config{Signals: jobs}, service)
	transport := NewTransport(quota.Source(Request{}), &http.Transport{}).WithReader(func(response Response) []Observation {
		remaining := uint32(response.Body[0] - '0')
		return []Observation{{RemainingPermits: &remaining}}
	})
	if _, err := get(t, &http.Client{Transport: transport}, provider.URL); err != nil {
		t.Fatal(err)
	}
	if err := quota.Close(); err != nil {
		t.Fatal(err)
	}
	if seen := service.reports()[0].Observations; len(seen) != 1 || seen[0].GetRemainingPermits() != 7 || seen[0].Throttled {
		t.Fatalf("%v", seen)
	}
}
