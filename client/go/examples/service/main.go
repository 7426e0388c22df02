// A small service that calls a provider through net/http, with a permit for each attempt:
//
//	go run ./examples/service -provider http://127.0.0.1:8080/contacts
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	apportion "apportion.dev/client"
)

// pause is how long a worker rests after each response.
const pause = 20 * time.Millisecond

// unbounded requests are sent until something else ends them.
const unbounded = -1

// options are the command line.
type options struct {
	apportion, workspace, team, caller, provider, token string
	workers, requests                                   int
	seconds, startAt                                    float64
	isJSON, isInsecure                                  bool
}

func parse() options {
	var o options
	flag.StringVar(&o.apportion, "apportion", "http://127.0.0.1:7420", "where Apportion listens; the nodes of a cluster separated by commas")
	flag.StringVar(&o.workspace, "workspace", "", "the workspace")
	flag.StringVar(&o.team, "team", "", "the team")
	flag.StringVar(&o.caller, "caller", "example-go", "the name of this service")
	flag.StringVar(&o.provider, "provider", "http://127.0.0.1:8080/contacts", "what is called")
	flag.StringVar(&o.token, "token", "", "the bearer token, if the server requires one")
	flag.BoolVar(&o.isInsecure, "insecure", false, "send the token over a network that encrypts by itself")
	flag.IntVar(&o.workers, "workers", 1, "how many requests are in flight at most")
	flag.IntVar(&o.requests, "requests", unbounded, "end after that many requests (default 100, unless -seconds is given)")
	flag.Float64Var(&o.seconds, "seconds", 0, "end after that long")
	flag.Float64Var(&o.startAt, "start-at", 0, "when to start, in Unix seconds")
	flag.BoolVar(&o.isJSON, "json", false, "print a line for each request")
	flag.Parse()
	if o.requests == unbounded && o.seconds == 0 {
		o.requests = 100
	}
	return o
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := newOutput(os.Stdout)
	options := parse()
	if err := run(ctx, options, out); err != nil {
		log.Fatal(err)
	}
	if !options.isJSON {
		out.summarize()
	}
}

// run sends requests until the end that the options name, or until the context is done.
func run(ctx context.Context, o options, out *output) error {
	quota, err := apportion.Connect(apportion.Config{
		Addresses: strings.Split(o.apportion, ","), Workspace: o.workspace, Team: o.team, Caller: o.caller,
		Token: o.token, Insecure: o.isInsecure,
	})
	if err != nil {
		return err
	}
	prefetch := quota.Prefetch(apportion.Request{MaxWait: 30 * time.Second}, apportion.PrefetchOptions{})
	base := &http.Transport{MaxIdleConnsPerHost: o.workers, ResponseHeaderTimeout: 30 * time.Second}
	client := &http.Client{Transport: apportion.NewTransport(prefetch, base)}

	tickets := o.tickets(ctx)
	var workers sync.WaitGroup
	for range o.workers {
		workers.Go(func() {
			for range tickets {
				if seen := send(ctx, client, o); ctx.Err() == nil {
					out.add(seen, o.isJSON)
				}
				rest(ctx, pause)
			}
		})
	}
	workers.Wait()
	client.CloseIdleConnections()
	return quota.Close() // gives everything back
}

// tickets has one for each request that is to be sent. It is closed at the end.
func (o options) tickets(ctx context.Context) <-chan struct{} {
	tickets := make(chan struct{})
	go func() {
		defer close(tickets)
		start := time.Now()
		if o.startAt > 0 {
			start = time.Unix(0, int64(o.startAt*1e9))
			rest(ctx, time.Until(start))
		}
		var end <-chan time.Time
		if o.seconds > 0 {
			end = time.After(time.Until(start.Add(time.Duration(o.seconds * 1e9))))
		}
		for sent := 0; o.requests == unbounded || sent < o.requests; sent++ {
			select {
			case tickets <- struct{}{}:
			case <-end:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return tickets
}

func rest(ctx context.Context, length time.Duration) {
	select {
	case <-time.After(length):
	case <-ctx.Done():
	}
}

// send sends one request. The client waits for its permit.
func send(ctx context.Context, client *http.Client, o options) outcome {
	issued := time.Now()
	status, err := get(ctx, client, o)
	seen := outcome{AtNs: issued.UnixNano(), TookUs: time.Since(issued).Microseconds(), Status: status}
	if err != nil {
		seen.Error, seen.isRefused = reason(err)
	}
	return seen
}

func get(ctx context.Context, client *http.Client, o options) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.provider, nil)
	if err != nil {
		return 0, fmt.Errorf("-provider: %w", err)
	}
	request.Header.Set("X-Team", o.team)
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, discard(response.Body)
}
