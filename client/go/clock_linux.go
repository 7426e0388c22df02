package apportion

import "golang.org/x/sys/unix"

// bootTime reads CLOCK_BOOTTIME. Go's own monotonic clock stops while the machine sleeps, so a lease would outlive its window.
func bootTime() instant {
	var spec unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &spec); err != nil {
		panic("apportion: CLOCK_BOOTTIME cannot be read: " + err.Error())
	}
	return instant(spec.Nano())
}
