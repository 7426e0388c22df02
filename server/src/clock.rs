//! The clamped clock: the wall time of the process's start, advanced by the boot clock, which cannot be set.
//!
//! Owns what `now` is and whether it can be trusted. Between two anchors it never jumps. [`Clock::check`] detects a step of the
//! wall clock, marks the clock unsteady, and adopts the step once the wall clock has been steady for a while.

use apportion_core::time::{Span, Timestamp};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How long the wall clock must be steady after a step before it is trusted.
const STEADY_AFTER: Span = Span::from_secs(3);

/// A source of wall and boot time.
pub trait Source: Send + Sync + 'static {
    /// The wall clock, as nanoseconds of Unix time. It can be set.
    fn wall_ns(&self) -> u64;
    /// Nanoseconds since the machine started, sleep included. It cannot be set and never goes back.
    fn boot_ns(&self) -> u64;
}

/// The real clocks.
#[derive(Debug)]
pub struct Machine;

impl Source for Machine {
    fn wall_ns(&self) -> u64 {
        read(rustix::time::ClockId::Realtime)
    }

    fn boot_ns(&self) -> u64 {
        read(rustix::time::ClockId::Boottime)
    }
}

fn read(clock: rustix::time::ClockId) -> u64 {
    let time = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// What a check of the clock found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockCheck {
    /// Nothing has changed: it is as steady, or as unsteady, as before.
    Same,
    /// The wall clock stepped: nothing may be granted until it is steady.
    Stepped,
    /// It is steady again, with a new anchor. Nothing may be granted of a window that was open under the old one.
    Anchored,
}

/// A detected step, and since when it has had this size.
#[derive(Clone, Copy, Debug)]
struct Step {
    nanoseconds: i128,
    since_boot_ns: u64,
}

/// The clock of a process.
pub struct Clock {
    source: Box<dyn Source>,
    /// Wall time less boot time, at the anchor.
    offset_ns: AtomicU64,
    tolerance: Span,
    step: Mutex<Option<Step>>,
    steady: AtomicBool,
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock")
            .field("now", &self.now())
            .field("steady", &self.is_steady())
            .finish_non_exhaustive()
    }
}

impl Clock {
    /// A clock that is anchored now. A step of more than half of `clock_error` makes it unsteady.
    pub fn new(source: Box<dyn Source>, clock_error: Span) -> Self {
        let offset_ns = source.wall_ns().saturating_sub(source.boot_ns());
        Self {
            source,
            offset_ns: AtomicU64::new(offset_ns),
            tolerance: Span::from_ns(clock_error.as_ns() / 2),
            step: Mutex::new(None),
            steady: AtomicBool::new(true),
        }
    }

