package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	apportion "apportion.dev/client"
)

// outcome is how one request ended, as a line of JSON.
type outcome struct {
	AtNs      int64  `json:"at_ns"`
	TookUs    int64  `json:"took_us"`
	Status    int    `json:"status"`
	Error     string `json:"error,omitempty"`
	isRefused bool
}

// reason says why there was no response, and whether that is because no permit was granted.
func reason(err error) (why string, isRefused bool) {
	var refused *apportion.RefusedError
	var unreachable *apportion.UnreachableError
	switch {
	case errors.As(err, &refused):
		return refused.Name, true
	case errors.As(err, &unreachable):
		return "UNREACHABLE", true
	case errors.Is(err, apportion.ErrTimedOut):
		return "TIMED_OUT", true
	default:
		return err.Error(), false
	}
}

// discard reads a body to its end, so that its connection can be used again.
func discard(body io.ReadCloser) error {
	_, err := io.Copy(io.Discard, body)
	return errors.Join(err, body.Close())
}

// output prints what became of the requests, at once or at the end.
type output struct {
	mu     sync.Mutex
	to     io.Writer
	counts map[string]int
}

func newOutput(to io.Writer) *output {
	return &output{to: to, counts: map[string]int{}}
}

func (o *output) add(seen outcome, isJSON bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if isJSON {
		_ = json.NewEncoder(o.to).Encode(seen)
		return
	}
	switch {
	case seen.isRefused:
		o.counts["not sent: "+seen.Error]++
	case seen.Error != "":
		o.counts["without an answer: "+seen.Error]++
	default:
		o.counts[fmt.Sprintf("answers with status %d", seen.Status)]++
	}
}

func (o *output) summarize() {
	for _, what := range slices.Sorted(maps.Keys(o.counts)) {
		fmt.Fprintln(o.to, o.counts[what], what)
	}
}
