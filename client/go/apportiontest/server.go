// Package apportiontest has a server for the tests of services that take permits. It runs in the test's process, on loopback,
// without a store: it grants what it is told to, and remembers what came back.
//
//	server := apportiontest.NewServer(t)
//	quota, err := apportion.Connect(server.Config())
package apportiontest

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	apportion "apportion.dev/client"
	"apportion.dev/client/apportionv1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// validFor is how long a lease is valid.
const validFor = 10 * time.Second

// Server grants every request until it is told otherwise.
type Server struct {
	apportionv1.UnimplementedQuotaServiceServer
	address string

	mu           sync.Mutex
	left         uint32
	isLimited    bool
	refusal      error
	leases       uint64
	granted      uint32
	used         map[string]uint32
	returned     map[string]uint32
	observations []*apportionv1.Observation
}

// NewServer starts a server that stops at the end of the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		address:  "http://" + listener.Addr().String(),
		used:     map[string]uint32{},
		returned: map[string]uint32{},
	}
	server := grpc.NewServer()
	apportionv1.RegisterQuotaServiceServer(server, s)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return s
}

// Config is a configuration for clients of this server.
func (s *Server) Config() apportion.Config {
	return apportion.Config{Addresses: []string{s.address}}
}

// Limit grants so many permits from now on, returned ones included, and refuses further requests with WINDOW_EXHAUSTED.
func (s *Server) Limit(permits uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left, s.isLimited, s.refusal = permits, true, nil
}

// Refuse refuses every request from now on. With a retryAfter of 0, the refusal is final.
func (s *Server) Refuse(reason apportion.Reason, retryAfter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = refusal(reason, retryAfter)
}

// Granted, Used and Returned count permits since the start.
func (s *Server) Granted() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.granted
}

// Used is the permits that were reported as used.
func (s *Server) Used() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sum(s.used)
}

// Returned is the permits that came back.
func (s *Server) Returned() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sum(s.returned)
}

// Observations are all that were reported.
func (s *Server) Observations() []*apportionv1.Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*apportionv1.Observation(nil), s.observations...)
}

func sum(counts map[string]uint32) (sum uint32) {
	for _, count := range counts {
		sum += count
	}
	return sum
}

// AcquireLease implements the call of the API.
func (s *Server) AcquireLease(
	_ context.Context, request *apportionv1.AcquireLeaseRequest,
) (*apportionv1.AcquireLeaseResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return nil, s.refusal
	}
	permits, least := request.GetPermits(), request.GetMinPermits()
	if least == 0 {
		least = permits
	}
	if s.isLimited {
		if s.left < least {
			return nil, refusal(apportionv1.Reason_REASON_WINDOW_EXHAUSTED, time.Second)
		}
		permits = min(permits, s.left)
		s.left -= permits
	}
	s.leases++
	s.granted += permits
	priority := request.Priority
	if priority == apportionv1.Priority_PRIORITY_UNSPECIFIED {
		priority = apportion.Default
	}
	return &apportionv1.AcquireLeaseResponse{Lease: &apportionv1.Lease{
		LeaseId:  fmt.Sprintf("lease-%d", s.leases),
		Permits:  permits,
		Priority: priority,
		ValidFor: durationpb.New(validFor),
	}}, nil
}

// BatchSettleLeases implements the call of the API.
func (s *Server) BatchSettleLeases(
	_ context.Context, request *apportionv1.BatchSettleLeasesRequest,
) (*apportionv1.BatchSettleLeasesResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	response := &apportionv1.BatchSettleLeasesResponse{}
	for _, report := range request.Requests {
		back := report.ReturnedPermits - s.returned[report.LeaseId]
		s.left += back
		s.used[report.LeaseId], s.returned[report.LeaseId] = report.UsedPermits, report.ReturnedPermits
		s.observations = append(s.observations, report.Observations...)
		settled := &apportionv1.Settled{ReturnedPermits: report.ReturnedPermits, AcceptedPermits: back, Open: !report.IsFinal}
		response.Outcomes = append(response.Outcomes,
			&apportionv1.SettleOutcome{Outcome: &apportionv1.SettleOutcome_Settled{Settled: settled}})
	}
	return response, nil
}

func refusal(reason apportion.Reason, retryAfter time.Duration) error {
	name := reason.String()[len("REASON_"):]
	refused := status.New(codes.ResourceExhausted, "the test says so")
	with, err := refused.WithDetails(&errdetails.ErrorInfo{Reason: name, Domain: "apportion.dev"})
	if err == nil && retryAfter > 0 {
		with, err = with.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)})
	}
	if err != nil {
		return err
	}
	return with.Err()
}
