package apportion

import (
	"errors"
	"fmt"
	"time"

	"apportion.dev/client/apportionv1"
)

const (
	// The most callers that wait at one prefetch.
	waitingCallersMax = 100_000
	// How long after a failure without a delay nothing is requested ahead of demand, and after a final refusal nothing at all.
	pauseUsual = time.Second
	// The shortest pause after a refusal.
	pauseLeast = 50 * time.Millisecond
)

// refill is a request for permits that is to be sent.
type refill struct {
	permits uint32
	// As long as the caller that waited longest may still wait.
	maxWait time.Duration
	covered covered
}

// covered are the waiting callers that a request was made for, by position.
type covered struct {
	hasOldest bool
	// The caller that waited longest, if any was waiting.
	oldest uint64
	// The first position that is not covered.
	end uint64
}

// standingRefusal is a refusal, and until when it holds.
type standingRefusal struct {
	err   error
	until instant
	// Whether nothing that is requested can be granted, as far as is known.
	isFinal bool
}

// prefetchState decides what is handed out, requested and returned, and who waits. A function of now. While a caller waits, no
// permit that it could take is held.
type prefetchState struct {
	options   PrefetchOptions
	maxWait   time.Duration
	inventory inventory
	waiters   waiters
	// Whether requests of others were waiting at the server, by the last lease.
	isContended bool
	// Whether a caller left without a permit since the last answer, because it would not wait.
	hasMiss bool
	// Until when nothing is requested ahead of demand.
	pausedUntil instant
	// The last refusal of a request for waiting callers: until it ends, nothing is requested for callers either.
	refusal *standingRefusal
}

// takeOrMiss takes a permit without waiting, and never ahead of a waiting caller. It remembers a miss.
func (s *prefetchState) takeOrMiss(now instant) *Lease {
	if s.waiters.len() == 0 {
		if lease := s.inventory.take(now); lease != nil {
			return lease
		}
	}
	s.hasMiss = true
	return nil
}

// mayWait says why a caller that has waited since then may not wait; nil if it may.
func (s *prefetchState) mayWait(now, since instant) error {
	if s.waiters.len() >= waitingCallersMax {
		return &RefusedError{
			Reason:  apportionv1.Reason_REASON_CALLER_QUEUE_FULL,
			Name:    "CALLER_QUEUE_FULL",
			Message: fmt.Sprintf("%d requests are waiting at this prefetch", waitingCallersMax),
		}
	}
	if r := s.standing(now); r != nil && (r.isFinal || since.after(s.maxWait) <= r.until) {
		return r.err
	}
	return nil
}

func (s *prefetchState) standing(now instant) *standingRefusal {
	if s.refusal != nil && now < s.refusal.until {
		return s.refusal
	}
	return nil
}

// add delivers the permits of a new lease to waiting callers and keeps the rest. If the lease is contended, it keeps at most the
// permit for a miss.
func (s *prefetchState) add(now instant, lease *Lease) {
	s.isContended, s.pausedUntil, s.refusal = lease.contended, now, nil
	lease.holders = 1
	for s.waiters.len() > 0 {
		if _, ok := lease.hold(now); !ok {
			break
		}
		s.inventory.taken(now)
		s.waiters.deliver(lease)
	}
	keep := lease.Left()
	if s.isContended {
		keep = 0
		if s.hasMiss {
			keep = min(1, lease.Left())
		}
	}
	s.hasMiss = false
	s.inventory.add(now, lease, keep)
}

// refuse fails the caller that waited longest among those covered, and every caller that cannot wait for the retry. If no retry
// can succeed, it fails every caller covered. Until the retry, nothing is requested.
//
// A request ahead of demand waits at the server for a short time only, so its refusal does not hold for callers.
func (s *prefetchState) refuse(now instant, err error, callers covered) {
	var refused *RefusedError
	var invalid *InvalidResponseError
	isRefusal := errors.As(err, &refused) || errors.As(err, &invalid)
	after, hasAfter := RetryAfter(err)
	isFinal := isRefusal && !hasAfter
	retryAt := now
	switch {
	case hasAfter:
		retryAt = now.after(max(after, pauseLeast))
	case !isRefusal:
		retryAt = now.after(attemptLeast)
	}
	s.waiters.fail(err, func(w *waiter) bool {
		isOldest := callers.hasOldest && w.position <= callers.oldest
		return isOldest || w.since.after(s.maxWait) <= retryAt || isFinal && w.position < callers.end
	})
	s.hasMiss = false
	s.pausedUntil = now.after(pauseUsual)
	if hasAfter {
		s.pausedUntil = retryAt
	}
	if isRefusal && callers.hasOldest {
		s.refusal = &standingRefusal{err: err, until: s.pausedUntil, isFinal: isFinal}
	}
}

// returnExcess returns what is idle, about to expire, or more than will be taken soon.
func (s *prefetchState) returnExcess(now instant) {
	s.inventory.returnIdle(now, s.options.IdleTimeout)
	s.inventory.returnExpiring(now)
	held, keep := s.inventory.permits(), max(s.target(now), 1)
	if held/2 >= keep {
		s.inventory.returnUpTo(held - keep)
	}
}

// refill is the request to send now; nil if none is due.
func (s *prefetchState) refill(now instant) *refill {
	oldest := s.waiters.oldest()
	isPaused := now < s.pausedUntil
	if oldest != nil {
		isPaused = s.standing(now) != nil
	}
	due, held, target := s.due(), s.inventory.permits(), s.target(now)
	if isPaused || due == 0 && held > target/3 {
		return nil
	}
	wanted := min(uint64(due)+uint64(target), uint64(held)+uint64(s.options.MaxPermits))
	if wanted <= uint64(held) {
		return nil
	}
	next := &refill{permits: uint32(wanted) - held, maxWait: s.options.Horizon, covered: covered{end: s.waiters.next}}
	if oldest != nil {
		next.maxWait = max(s.maxWait-now.since(oldest.since), 0)
		next.covered.hasOldest, next.covered.oldest = true, oldest.position
	}
	return next
}

// needsRefill says whether a request in flight is still needed.
func (s *prefetchState) needsRefill(now instant) bool {
	return s.due() > 0 || s.target(now) > 0
}

// due is the permits that callers wait for, or one for a miss.
func (s *prefetchState) due() uint32 {
	due := uint32(s.waiters.len())
	if s.hasMiss {
		due = max(due, 1)
	}
	return due
}

// target is the permits to hold ahead of demand: none while requests of others wait, and none once nothing was taken for so long
// that held permits go back.
func (s *prefetchState) target(now instant) uint32 {
	if s.isContended || now >= s.inventory.lastTaken.after(s.options.IdleTimeout) {
		return 0
	}
	return min(s.inventory.demand.forecast(now, s.options.Horizon), s.options.MaxPermits)
}
