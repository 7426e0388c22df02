package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	apportion "apportion.dev/client"
	pb "apportion.dev/client/conformance/driverpb"
)

func done() *pb.DriverResponse {
	return &pb.DriverResponse{Result: &pb.DriverResponse_Done{Done: &pb.Done{}}}
}

func unsupported(why string) *pb.DriverResponse {
	return failure(&pb.Failure{Kind: pb.Failure_KIND_UNSUPPORTED, Message: why})
}

func failure(failed *pb.Failure) *pb.DriverResponse {
	return &pb.DriverResponse{Result: &pb.DriverResponse_Failure{Failure: failed}}
}

func outcome(err error) *pb.DriverResponse {
	if err == nil {
		return done()
	}
	return failed(err, pb.Failure_KIND_OTHER)
}

// failed tells of an error of the library; any other one is of the kind otherwise.
func failed(err error, otherwise pb.Failure_Kind) *pb.DriverResponse {
	f := &pb.Failure{Kind: otherwise, Message: err.Error(), Type: fmt.Sprintf("%T", err)}
	var refused *apportion.RefusedError
	var unreachable *apportion.UnreachableError
	var invalid *apportion.InvalidResponseError
	var config *apportion.ConfigError
	switch {
	case errors.As(err, &refused):
		f.Kind, f.Reason = pb.Failure_KIND_REFUSED, refused.Name
		if refused.RetryAfter != nil {
			ms := uint64(refused.RetryAfter.Milliseconds())
			f.RetryAfterMs = &ms
		}
	case errors.As(err, &unreachable):
		f.Kind = pb.Failure_KIND_UNREACHABLE
	case errors.As(err, &invalid):
		f.Kind = pb.Failure_KIND_INVALID_RESPONSE
	case errors.As(err, &config):
		f.Kind = pb.Failure_KIND_CONFIG
	case errors.Is(err, apportion.ErrTimedOut):
		f.Kind = pb.Failure_KIND_TIMED_OUT
	case errors.Is(err, apportion.ErrClosed):
		f.Kind = pb.Failure_KIND_CLOSED
	case errors.Is(err, context.Canceled):
		f.Kind = pb.Failure_KIND_CANCELLED
	case isHTTP(err):
		f.Kind = pb.Failure_KIND_HTTP
	}
	return failure(f)
}

func isHTTP(err error) bool {
	var transport *url.Error
	var network net.Error
	return errors.As(err, &transport) || errors.As(err, &network)
}

// pause waits, for the verb of that name.
func pause(ctx context.Context, span time.Duration) *pb.DriverResponse {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
		return done()
	case <-ctx.Done():
		return outcome(ctx.Err())
	}
}
