package apportion

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
)

func init() {
	// Inside of a bubble of synctest, time.Now is virtual.
	now = func() instant { return instant(time.Now().UnixNano()) }
}

// scripted answers acquires as a test says, and records every call.
type scripted struct {
	mu       sync.Mutex
	acquires []*apportionv1.AcquireLeaseRequest
	timeouts []time.Duration
	settles  []*apportionv1.SettleLeaseRequest
	batches  int
	closes   int
	asked    int
	known    *apportionv1.GetSignalsResponse // nil if the server has no such call
	answer   func(ctx context.Context, call int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError)
	settled  func(batch int, message *apportionv1.BatchSettleLeasesRequest) (*apportionv1.BatchSettleLeasesResponse, *callError)
}

func (s *scripted) acquire(
	ctx context.Context, message *apportionv1.AcquireLeaseRequest, timeout time.Duration,
) (*apportionv1.Lease, *callError) {
	s.mu.Lock()
	call := len(s.acquires)
	s.acquires = append(s.acquires, message)
	s.timeouts = append(s.timeouts, timeout)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return s.answer(ctx, call, message)
}

func (s *scripted) settle(
	message *apportionv1.BatchSettleLeasesRequest, _ time.Duration,
) (*apportionv1.BatchSettleLeasesResponse, *callError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	if s.settled != nil {
		if response, failed := s.settled(s.batches, message); response != nil || failed != nil {
			return response, failed
		}
	}
	s.settles = append(s.settles, message.Requests...)
	outcomes := make([]*apportionv1.SettleOutcome, len(message.Requests))
	for at := range outcomes {
		outcomes[at] = &apportionv1.SettleOutcome{}
	}
	return &apportionv1.BatchSettleLeasesResponse{Outcomes: outcomes}, nil
}

func (s *scripted) signals(
	context.Context, *apportionv1.GetSignalsRequest, time.Duration,
) (*apportionv1.GetSignalsResponse, *callError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.known == nil {
		return nil, unreachable("no such call")
	}
	return s.known, nil
}

func (s *scripted) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closes++
}

// closed is how often the connections were closed.
func (s *scripted) closed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closes
}

// calls is how many acquires and settles there were.
func (s *scripted) calls() (acquires, batches int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acquires), s.batches
}

// reports are the requests that were settled.
func (s *scripted) reports() []*apportionv1.SettleLeaseRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.settles)
}

// requested are the acquires that were sent.
func (s *scripted) requested() []*apportionv1.AcquireLeaseRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acquires)
}

// returned is the permits that came back.
func (s *scripted) returned() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := map[string]uint32{}
	for _, settle := range s.settles {
		last[settle.LeaseId] = settle.ReturnedPermits
	}
	var sum uint32
	for _, permits := range last {
		sum += permits
	}
	return sum
}

// lease is what the message asks for, valid for 10 s.
func lease(message *apportionv1.AcquireLeaseRequest) *apportionv1.Lease {
	return &apportionv1.Lease{
		LeaseId:  "lease-" + message.RequestId,
		Permits:  message.GetPermits(),
		Priority: Default,
		ValidFor: durationpb.New(10 * time.Second),
	}
}

func unreachable(why string) *callError {
	return &callError{kind: callUnavailable, code: codes.Unavailable, refusal: &RefusedError{Message: why}}
}

func refusedFor(span *time.Duration, reason Reason) *callError {
	return &callError{kind: callRefused, code: codes.ResourceExhausted, refusal: &RefusedError{Reason: reason, RetryAfter: span}}
}

// play runs a test in virtual time, with a client of the script.
func play(t *testing.T, service *scripted, config Config, test func(t *testing.T, quota *Quota)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		config.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
		if service.answer == nil {
			service.answer = func(_ context.Context, _ int, message *apportionv1.AcquireLeaseRequest) (*apportionv1.Lease, *callError) {
				return lease(message), nil
			}
		}
		quota := newQuota(&config, service)
		test(t, quota)
		_ = quota.Close()
	})
}
