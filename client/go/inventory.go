package apportion

import (
	"slices"
	"time"
)

// expiryMargin is how soon a permit expires that goes back while others can still use it.
const expiryMargin = 100 * time.Millisecond

// inventory is the leases that a prefetch holds, oldest first, and how fast their permits are taken.
type inventory struct {
	leases []*Lease
	demand demand
	// When a lease was last added, or a permit taken.
	lastUsed instant
	// When a permit was last taken.
	lastTaken instant
}

// permits is the number of permits held.
func (i *inventory) permits() uint32 {
	var held uint32
	for _, lease := range i.leases {
		held += lease.Left()
	}
	return held
}

// take takes a permit that is in use from now on; nil if none is held. It returns whether the lease is low.
func (i *inventory) take(now instant) *Lease {
	for at := 0; at < len(i.leases); {
		lease := i.leases[at]
		left, ok := lease.hold(now)
		if left == 0 || !ok {
			i.leases = slices.Delete(i.leases, at, at+1)
			lease.release(false)
		}
		if ok {
			i.taken(now)
			return lease
		}
	}
	return nil
}

// taken counts a permit that was taken.
func (i *inventory) taken(now instant) {
	i.demand.record(now, 1)
	i.lastUsed, i.lastTaken = now, now
}

// add adds a lease, and returns all but keep of its remaining permits to the server.
func (i *inventory) add(now instant, lease *Lease, keep uint32) {
	if left := lease.Left(); keep < left {
		lease.returnUpTo(left - keep)
	}
	i.lastUsed = now
	if lease.Left() == 0 {
		lease.release(false)
		return
	}
	i.leases = append(i.leases, lease)
}

func (i *inventory) contains(lease *Lease) bool {
	return slices.Contains(i.leases, lease)
}

// returnIdle returns everything if nothing was taken for so long.
func (i *inventory) returnIdle(now instant, timeout time.Duration) {
	if now >= i.lastUsed.after(timeout) {
		i.releaseAll(false)
	}
}

// returnExpiring returns the leases that are about to expire.
func (i *inventory) returnExpiring(now instant) {
	i.leases = slices.DeleteFunc(i.leases, func(lease *Lease) bool {
		isExpiring := lease.end <= now.after(expiryMargin)
		if isExpiring {
			lease.release(false)
		}
		return isExpiring
	})
}

// returnUpTo returns up to most permits, of the newest leases first.
func (i *inventory) returnUpTo(most uint32) {
	for _, lease := range slices.Backward(i.leases) {
		most -= lease.returnUpTo(most)
	}
}

// releaseAll returns or spends everything.
func (i *inventory) releaseAll(isSpent bool) {
	for _, lease := range i.leases {
		lease.release(isSpent)
	}
	i.leases = nil
}
