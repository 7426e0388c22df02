package apportion

import (
	"math/rand/v2"
	"time"
)

const (
	backoffFirst   = 50 * time.Millisecond
	backoffLongest = 2 * time.Second
)

// retryDelay gives the delays between attempts: doubled each time, with jitter, so that the clients of a server that restarts do not
// all retry at once. The zero value is ready to use.
type retryDelay struct {
	// The upper bound of the next delay; 0 before the first.
	bound time.Duration
}

// next is the next delay, at least least.
func (b *retryDelay) next(least time.Duration) time.Duration {
	if b.bound == 0 {
		b.bound = backoffFirst
	}
	delay := b.bound/2 + rand.N(b.bound/2+1)
	b.bound = min(2*b.bound, backoffLongest)
	return max(delay, least)
}
