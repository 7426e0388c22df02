package apportion

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"apportion.dev/client/apportionv1"
)

const (
	// A call that nobody waits for any more goes on for some of these steps, so that a grant on its way arrives and goes back. A
	// step that ends late does not count, since what came while the process was busy or stood still is only read after it.
	abandonedStep = 50 * time.Millisecond
	abandonedLate = 20 * time.Millisecond
	// The steps of one that has given up its slot.
	abandonedSteps = 20
	// The steps of one that keeps its slot, because many others go on.
	abandonedStepsWithSlot = 2
	// The most abandoned calls without a slot.
	withoutSlotMax = 24
)

// acquirer acquires leases, and knows whether the server was reachable.
type acquirer struct {
	service  leaseService
	who      *Identity
	fallback Fallback
	reports  *reporter
	signals  *signalKeeper
	share    *share
	slots    *slots
	counts   counts
	// Whether a request has ended without an answer, and none was answered since.
	isOutage atomic.Bool
	// A random number that starts the request ids of this client.
	client   uint64
	requests atomic.Uint64
	// The calls in progress, those included that nobody waits for any more.
	running sync.WaitGroup
	// The calls that nobody waits for any more and that have given up their slots.
	withoutSlot chan struct{}
	// Done when the client is closed.
	closing context.Context
}

// counts are what a client has open, and who is told of it.
type counts struct {
	openLeases, waiting atomic.Int64
	// Called when the last lease is done.
	unused    func()
	telemetry Telemetry
	who       *Identity
}

func (c *counts) leaseGranted(permits uint32, isLocal bool) {
	c.openLeases.Add(1)
	c.telemetry.Granted(*c.who, permits, isLocal)
}

func (c *counts) leaseDone(returned uint32, isLocal bool) {
	c.telemetry.Returned(*c.who, returned, isLocal)
	if c.openLeases.Add(-1) == 0 {
		c.unused()
	}
}

func newAcquirer(closing context.Context, config *Config, service leaseService, reports *reporter) *acquirer {
	a := &acquirer{
		closing:  closing,
		service:  service,
		who:      &Identity{Workspace: config.Workspace, Team: config.Team, Caller: config.Caller},
		fallback: config.Fallback,
		reports:  reports,
		signals:  newSignalKeeper(config, service),
		slots:    newSlots(),
		client:   rand.Uint64(),

		withoutSlot: make(chan struct{}, withoutSlotMax),
	}
	a.counts.telemetry, a.counts.who = config.telemetry(), a.who
	if config.Fallback.isShare {
		a.share = &share{permits: config.Fallback.permits, window: config.Fallback.window}
	}
	return a
}

// acquisition is one request on its way to a lease.
type acquisition struct {
	*acquirer
	request   Request
	attempts  attempts
	requestID string
}

func (a *acquirer) requestID() string {
	return fmt.Sprintf("%016x-%x", a.client, a.requests.Add(1))
}

// acquire requests a lease until it is granted, refused, or over.
func (a *acquirer) acquire(ctx context.Context, request Request) (*Lease, error) {
	a.counts.waiting.Add(1)
	defer a.counts.waiting.Add(-1)
	wait := request.wait()
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, max(time.Until(deadline), 0))
	}
	on := &acquisition{acquirer: a, request: request, requestID: a.requestID()}
	on.attempts = attempts{maxWait: wait, start: now()}
	for {
		lease, delay, err := on.try(ctx)
		if lease != nil || err != nil {
			return lease, err
		}
		if err := sleep(ctx, delay); err != nil {
			return nil, err
		}
	}
}

// try makes one attempt. Without a lease and an error, another one follows after the delay.
func (on *acquisition) try(ctx context.Context) (*Lease, time.Duration, error) {
	leave, err := on.slot(ctx)
	if ctx.Err() != nil {
		if err == nil {
			leave()
		}
		return nil, 0, ctx.Err()
	}
	isProbe := on.share != nil && on.isOutage.Load()
	next := on.attempts.next(now(), isProbe)
	if err != nil || next.timeout <= 0 {
		if err == nil {
			leave()
		}
		// Others of this client wait at the server, unless it is unreachable.
		if !on.isOutage.Load() {
			return nil, 0, ErrTimedOut
		}
		return on.unavailable(ctx, "it did not answer the requests before this one", 0, false)
	}
	lease, failed, err := on.attempt(ctx, next, leave)
	if err != nil {
		return nil, 0, err
	}
	if failed != nil && failed.kind == callUnavailable {
		return on.unavailable(ctx, failed.refusal.Message, failed.retryAfter(), failed.isRerouted)
	}
	on.isOutage.Store(false)
	if failed == nil {
		return lease, 0, nil
	}
	return on.refused(failed, isProbe)
}

// slot waits for a slot until the request ends.
func (on *acquisition) slot(ctx context.Context) (leave func(), err error) {
	if on.fallback.waits {
		leave, err = on.slots.enter(ctx, on.request.Priority)
		if now := now(); now >= on.attempts.end() {
			on.attempts.start = now
		}
		return leave, err
	}
	ctx, cancel := context.WithTimeout(ctx, on.attempts.end().since(now()))
	defer cancel()
	return on.slots.enter(ctx, on.request.Priority)
}

