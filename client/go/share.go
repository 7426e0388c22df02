package apportion

import (
	"sync"
	"time"
)

// shareLifeMax is the longest life of a local lease. A short one makes its permits free again early.
const shareLifeMax = 2 * time.Second

// share is a local share of the budget: at most so many permits in any span as long as a window.
//
// The provider's windows are not known, so every span counts. A permit is free again one window after its lease ended, which is
// after its latest possible use. A permit that comes back unused is free at once.
type share struct {
	permits uint32
	window  time.Duration

	mu     sync.Mutex
	grants []*shareGrant
}

// shareGrant is a number of permits of a share that were granted together.
type shareGrant struct {
	share *share
	// The permits that are not given back, under the lock of the share.
	open    uint32
	granted uint32
	end     instant
	freeAt  instant
}

// take grants up to most permits; nil if fewer than least are free.
func (s *share) take(now instant, most, least uint32) *shareGrant {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.grants[:0]
	var taken uint32
	for _, grant := range s.grants {
		if now < grant.freeAt && grant.open > 0 {
			kept = append(kept, grant)
			taken += grant.open
		}
	}
	clear(s.grants[len(kept):])
	s.grants = kept
	permits := min(most, s.permits-min(taken, s.permits))
	if permits < max(least, 1) {
		return nil
	}
	end := now.after(min(s.window/4, shareLifeMax))
	grant := &shareGrant{share: s, open: permits, granted: permits, end: end, freeAt: end.after(s.window)}
	s.grants = append(s.grants, grant)
	return grant
}

// giveBack gives permits back that will not be used.
func (g *shareGrant) giveBack(unused uint32) {
	g.share.mu.Lock()
	defer g.share.mu.Unlock()
	g.open -= min(unused, g.open)
}
