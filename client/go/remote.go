package apportion

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	// A connection that gave no answer for so long is replaced.
	silenceLeast = 900 * time.Millisecond
	// How much later the deadline is that the call itself carries, so that it is not taken for an answer.
	headerMargin = 100 * time.Millisecond
)

// remote is the quota service behind one or more addresses. It calls the node that is to be called next, with a deadline that
// covers connecting and waiting for a stream.
type remote struct {
	dialer    *dialer
	logger    *slog.Logger
	telemetry Telemetry

	mu       sync.Mutex
	routes   *routes
	nodes    map[address]*node
	token    *tokenKeeper
	isClosed bool
}

func newRemote(config *Config, logger *slog.Logger) (*remote, error) {
	addresses, err := config.addresses()
	if err != nil {
		return nil, err
	}
	isHTTPS := addresses[0].isHTTPS
	dialer, err := newDialer(config, isHTTPS)
	if err != nil {
		return nil, err
	}
	token, err := newTokenKeeper(config, now(), logger)
	if err != nil {
		return nil, err
	}
	trust := config.hintTrust(isHTTPS)
	return &remote{
		dialer:    dialer,
		logger:    logger,
		telemetry: config.telemetry(),
		routes:    &routes{configured: addresses, trust: trust},
		nodes:     map[address]*node{},
		token:     token,
	}, nil
}

func (r *remote) acquire(
	ctx context.Context, message *apportionv1.AcquireLeaseRequest, timeout time.Duration,
) (lease *apportionv1.Lease, failed *callError) {
	failed = r.call(ctx, "AcquireLease", timeout, func(ctx context.Context, node *node, options ...grpc.CallOption) error {
		response, err := node.waiting().AcquireLease(ctx, message, options...)
		lease = response.GetLease()
		return err
	})
	return lease, failed
}

func (r *remote) settle(
	message *apportionv1.BatchSettleLeasesRequest, timeout time.Duration,
) (response *apportionv1.BatchSettleLeasesResponse, failed *callError) {
	ctx := context.Background()
	failed = r.call(ctx, "BatchSettleLeases", timeout, func(ctx context.Context, node *node, options ...grpc.CallOption) (err error) {
		response, err = node.unwaiting().BatchSettleLeases(ctx, message, options...)
		return err
	})
	return response, failed
}

func (r *remote) signals(
	ctx context.Context, message *apportionv1.GetSignalsRequest, timeout time.Duration,
) (response *apportionv1.GetSignalsResponse, failed *callError) {
	failed = r.call(ctx, "GetSignals", timeout, func(ctx context.Context, node *node, options ...grpc.CallOption) (err error) {
		response, err = node.unwaiting().GetSignals(ctx, message, options...)
		return err
	})
	return response, failed
}

// codeName is the name of the code of a call's status, as the protocol and the clients of other languages write it.
func codeName(err error) string {
	return code.Code(status.Code(err)).String()
}

// call makes one call, and learns from its outcome where the next one goes.
func (r *remote) call(
	ctx context.Context, method string, timeout time.Duration, call func(context.Context, *node, ...grpc.CallOption) error,
) *callError {
	to, node, authorization, err := r.next()
	if err != nil {
		return r.failed(to, err, 0, nil)
	}
	defer node.leave()
	ctx, cancel := context.WithTimeout(ctx, timeout+headerMargin)
	defer cancel()
	var isSilent atomic.Bool
	ended := time.AfterFunc(timeout, func() {
		isSilent.Store(true)
		cancel()
	})
	defer ended.Stop()
	if authorization != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", authorization)
	}
	var header, trailer metadata.MD
	err = call(ctx, node, grpc.Header(&header), grpc.Trailer(&trailer))
	wasSilent := err != nil && isSilent.Load()
	if wasSilent {
		err = status.Error(codes.DeadlineExceeded, fmt.Sprintf("%s did not answer within %s", to, timeout))
	}
	r.telemetry.Called(method, codeName(err))
	hint := append(header.Get(ownerKey), trailer.Get(ownerKey)...)
	switch {
	case err == nil:
		r.hinted(hint)
		return nil
	case wasSilent:
		return r.failed(to, err, timeout, nil)
	default:
		return r.failed(to, err, 0, hint)
	}
}

// next is the node to call next, entered, and the token for it.
func (r *remote) next() (to address, next *node, authorization string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to = r.routes.next()
	if r.isClosed {
		return to, nil, "", status.Error(codes.Unavailable, "the client is closed")
	}
	next = r.nodes[to]
	if next == nil {
		if next, err = r.dialer.node(to); err != nil {
			return to, nil, "", status.Error(codes.Unavailable, err.Error())
		}
		r.nodes[to] = next
	}
	next.enter()
	return to, next, r.token.authorization(now()), nil
}

// failed notes a failed call, which ended after the silence if there was no answer.
func (r *remote) failed(to address, err error, silence time.Duration, hint []string) *callError {
	failed, isTransport := newCallError(err)
	isHinted := r.hinted(hint)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := now()
	switch {
	case isTransport && (silence == 0 || silence >= silenceLeast):
		if silence > 0 {
			// The calls that wait on this connection keep it; the next ones get a new one.
			r.disconnect(to)
		}
		failed.isRerouted = r.routes.failed(to, now)
	case failed.code == codes.Unauthenticated:
		failed.isRerouted = r.token.readAgain(now)
	default:
		failed.isRerouted = isHinted && failed.refusal.Reason == apportionv1.Reason_REASON_NOT_OWNER
	}
	return failed
}

func (r *remote) disconnect(from address) {
	if node := r.nodes[from]; node != nil {
		delete(r.nodes, from)
		node.retire()
	}
}

// hinted follows the hint of a response, if there is one that may be followed. It returns whether calls go elsewhere now.
func (r *remote) hinted(hint []string) bool {
	if len(hint) == 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.routes.hinted(hint[0], now())
}

func (r *remote) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.isClosed = true
	for to := range r.nodes {
		r.disconnect(to)
	}
}
