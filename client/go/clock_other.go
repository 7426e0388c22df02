//go:build !linux

package apportion

import "time"

var processStart = time.Now()

// bootTime reads Go's monotonic clock. Where it stops while the machine sleeps, a lease that is held then must not be used.
func bootTime() instant {
	return instant(time.Since(processStart)) + 1
}
