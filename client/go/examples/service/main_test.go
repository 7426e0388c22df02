package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apportion.dev/client/apportiontest"
	"apportion.dev/client/apportionv1"
)

// provider counts the requests that arrive for a team.
func provider(t *testing.T, team string) (url string, arrivals *atomic.Int64) {
	t.Helper()
	arrivals = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Team") == team {
			arrivals.Add(1)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, arrivals
}

func TestEachRequestTakesAPermitAndNothingIsKept(t *testing.T) {
	server := apportiontest.NewServer(t)
	url, arrivals := provider(t, "sync")
	o := options{apportion: server.Config().Addresses[0], team: "sync", provider: url, workers: 2, requests: 8}
	if text := summary(t, o); text != "8 answers with status 200\n" || arrivals.Load() != 8 {
		t.Fatalf("%d arrived, %s", arrivals.Load(), text)
	}
	if server.Used() != 8 || server.Granted()-server.Returned() != 8 {
		t.Fatalf("%d granted, %d used, %d returned", server.Granted(), server.Used(), server.Returned())
	}
}

func TestARefusalIsToldWithItsReason(t *testing.T) {
	server := apportiontest.NewServer(t)
	server.Refuse(apportionv1.Reason_REASON_TEAM_PAUSED, 0)
	url, arrivals := provider(t, "")
	o := options{apportion: server.Config().Addresses[0], provider: url, workers: 1, requests: 3}
	if text := summary(t, o); text != "3 not sent: TEAM_PAUSED\n" || arrivals.Load() != 0 {
		t.Fatalf("%d arrived, %s", arrivals.Load(), text)
	}
}

func TestARealServerIsUsedForAWhile(t *testing.T) {
	url, arrivals := provider(t, "")
	start := time.Now().Add(200 * time.Millisecond)
	o := options{
		apportion: realServer(t), provider: url, workers: 2, requests: unbounded, seconds: 0.5, isJSON: true,
		startAt: float64(start.UnixNano()) / 1e9,
	}
	var text strings.Builder
	if err := run(t.Context(), o, newOutput(&text)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	for _, line := range lines {
		var seen outcome
		err := json.Unmarshal([]byte(line), &seen)
		if at := time.Unix(0, seen.AtNs); err != nil || seen.Status != http.StatusOK || at.Sub(start).Abs() > 5*time.Second {
			t.Fatalf("%v, %s", err, line)
		}
	}
	if int64(len(lines)) != arrivals.Load() || time.Since(start) < 500*time.Millisecond {
		t.Fatalf("%d arrived, %d lines after %v", arrivals.Load(), len(lines), time.Since(start))
	}
}

// summary is what a run prints at its end.
func summary(t *testing.T, o options) string {
	t.Helper()
	var text strings.Builder
	out := newOutput(&text)
	if err := run(t.Context(), o, out); err != nil {
		t.Fatal(err)
	}
	out.summarize()
	return text.String()
}

// realServer runs the server in memory, if it is built, and returns its URL.
func realServer(t *testing.T) string {
	t.Helper()
	const program = "../../../../target/debug/apportion"
	if _, err := os.Stat(program); err != nil {
		t.Skip("apportion is not built: run cargo build")
	}
	serve := exec.CommandContext(t.Context(), program, "serve", "--dev", "--listen", "127.0.0.1:0")
	out, err := serve.StdoutPipe()
	if err == nil {
		err = serve.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Kill()
		_ = serve.Wait()
	})
	var serving struct{ URL string }
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &serving)
	}
	if err != nil {
		t.Fatal(err)
	}
	return serving.URL
}