func (on *acquisition) refused(failed *callError, isProbe bool) (*Lease, time.Duration, error) {
	switch {
	case failed.kind == callLeaseEnded:
		on.requestID = on.acquirer.requestID()
		delay := on.attempts.delay(now(), 0, true)
		if on.attempts.isOverAfter(now(), delay) {
			return nil, 0, ErrTimedOut
		}
		return nil, delay, nil
	case isProbe:
		// The server is back, and the request may wait there for longer than the probe did.
		return nil, 0, nil
	case failed.isRerouted:
		return nil, on.attempts.delay(now(), 0, true), nil
	default:
		return nil, 0, failed.refusal
	}
}

// unavailable falls back, if the request is over or the server was unreachable before.
func (on *acquisition) unavailable(
	ctx context.Context, why string, least time.Duration, isRerouted bool,
) (*Lease, time.Duration, error) {
	start := now()
	delay := on.attempts.delay(start, least, isRerouted)
	isOver := on.attempts.isOverAfter(start, delay)
	if isOver && on.fallback.waits {
		on.attempts.start = start.after(delay)
		return nil, delay, nil
	}
	if on.share == nil {
		if isOver {
			on.isOutage.Store(true)
			return nil, 0, &UnreachableError{Detail: why}
		}
		return nil, delay, nil
	}
	if isOver && !on.isOutage.Load() {
		if err := sleep(ctx, on.attempts.end().since(start)); err != nil {
			return nil, 0, err
		}
		on.isOutage.Store(true)
	}
	if on.isOutage.Load() {
		if grant := on.share.take(now(), on.request.permits(), on.request.least()); grant != nil {
			return on.shared(grant), 0, nil
		}
	}
	if isOver {
		return nil, 0, &UnreachableError{Detail: why + "; too little of the local share is left"}
	}
	return nil, delay, nil
}

// answer is the outcome of one call.
type answer struct {
	lease  *apportionv1.Lease
	failed *callError
}

// attempt makes one call. It goes on for a while when the context is done, so that a lease on its way goes back.
func (on *acquisition) attempt(ctx context.Context, next attempt, leave func()) (*Lease, *callError, error) {
	sent := now()
	message := on.request.message(on.who, next.wait, on.requestID)
	callContext, cancel := context.WithCancel(context.WithoutCancel(ctx))
	answers := make(chan answer, 1)
	leave = sync.OnceFunc(leave)
	on.running.Go(func() {
		defer cancel()
		lease, failed := on.service.acquire(callContext, message, next.timeout)
		leave()
		answers <- answer{lease, failed}
	})
	select {
	case got := <-answers:
		return on.accept(got, sent)
	case <-ctx.Done():
		on.running.Go(func() { on.abandon(answers, sent, leave, cancel) })
		return nil, nil, ctx.Err()
	}
}

// abandon gives a lease back that arrives nevertheless, and withdraws the request after a while.
func (on *acquisition) abandon(answers <-chan answer, sent instant, leave func(), cancel context.CancelFunc) {
	steps := abandonedStepsWithSlot
	select {
	case on.withoutSlot <- struct{}{}:
		defer func() { <-on.withoutSlot }()
		leave()
		steps = abandonedSteps
	default:
	}
	for steps > 0 {
		late := now().after(abandonedStep + abandonedLate)
		select {
		case got := <-answers:
			on.giveBack(got, sent)
			return
		case <-time.After(abandonedStep):
			if now() < late {
				steps--
			}
		}
	}
	cancel()
	on.giveBack(<-answers, sent)
}

// giveBack returns the lease of an answer, if there is one.
func (on *acquisition) giveBack(got answer, sent instant) {
	if lease, _, _ := on.accept(got, sent); lease != nil {
		lease.Done()
	}
}

// accept makes a lease of an answer.
func (on *acquisition) accept(got answer, sent instant) (*Lease, *callError, error) {
	if got.failed != nil {
		return nil, got.failed, nil
	}
	granted := got.lease
	if granted == nil {
		return nil, nil, &InvalidResponseError{Detail: "it contains no lease"}
	}
	held, validFor := granted.Held.AsDuration(), granted.ValidFor.AsDuration()
	if held < 0 || validFor < 0 {
		return nil, nil, &InvalidResponseError{Detail: "a duration is negative"}
	}
	if on.signals.mustAsk(granted.SignalsVersion) {
		on.running.Go(func() { on.signals.ask(on.closing) })
	}
	on.counts.leaseGranted(granted.Permits, false)
	return &Lease{
		priority:  granted.Priority,
		contended: granted.Contended,
		granted:   granted.Permits,
		left:      granted.Permits,
		end:       sent.after(held).after(validFor),
		reports:   on.reports,
		signals:   on.signals,
		who:       on.who,
		id:        granted.LeaseId,
		counts:    &on.acquirer.counts,
	}, nil, nil
}

// shared makes a lease of the client's own share. It counts as contended, because what is not needed now is needed later.
func (on *acquisition) shared(grant *shareGrant) *Lease {
	priority := on.request.Priority
	if priority == 0 {
		priority = Default
	}
	on.counts.leaseGranted(grant.granted, true)
	return &Lease{
		priority:  priority,
		contended: true,
		granted:   grant.granted,
		left:      grant.granted,
		end:       grant.end,
		share:     grant,
		signals:   on.signals,
		counts:    &on.acquirer.counts,
	}
}

// finished waits until no call goes on.
func (a *acquirer) finished(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		a.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sleep waits for the delay, or until the context is done.
func sleep(ctx context.Context, delay time.Duration) error {
	if delay <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closedInstead names the reason why a context was cancelled that ends with the client.
func closedInstead(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), ErrClosed) {
		return ErrClosed
	}
	return err
}
