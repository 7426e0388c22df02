package apportion

import (
	"context"
	"time"
)

// inFlight is the request of a prefetch that is on its way.
type inFlight struct {
	cancel  context.CancelFunc
	covered covered
	answer  chan delivery
	// Since when no caller needs it; 0 if one does.
	unneededSince instant
}

// changed looks, under the lock, whether the goroutine has something to do, and starts or wakes it.
func (p *Prefetch) changed(now instant) {
	if p.running {
		if p.state.waiters.len() > 0 || p.isClosed || p.isLow(now) {
			select {
			case p.wake <- struct{}{}:
			default:
			}
		}
		return
	}
	if p.isClosed || p.state.due() == 0 && len(p.state.inventory.leases) == 0 {
		return
	}
	p.running = true
	go p.run()
}

// isLow says whether so little is held that a request may be due.
func (p *Prefetch) isLow(now instant) bool {
	return p.state.due() > 0 || p.state.inventory.permits() <= p.state.target(now)/3
}

// run requests and returns permits until there is nothing to look after.
func (p *Prefetch) run() {
	var sent *inFlight
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p.mu.Lock()
		now := now()
		sent = p.decide(now, sent)
		check, ok := p.checkAfter(now, sent != nil)
		if !ok && sent == nil {
			p.running = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		timer.Reset(check)
		select {
		case got := <-answerOf(sent):
			p.complete(got, sent.covered)
			sent.cancel()
			sent = nil
		case <-p.wake:
		case <-timer.C:
		}
	}
}

func answerOf(sent *inFlight) <-chan delivery {
	if sent == nil {
		return nil
	}
	return sent.answer
}

// decide returns permits that are not needed, sends a request that is due, and withdraws one that is not needed. Under the lock.
func (p *Prefetch) decide(now instant, sent *inFlight) *inFlight {
	if !p.isClosed {
		p.state.returnExcess(now)
	}
	if sent == nil {
		if p.isClosed {
			return nil
		}
		if next := p.state.refill(now); next != nil {
			return p.send(next)
		}
		return nil
	}
	switch {
	case !p.isClosed && p.state.needsRefill(now):
		sent.unneededSince = 0
	case sent.unneededSince == 0:
		sent.unneededSince = now
	case now >= sent.unneededSince.after(refillUnneeded):
		sent.cancel()
		go discard(sent.answer)
		return nil
	}
	return sent
}

// checkAfter is how long to wait for an event before the next check; false if only an event changes anything. Under the lock.
func (p *Prefetch) checkAfter(now instant, isInFlight bool) (time.Duration, bool) {
	check := time.Hour
	ok := isInFlight || len(p.state.inventory.leases) > 0
	if ok {
		check = prefetchTick
	}
	if p.state.waiters.len() > 0 {
		ok = true
		if refusal := p.state.standing(now); refusal != nil {
			check = min(check, refusal.until.since(now))
		}
	}
	return check, ok && !p.isClosed
}

func (p *Prefetch) send(next *refill) *inFlight {
	request := p.request
	request.Permits, request.MinPermits, request.MaxWait = next.permits, 1, next.maxWait
	if next.maxWait <= 0 {
		request.MaxWait = NoWait
	}
	ctx, cancel := context.WithCancel(context.Background())
	sent := &inFlight{cancel: cancel, covered: next.covered, answer: make(chan delivery, 1)}
	go func() {
		lease, err := p.quota.acquire(ctx, request)
		sent.answer <- delivery{lease: lease, err: err}
	}()
	return sent
}

// discard gives a lease back that is not needed any more.
func discard(answer <-chan delivery) {
	if got := <-answer; got.lease != nil {
		got.lease.Done()
	}
}

// complete applies the answer to a request that was made for these callers.
func (p *Prefetch) complete(got delivery, callers covered) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case got.lease != nil && p.isClosed:
		got.lease.Done()
	case got.lease != nil:
		p.state.add(now(), got.lease)
	default:
		p.state.refuse(now(), got.err, callers)
	}
}
