package apportion

import (
	"context"
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// leaseService answers the calls of a client. None takes longer than its timeout, whatever it waits for.
type leaseService interface {
	acquire(ctx context.Context, message *apportionv1.AcquireLeaseRequest, timeout time.Duration) (*apportionv1.Lease, *callError)
	settle(message *apportionv1.BatchSettleLeasesRequest, timeout time.Duration) (*apportionv1.BatchSettleLeasesResponse, *callError)
	signals(ctx context.Context, message *apportionv1.GetSignalsRequest, timeout time.Duration) (*apportionv1.GetSignalsResponse, *callError)
	close()
}

// callKind says what a failed call means for the next attempt.
type callKind int

const (
	// The server is unreachable or cannot serve now.
	callUnavailable callKind = iota
	// The lease that an earlier attempt was granted has ended: repeat with a new request id.
	callLeaseEnded
	// The request is refused and not repeated.
	callRefused
)

// callError says why a call failed.
type callError struct {
	kind    callKind
	code    codes.Code
	refusal *RefusedError
	// Whether the same call goes elsewhere, or with another token, when it is repeated. Then it need not be delayed.
	isRerouted bool
}

// retryAfter is how long to wait before the call is repeated, at least.
func (e *callError) retryAfter() time.Duration {
	if e.refusal.RetryAfter == nil {
		return 0
	}
	return *e.refusal.RetryAfter
}

// newCallError reads what a status says. isTransport says that it is not the server's: a broken connection, no answer in time, or
// a proxy in between.
func newCallError(err error) (failed *callError, isTransport bool) {
	s := status.Convert(err)
	failed = &callError{kind: callRefused, code: s.Code(), refusal: &RefusedError{Message: s.Message()}}
	hasInfo := false
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			hasInfo = true
			failed.refusal.Name = detail.Reason
			failed.refusal.Reason = Reason(apportionv1.Reason_value["REASON_"+detail.Reason])
		case *errdetails.RetryInfo:
			if delay := detail.RetryDelay; delay != nil {
				span := max(delay.AsDuration(), 0)
				failed.refusal.RetryAfter = &span
			}
		}
	}
	switch s.Code() {
	case codes.Unavailable:
		failed.kind = callUnavailable
		return failed, !hasInfo
	case codes.Unknown, codes.Internal, codes.Canceled, codes.DeadlineExceeded:
		if !hasInfo {
			failed.kind = callUnavailable
			return failed, true
		}
	default:
	}
	if failed.refusal.Reason == apportionv1.Reason_REASON_LEASE_ENDED {
		failed.kind = callLeaseEnded
	}
	return failed, false
}
