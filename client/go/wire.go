package apportion

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"sync"
)

// wireAttempts are the attempts of one round trip, as far as an [http.Transport] tells of them.
type wireAttempts struct {
	source Source
	ctx    context.Context
	cancel context.CancelCauseFunc
	// The transport below, if it is one that tells of its connections, so that it is known whether anything was sent.
	traced *http.Transport

	mu     sync.Mutex
	permit *Permit
	isSent bool
	// Why the request was not sent again.
	refused error
}

func (w *wireAttempts) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: w.gotConn,
		WroteHeaders: func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.isSent = true
		},
	})
}

// gotConn is called before an attempt is sent. It takes another permit if the former one is used or too old, and stops the attempt
// if there is none.
func (w *wireAttempts) gotConn(info httptrace.GotConnInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused != nil || !w.isSent && w.permit.ValidFor() > 0 {
		return
	}
	permit, err := w.source.Permit(w.ctx)
	if err != nil {
		w.stop(info, err)
		return
	}
	w.leave()
	w.permit, w.isSent = permit, false
}

// stop keeps the attempt from being sent. HTTP/2 looks at the context before it sends, and shares its connections. HTTP/1 does
// neither.
func (w *wireAttempts) stop(info httptrace.GotConnInfo, err error) {
	w.refused = err
	w.cancel(err)
	if !w.isHTTP2(info) {
		_ = info.Conn.Close()
	}
}

func (w *wireAttempts) isHTTP2(info httptrace.GotConnInfo) bool {
	if secure, ok := info.Conn.(*tls.Conn); ok {
		return secure.ConnectionState().NegotiatedProtocol == "h2"
	}
	return w.traced != nil && w.traced.Protocols != nil && w.traced.Protocols.UnencryptedHTTP2() && !w.traced.Protocols.HTTP1()
}

// leave ends the use of the permit: it goes back if its request was certainly not sent.
func (w *wireAttempts) leave() {
	if w.traced != nil && !w.isSent {
		w.permit.PutBack()
	} else {
		w.permit.Done()
	}
}

// end returns the permit of the last attempt, still in use where there is a response, and why there was no further one.
func (w *wireAttempts) end(err error) (*Permit, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.leave()
	}
	return w.permit, w.refused
}
