//! The clock that leases expire by: monotonic, and on Linux running while the machine sleeps. It is not the time of day.

use std::time::Duration;

/// An instant on the boot-time clock, in nanoseconds since an origin that is fixed while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootInstant(u64);

impl BootInstant {
    /// Returns the instant `nanos` nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Returns the time since `earlier`, or 0 if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the instant `span` later. Saturates at the last representable instant.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Returns the current instant of the boot-time clock.
#[cfg(all(target_os = "linux", not(test)))]
pub fn now() -> BootInstant {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    BootInstant(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// Returns the current instant of the monotonic clock, which may stop while the machine sleeps.
#[cfg(all(not(target_os = "linux"), not(test)))]
pub fn now() -> BootInstant {
    static ORIGIN: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    BootInstant(0).after(ORIGIN.elapsed())
}

/// Returns the current instant of tokio's clock, which tests stop and advance.
#[cfg(test)]
pub(crate) fn now() -> BootInstant {
    static ORIGIN: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    let now = tokio::time::Instant::now().into_std();
    BootInstant(1_000_000_000).after(now.saturating_duration_since(*ORIGIN))
}

/// Returns the end of a lease. It counts from when the attempt that was answered was sent, so a late answer cannot extend it.
pub fn lease_end(sent: BootInstant, held: Duration, valid_for: Duration) -> BootInstant {
    sent.after(held).after(valid_for)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_lease_counts_from_when_its_request_was_sent() {
        let end = lease_end(BootInstant::from_nanos(7), Duration::from_nanos(20), Duration::from_nanos(300));
        assert_eq!(end.nanos(), 327);
    }

    #[test]
    fn an_absurd_span_ends_at_the_last_instant() {
        assert_eq!(BootInstant::from_nanos(1).after(Duration::MAX).nanos(), u64::MAX);
    }

    #[test]
    fn the_clock_never_goes_backwards() {
        let before = now();
        assert!(before.nanos() > 0 || cfg!(not(target_os = "linux")));
        assert!(now() >= before);
    }
}
