package apportion

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"apportion.dev/client/apportionv1"
	"google.golang.org/grpc/codes"
)

// settleTimeout is how long a call may take.
const settleTimeout = 2 * time.Second

// reporter sends reports in batches, one call at a time. It runs a goroutine only while something waits.
type reporter struct {
	service leaseService
	logger  *slog.Logger
	// Called when nothing is left to send.
	unused func()

	mu      sync.Mutex
	pending *pendingReports
	running bool
	wake    chan struct{}
	// Closed when nothing waits and no call is in flight; nil if nobody waits for that.
	idle chan struct{}
}

func newReporter(service leaseService, logger *slog.Logger) *reporter {
	return &reporter{service: service, logger: logger, pending: newPendingReports(), wake: make(chan struct{}, 1)}
}

// add adds a report, which may wait so long for company. It is dropped with a warning if too many wait.
func (r *reporter) add(report *report, linger time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.pending.add(now(), report, linger) {
		r.logger.Warn("apportion: a lease report is dropped: too many are waiting", "lease", report.request.LeaseId)
		return
	}
	r.start()
}

// start is called under the lock.
func (r *reporter) start() {
	if !r.running {
		r.running = true
		go r.run()
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// flush sends everything at once, and waits until nothing is left to send.
func (r *reporter) flush(ctx context.Context) error {
	r.mu.Lock()
	if !r.running {
		r.mu.Unlock()
		return nil
	}
	r.pending.flush(now())
	if r.idle == nil {
		r.idle = make(chan struct{})
	}
	idle := r.idle
	r.start()
	r.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isIdle says whether nothing waits to be sent, and no call is in flight.
func (r *reporter) isIdle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.running
}

// waiting is how many leases have reports that wait.
func (r *reporter) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pending.len()
}

func (r *reporter) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r.mu.Lock()
		due, ok := r.pending.due()
		if !ok {
			r.running = false
			if r.idle != nil {
				close(r.idle)
				r.idle = nil
			}
			r.mu.Unlock()
			r.unused()
			return
		}
		now := now()
		taken := r.pending.take(now)
		r.mu.Unlock()
		if taken != nil {
			r.send(taken)
			continue
		}
		timer.Reset(due.since(now))
		select {
		case <-timer.C:
		case <-r.wake:
		}
	}
}

func (r *reporter) send(taken *batch) {
	response, err := r.service.settle(&apportionv1.BatchSettleLeasesRequest{Requests: taken.requests}, settleTimeout)
	if err != nil {
		r.failed(taken, err)
		return
	}
	again, retryAfter := r.unsettled(taken, response.Outcomes)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending.answered()
	if len(again) > 0 {
		r.pending.pause(now(), retryAfter)
		r.pending.putBack(now(), again)
	}
}

// unsettled returns the reports of a batch that are to be sent again, and how long to wait before that at least.
func (r *reporter) unsettled(taken *batch, outcomes []*apportionv1.SettleOutcome) (again []*report, after time.Duration) {
	for at, report := range taken.reports {
		size := min(taken.sizes[at], len(outcomes))
		var refusal *apportionv1.Refusal
		for _, outcome := range outcomes[:size] {
			if refused := outcome.GetRefusal(); refused != nil {
				refusal = refused
			}
		}
		outcomes = outcomes[size:]
		switch {
		case refusal == nil:
		case refusal.RetryAfter != nil:
			after = max(after, refusal.RetryAfter.AsDuration())
			again = append(again, report)
		default:
			r.logger.Warn("apportion: a lease report is refused",
				"lease", report.request.LeaseId, "reason", refusal.Reason, "message", refusal.Message)
			// An observation that the server does not accept must not take the returned permits with it.
			isAboutObservation := refusal.Reason == apportionv1.Reason_REASON_MALFORMED ||
				refusal.Reason == apportionv1.Reason_REASON_UNKNOWN_LIMIT
			if isAboutObservation && len(report.observations) > 0 {
				report.observations = nil
				again = append(again, report)
			}
		}
	}
	return again, after
}

// failed keeps the reports of a failed call as long as they are of use, unless the server will never accept them.
func (r *reporter) failed(taken *batch, err *callError) {
	r.mu.Lock()
	now := now()
	givenUp := len(taken.reports)
	switch err.kind {
	case callUnavailable:
		if !err.isRerouted {
			r.pending.pause(now, err.retryAfter())
		}
		givenUp = r.pending.putBack(now, taken.reports)
	case callRefused:
		r.pending.pause(now, err.retryAfter())
		// A token may be replaced, and fewer requests may fit into what the server accepts.
		isTooMuch := err.code == codes.InvalidArgument || err.code == codes.OutOfRange || err.code == codes.ResourceExhausted
		mayHelp := err.refusal.RetryAfter != nil || err.code == codes.Unauthenticated ||
			isTooMuch && r.pending.refused(len(taken.requests))
		if mayHelp {
			givenUp = r.pending.putBack(now, taken.reports)
		}
	case callLeaseEnded:
	}
	r.mu.Unlock()
	if givenUp > 0 {
		r.logger.Warn("apportion: lease reports are dropped: the call failed", "reports", givenUp, "error", err.refusal.Message)
	}
}
