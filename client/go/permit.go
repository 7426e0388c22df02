package apportion

import (
	"sync/atomic"
	"time"
)

// Permit is the right to send one request to the provider, now.
//
// Call [Permit.Done] when the request was sent, or [Permit.PutBack] if it certainly was not. A permit that is forgotten counts as
// used when its lease ends.
type Permit struct {
	lease    *Lease
	prefetch *Prefetch
	isDone   atomic.Bool
}

// Done ends the use of the permit: it counts as used. Calling it again, or after PutBack, does nothing.
func (p *Permit) Done() {
	if p.isDone.CompareAndSwap(false, true) {
		p.lease.mu.Lock()
		defer p.lease.mu.Unlock()
		p.lease.dropHolder()
	}
}

// PutBack returns the permit of a request that was certainly not sent. It goes to the next caller that waits at the same
// [Prefetch], or back to the server. After Done it does nothing.
func (p *Permit) PutBack() {
	if !p.isDone.CompareAndSwap(false, true) {
		return
	}
	if p.prefetch != nil && p.prefetch.putBack(p.lease) {
		return
	}
	p.lease.mu.Lock()
	defer p.lease.mu.Unlock()
	p.lease.putBack()
	p.lease.dropHolder()
}

// ObserveResponse reports what the response of the provider said, as the signals of the workspace read it. A [Transport] does so by
// itself.
func (p *Permit) ObserveResponse(response Response) {
	for _, observation := range p.lease.signals.read(response) {
		p.Observe(observation)
	}
}

// Observe reports what the response of the provider said, for readers of other formats.
//
// The observation is sent with the report of the lease. A throttle is sent at once, and a [Prefetch] then stops using the other
// permits that it holds.
func (p *Permit) Observe(observation Observation) {
	p.lease.Observe(observation)
	if observation.Throttled && p.prefetch != nil {
		p.prefetch.throttled()
	}
}

// ValidFor is how long the request may still be sent. If it is 0, put the permit back and take another one.
func (p *Permit) ValidFor() time.Duration {
	return p.lease.ValidFor()
}

// Priority is the priority that the permit was granted at. It may be lower than requested.
func (p *Permit) Priority() Priority {
	return p.lease.priority
}