    /// The time now. It goes back only with a new anchor.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_ns(self.source.boot_ns().saturating_add(self.offset_ns.load(Ordering::Acquire)))
    }

    /// Whether permits may be granted by it.
    pub fn is_steady(&self) -> bool {
        self.steady.load(Ordering::Acquire)
    }

    /// Compares both clocks. Must be called a few times a second.
    pub fn check(&self) -> ClockCheck {
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        let (boot_ns, wall_ns) = (self.source.boot_ns(), self.source.wall_ns());
        let offset_ns = self.offset_ns.load(Ordering::Acquire);
        let off = i128::from(wall_ns) - i128::from(boot_ns) - i128::from(offset_ns);
        let tolerance = i128::from(self.tolerance.as_ns());
        match *step {
            None if off.abs() <= tolerance => ClockCheck::Same,
            None => {
                *step = Some(Step { nanoseconds: off, since_boot_ns: boot_ns });
                self.steady.store(false, Ordering::Release);
                ClockCheck::Stepped
            }
            Some(seen) if (off - seen.nanoseconds).abs() > tolerance => {
                *step = Some(Step { nanoseconds: off, since_boot_ns: boot_ns });
                ClockCheck::Same
            }
            Some(seen) if boot_ns.saturating_sub(seen.since_boot_ns) < STEADY_AFTER.as_ns() => {
                ClockCheck::Same
            }
            Some(_) => {
                self.offset_ns.store(wall_ns.saturating_sub(boot_ns), Ordering::Release);
                *step = None;
                ClockCheck::Anchored
            }
        }
    }

    /// Trusts the new anchor: grants may go on. Returns false where the clock has stepped again.
    ///
    /// Call it once no window that was open under the old anchor can be granted from.
    #[must_use = "a clock that stepped again may not be granted on"]
    pub fn trust(&self) -> bool {
        let step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        if step.is_none() {
            self.steady.store(true, Ordering::Release);
        }
        step.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Clocks that a test sets.
    #[derive(Clone, Default)]
    struct TestClocks(Arc<(AtomicU64, AtomicU64)>);

    impl TestClocks {
        fn pass(&self, span: Span) {
            self.0.0.fetch_add(span.as_ns(), Ordering::SeqCst);
            self.0.1.fetch_add(span.as_ns(), Ordering::SeqCst);
        }

        fn set_wall(&self, ns: u64) {
            self.0.0.store(ns, Ordering::SeqCst);
        }
    }

    impl Source for TestClocks {
        fn wall_ns(&self) -> u64 {
            self.0.0.load(Ordering::SeqCst)
        }

        fn boot_ns(&self) -> u64 {
            self.0.1.load(Ordering::SeqCst)
        }
    }

    const DAY: Span = Span::from_secs(86_400);

    fn clock() -> (TestClocks, Clock) {
        let clocks = TestClocks::default();
        clocks.set_wall(DAY.as_ns());
        let clock = Clock::new(Box::new(clocks.clone()), Span::from_ms(100));
        (clocks, clock)
    }

    #[test]
    fn time_passes_with_the_boot_clock_and_ignores_a_step_of_the_wall_clock() {
        let (clocks, clock) = clock();
        clocks.pass(Span::from_secs(5));
        assert_eq!(clock.now(), Timestamp::ZERO + DAY + Span::from_secs(5));
        clocks.set_wall(0);
        assert_eq!(clock.now(), Timestamp::ZERO + DAY + Span::from_secs(5));
    }

    #[test]
    fn a_drift_within_half_the_clock_error_is_no_step() {
        let (clocks, clock) = clock();
        clocks.set_wall(DAY.as_ns() + 50_000_000);
        assert_eq!(clock.check(), ClockCheck::Same);
        clocks.set_wall(DAY.as_ns() + 50_000_001);
        assert_eq!(clock.check(), ClockCheck::Stepped);
        assert!(!clock.is_steady());
    }

    #[test]
    fn a_step_is_adopted_after_three_steady_seconds() {
        let (clocks, clock) = clock();
        clocks.set_wall(2 * DAY.as_ns());
        assert_eq!(clock.check(), ClockCheck::Stepped);
        clocks.pass(Span::from_ms(2_999));
        assert_eq!(clock.check(), ClockCheck::Same);
        clocks.pass(Span::from_ms(1));
        assert_eq!(clock.check(), ClockCheck::Anchored);
        assert!(!clock.is_steady(), "not before what was open is given up");
        assert!(clock.trust() && clock.is_steady());
        assert_eq!(clock.now(), Timestamp::ZERO + DAY + DAY + Span::from_secs(3));
    }

    #[test]
    fn a_clock_that_steps_again_after_its_new_anchor_is_not_trusted() {
        let (clocks, clock) = clock();
        clocks.set_wall(2 * DAY.as_ns());
        clock.check();
        clocks.pass(Span::from_secs(3));
        assert_eq!(clock.check(), ClockCheck::Anchored);
        clocks.set_wall(DAY.as_ns());
        assert_eq!(clock.check(), ClockCheck::Stepped);
        assert!(!clock.trust() && !clock.is_steady());
    }

    #[test]
    fn a_second_step_restarts_the_wait() {
        let (clocks, clock) = clock();
        clocks.set_wall(2 * DAY.as_ns());
        clock.check();
        clocks.pass(Span::from_secs(2));
        clocks.set_wall(DAY.as_ns());
        assert_eq!(clock.check(), ClockCheck::Same);
        clocks.pass(Span::from_secs(2));
        assert_eq!(clock.check(), ClockCheck::Same);
        clocks.pass(Span::from_secs(1));
        assert_eq!(clock.check(), ClockCheck::Anchored);
    }
}
