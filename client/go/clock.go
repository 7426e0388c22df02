package apportion

import "time"

// instant is a point of time on a monotonic clock that goes on while the machine sleeps, in nanoseconds.
type instant int64

// now is the time. Tests replace it.
var now = bootTime

func (i instant) after(span time.Duration) instant {
	if sum := i + instant(span); span < 0 || sum >= i {
		return max(sum, 0)
	}
	return instant(1<<63 - 1)
}

// since is how long it was from earlier to i; 0 if i is not later.
func (i instant) since(earlier instant) time.Duration {
	return time.Duration(max(i-earlier, 0))
}
