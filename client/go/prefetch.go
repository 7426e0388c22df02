package apportion

import (
	"container/list"
	"context"
	"sync"
	"time"
)

const (
	// How often the held permits are checked.
	prefetchTick = 50 * time.Millisecond
	// How long a request stays in flight that no caller needs, because demand may come back.
	refillUnneeded = 50 * time.Millisecond
	// How much longer than its wait a caller waits for the reason of a failure.
	reasonMargin = 100 * time.Millisecond
)

// PrefetchOptions say how far ahead of demand permits are held. The zero value has the defaults.
type PrefetchOptions struct {
	// Horizon is for how long permits are held ahead, at the rate of the last half second: at most 500 ms. 0 means 250 ms; a
	// negative one means that each permit is requested when it is needed.
	Horizon time.Duration
	// IdleTimeout is when permits go back that nobody takes; 0 means 200 ms.
	IdleTimeout time.Duration
	// MaxPermits is the most permits of one request; 0 means 500.
	MaxPermits uint32
}

func (o PrefetchOptions) withDefaults() PrefetchOptions {
	switch {
	case o.Horizon == 0:
		o.Horizon = 250 * time.Millisecond
	case o.Horizon < 0:
		o.Horizon = 0
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = 200 * time.Millisecond
	}
	if o.MaxPermits == 0 {
		o.MaxPermits = 500
	}
	return o
}

// Prefetch holds permits of one priority ready, and is safe for concurrent use.
//
// It holds what is about to be taken, judging by the last half second, and nothing if nothing was taken. While requests of others
// wait on the server, it requests only the permits that its own callers wait for. It has no goroutine while nothing is held,
// requested or waited for.
type Prefetch struct {
	quota   *Quota
	request Request
	// How long a caller waits at most; 0 if it waits until the server is reachable.
	longest time.Duration

	mu       sync.Mutex
	state    prefetchState
	isClosed bool
	running  bool
	wake     chan struct{}
}

// Prefetch creates a prefetch that holds permits ready at the priority of the request. Each call of [Prefetch.Permit] waits up to
// the MaxWait of the request. The number of permits to request follows from demand, not from the request.
func (q *Quota) Prefetch(request Request, options PrefetchOptions) *Prefetch {
	p := &Prefetch{quota: q, request: request, wake: make(chan struct{}, 1)}
	p.state = prefetchState{options: options.withDefaults(), maxWait: request.wait()}
	if !q.acquirer.fallback.waits {
		p.longest = max(p.state.maxWait, attemptLeast) + reasonMargin
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.prefetches == nil {
		p.isClosed = true
	} else {
		q.prefetches[p] = struct{}{}
	}
	return p
}

// TryPermit takes a permit without waiting. If none is held, it requests one for a later call.
func (p *Prefetch) TryPermit() (*Permit, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosed {
		return nil, false
	}
	now := now()
	lease := p.state.takeOrMiss(now)
	p.changed(now)
	if lease == nil {
		return nil, false
	}
	return &Permit{lease: lease, prefetch: p}, true
}

// Permit takes a permit, and waits for it if none is held. Callers are served first come, first served. Errors are those of
// [Quota.Acquire].
func (p *Prefetch) Permit(ctx context.Context) (*Permit, error) {
	since := now()
	lease, element, err := p.enter(since, since, nil)
	if lease == nil && err == nil {
		ended := p.quota.waiting(ctx, "permit", Request{Priority: p.request.Priority})
		lease, err = p.wait(ctx, element)
		ended(err)
	}
	if err != nil {
		return nil, err
	}
	return &Permit{lease: lease, prefetch: p}, nil
}

// enter takes a permit, or queues the caller, at its former position if it had one.
func (p *Prefetch) enter(now, since instant, former *waiter) (*Lease, *list.Element, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosed {
		return nil, nil, ErrClosed
	}
	defer p.changed(now)
	if former != nil {
		return nil, p.state.waiters.enterFirst(former), nil
	}
	if p.state.waiters.len() == 0 {
		if lease := p.state.inventory.take(now); lease != nil {
			return lease, nil, nil
		}
	}
	if err := p.state.mayWait(now, since); err != nil {
		return nil, nil, err
	}
	return nil, p.state.waiters.enter(since), nil
}

func (p *Prefetch) wait(ctx context.Context, element *list.Element) (*Lease, error) {
	var over <-chan time.Time
	if p.longest > 0 {
		timer := time.NewTimer(p.longest)
		defer timer.Stop()
		over = timer.C
	}
	for {
		waiting := element.Value.(*waiter)
		select {
		case got := <-waiting.answer:
			if got.err != nil || now() < got.lease.end {
				return got.lease, got.err
			}
			// The permit expired in transit: wait again, at the same position.
			(&Permit{lease: got.lease}).PutBack()
			var err error
			if _, element, err = p.enter(now(), waiting.since, waiting); err != nil {
				return nil, err
			}
		case <-over:
			return p.leave(element, ErrTimedOut)
		case <-ctx.Done():
			return p.leave(element, ctx.Err())
		}
	}
}

// leave leaves the queue. A permit that was delivered meanwhile goes to the next caller.
func (p *Prefetch) leave(element *list.Element, err error) (*Lease, error) {
	p.mu.Lock()
	p.state.waiters.queue.Remove(element)
	p.changed(now())
	p.mu.Unlock()
	select {
	case got := <-element.Value.(*waiter).answer:
		if got.err != nil {
			return nil, got.err
		}
		(&Permit{lease: got.lease, prefetch: p}).PutBack()
	default:
	}
	return nil, err
}

// putBack hands a permit that was not used to a waiting caller, or puts it back where others can take it. False if it is neither.
func (p *Prefetch) putBack(lease *Lease) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosed {
		return false
	}
	if now() < lease.end && p.state.waiters.deliver(lease) {
		return true
	}
	if p.state.inventory.contains(lease) {
		return false
	}
	// No prefetch holds the lease any more, so nobody could take the permit.
	lease.mu.Lock()
	lease.isClosed = true
	lease.mu.Unlock()
	return false
}

// throttled spends everything that is held.
func (p *Prefetch) throttled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.inventory.releaseAll(true)
	p.changed(now())
}

// close returns everything, fails all waiting callers, and accepts nothing from then on.
func (p *Prefetch) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isClosed = true
	p.state.waiters.fail(ErrClosed, func(*waiter) bool { return true })
	p.state.inventory.releaseAll(false)
	p.changed(now())
}

// Close returns what the prefetch holds, and fails its callers with [ErrClosed]. [Quota.Close] does so as well.
func (p *Prefetch) Close() {
	p.quota.mu.Lock()
	delete(p.quota.prefetches, p)
	p.quota.mu.Unlock()
	p.close()
}

func (p *Prefetch) counts() (held, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.state.inventory.permits()), p.state.waiters.len()
}
