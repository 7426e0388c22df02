//! The clock by which leases end: monotonic, and on Linux going on while the machine sleeps. Knows nothing of the time of day.

use std::time::Duration;

/// An instant of the boot-time clock, in nanoseconds from an origin that is fixed while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootInstant(u64);

impl BootInstant {
    /// The instant this many nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The nanoseconds since the origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// This instant and a span later; the last representable one if it lies beyond.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// The present on the boot-time clock.
#[cfg(target_os = "linux")]
pub fn now() -> BootInstant {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    BootInstant(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// The present on the monotonic clock: elsewhere than on Linux it may stand still while the machine sleeps.
#[cfg(not(target_os = "linux"))]
pub fn now() -> BootInstant {
    static ORIGIN: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    BootInstant(0).after(ORIGIN.elapsed())
}

/// When a lease ends: counted from the sending of the attempt that was answered, so that a late answer lengthens nothing.
pub fn lease_end(sent: BootInstant, held: Duration, valid_for: Duration) -> BootInstant {
    sent.after(held).after(valid_for)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_counted_from_its_sending() {
        let end = lease_end(BootInstant::from_nanos(7), Duration::from_nanos(20), Duration::from_nanos(300));
        assert_eq!(end.nanos(), 327);
    }

    #[test]
    fn an_absurd_span_ends_at_the_last_instant() {
        assert_eq!(BootInstant::from_nanos(1).after(Duration::MAX).nanos(), u64::MAX);
    }

    #[test]
    fn the_clock_does_not_go_back() {
        let before = now();
        assert!(before.nanos() > 0 || cfg!(not(target_os = "linux")));
        assert!(now() >= before);
    }
}
