package apportion

import (
	"io"
	"net/http"
	"time"

	"apportion.dev/client/internal/signals"
)

// peekWait is how long a response waits for its body, where the body may decide what it means.
const peekWait = 500 * time.Millisecond

// Response is a response of the provider, as far as it may say something about limits.
type Response struct {
	// Status is the HTTP status.
	Status int
	// Header is the header lines, with names as [http.Header.Add] writes them.
	Header http.Header
	// Body is the whole body; nil if it is not at hand. More than 4096 bytes are not looked at.
	Body []byte
}

// Reader reads what a response of the provider says about its limits.
type Reader func(Response) []Observation

// peek reads a short body ahead. It returns nil if the body is long or slow, and what the user reads instead of the body.
func peek(body io.ReadCloser) (whole []byte, instead io.ReadCloser) {
	ahead := &peekedBody{ReadCloser: body, isRead: make(chan struct{})}
	go func() {
		defer close(ahead.isRead)
		ahead.start, ahead.err = io.ReadAll(io.LimitReader(body, signals.BodyMax+1))
	}()
	slow := time.NewTimer(peekWait)
	defer slow.Stop()
	select {
	case <-ahead.isRead:
		if ahead.err == nil && len(ahead.start) <= signals.BodyMax {
			return ahead.start, ahead
		}
	case <-slow.C:
	}
	return nil, ahead
}

// peekedBody is what was read ahead of a body, and then the rest.
type peekedBody struct {
	io.ReadCloser
	// Closed when the start is read. Closing the body ends that as well.
	isRead chan struct{}
	start  []byte
	err    error
}

func (b *peekedBody) Read(into []byte) (int, error) {
	<-b.isRead
	if len(b.start) > 0 {
		n := copy(into, b.start)
		b.start = b.start[n:]
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.ReadCloser.Read(into)
}
