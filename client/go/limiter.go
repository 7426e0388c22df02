package apportion

import (
	"context"
	"time"
)

// Limiter has the shape of the Limiter of golang.org/x/time/rate, so that code which waits for one can wait for permits. Each
// event takes a permit, which counts as used.
type Limiter struct {
	prefetch *Prefetch
}

// NewLimiter creates a limiter that takes permits from the prefetch.
func NewLimiter(prefetch *Prefetch) *Limiter {
	return &Limiter{prefetch: prefetch}
}

// Wait waits for one permit. Errors are those of [Quota.Acquire].
func (l *Limiter) Wait(ctx context.Context) error {
	return l.WaitN(ctx, 1)
}

// WaitN waits for n permits. If it fails, those that it had by then go back.
func (l *Limiter) WaitN(ctx context.Context, n int) error {
	permits := make([]*Permit, 0, max(n, 0))
	for range n {
		permit, err := l.prefetch.Permit(ctx)
		if err != nil {
			for _, taken := range permits {
				taken.PutBack()
			}
			return err
		}
		permits = append(permits, permit)
	}
	for _, taken := range permits {
		taken.Done()
	}
	return nil
}

// Allow takes a permit if one is there at once.
func (l *Limiter) Allow() bool {
	permit, ok := l.prefetch.TryPermit()
	if ok {
		permit.Done()
	}
	return ok
}

// Reserve reserves a permit if one is there at once. Unlike that of x/time/rate, it never reserves a later one: when the budget
// has room is for the server to say.
func (l *Limiter) Reserve() *Reservation {
	permit, _ := l.prefetch.TryPermit()
	return &Reservation{permit: permit}
}

// Reservation is a permit that is reserved, or none.
type Reservation struct {
	permit *Permit
}

// OK says whether a permit is reserved. It counts as used unless the reservation is cancelled.
func (r *Reservation) OK() bool {
	return r.permit != nil
}

// Delay is how long to wait before acting: nothing, if a permit is reserved.
func (r *Reservation) Delay() time.Duration {
	if r.permit == nil {
		return time.Duration(1<<63 - 1)
	}
	return 0
}

// Done ends the use of the permit: it counts as used.
func (r *Reservation) Done() {
	if r.permit != nil {
		r.permit.Done()
	}
}

// Cancel puts the permit back, because nothing was sent.
func (r *Reservation) Cancel() {
	if r.permit != nil {
		r.permit.PutBack()
	}
}
