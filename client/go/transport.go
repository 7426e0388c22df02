package apportion

import (
	"context"
	"io"
	"net/http"
)

// Transport is an [http.RoundTripper] that waits for a permit for every attempt on the wire, and reports what the response said.
//
// It sits below redirects and retries, which call it once for each attempt. An [http.Transport] below it may send a request again
// by itself, after a connection that it reused was closed or the server of an HTTP/2 connection asked for it: if the request had
// gone out before, that takes another permit.
type Transport struct {
	source Source
	base   http.RoundTripper
	read   Reader // nil for the signals of the workspace
}

// NewTransport creates a transport that takes permits from the source and sends through base; nil means [http.DefaultTransport].
func NewTransport(source Source, base http.RoundTripper) *Transport {
	if base == nil {
		base = http.DefaultTransport
	}
	return &Transport{source: source, base: base}
}

// WithReader returns a transport that reads responses with read instead of by the signals of the workspace. It is given the body
// of a 429.
func (t *Transport) WithReader(read Reader) *Transport {
	return &Transport{source: t.source, base: t.base, read: read}
}

// RoundTrip implements [http.RoundTripper]. If no permit was granted, the error is that of [Quota.Acquire], and nothing was sent.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	permit, err := t.source.Permit(request.Context())
	if err != nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(request.Context())
	on := &wireAttempts{source: t.source, permit: permit, ctx: request.Context(), cancel: cancel}
	on.traced, _ = t.base.(*http.Transport)
	response, err := t.base.RoundTrip(request.WithContext(on.trace(ctx)))
	permit, refused := on.end(err)
	if err != nil {
		cancel(nil)
		if refused != nil {
			err = refused
		}
		return response, err
	}
	t.observe(permit, response)
	permit.Done()
	response.Body = closing(response.Body, func() { cancel(nil) })
	return response, nil
}

// observe reports what a response said. It reads a short body ahead where that may decide.
func (t *Transport) observe(permit *Permit, response *http.Response) {
	seen := Response{Status: response.StatusCode, Header: response.Header}
	wantsBody := response.StatusCode == http.StatusTooManyRequests
	if t.read == nil {
		wantsBody = permit.lease.signals.wantsBody(seen)
	}
	if wantsBody {
		seen.Body, response.Body = peek(response.Body)
	}
	if t.read == nil {
		permit.ObserveResponse(seen)
		return
	}
	for _, observation := range t.read(seen) {
		permit.Observe(observation)
	}
}

// CloseIdleConnections closes the idle connections of the transport below.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// closing calls closed when the body is closed or read to its end. The body of an upgraded connection can still be written.
func closing(body io.ReadCloser, closed func()) io.ReadCloser {
	watched := &closingBody{ReadCloser: body, closed: closed}
	if writer, ok := body.(io.Writer); ok {
		return struct {
			*closingBody
			io.Writer
		}{watched, writer}
	}
	return watched
}

type closingBody struct {
	io.ReadCloser
	closed func()
}

func (b *closingBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if err != nil {
		b.closed()
	}
	return n, err
}

func (b *closingBody) Close() error {
	defer b.closed()
	return b.ReadCloser.Close()
}
