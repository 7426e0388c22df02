//! The clamped clock: wall time as it was when the process started, carried on by a clock that nobody can set.
//!
//! Owns what `now` is and whether it can be trusted. Between two anchors it never jumps; a step of the wall clock is noticed
//! by [`Clock::check`], makes the clock unsteady, and is taken over once it has stood still for a while.

use apportion_core::time::{Span, Timestamp};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How long the wall clock must stand still after a step before it is believed.
const SETTLED: Span = Span::from_secs(3);

/// The clocks of the machine.
pub trait Source: Send + Sync + 'static {
    /// Nanoseconds since the Unix epoch, as people set it.
    fn wall_ns(&self) -> u64;
    /// Nanoseconds since the machine started, sleep counted in. Never set, never going back.
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
pub enum Checked {
    /// Nothing has changed: it is as steady, or as unsteady, as before.
    Same,
    /// The wall clock stepped: nothing may be granted until it is steady.
    Stepped,
    /// It is steady again, under a new anchor. No window that was open under the old one may be granted from.
    Anchored,
}

/// A step that was seen, and since when it has been as large as that.
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

    /// The time now. It does not go back, but for a new anchor.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_ns(self.source.boot_ns().saturating_add(self.offset_ns.load(Ordering::Acquire)))
    }

    /// Whether what it says may be granted on.
    pub fn is_steady(&self) -> bool {
        self.steady.load(Ordering::Acquire)
    }

    /// Compares both clocks. To be called a few times a second.
    pub fn check(&self) -> Checked {
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        let (boot_ns, wall_ns) = (self.source.boot_ns(), self.source.wall_ns());
        let offset_ns = self.offset_ns.load(Ordering::Acquire);
        let off = i128::from(wall_ns) - i128::from(boot_ns) - i128::from(offset_ns);
        let tolerance = i128::from(self.tolerance.as_ns());
        match *step {
            None if off.abs() <= tolerance => Checked::Same,
            None => {
                *step = Some(Step { nanoseconds: off, since_boot_ns: boot_ns });
                self.steady.store(false, Ordering::Release);
                Checked::Stepped
            }
            Some(seen) if (off - seen.nanoseconds).abs() > tolerance => {
                *step = Some(Step { nanoseconds: off, since_boot_ns: boot_ns });
                Checked::Same
            }
            Some(seen) if boot_ns.saturating_sub(seen.since_boot_ns) < SETTLED.as_ns() => Checked::Same,
            Some(_) => {
                self.offset_ns.store(wall_ns.saturating_sub(boot_ns), Ordering::Release);
                *step = None;
                Checked::Anchored
            }
        }
    }

    /// What was open under the old anchor is about to be given up: grants may go on. Not where it stepped again meanwhile.
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

    /// Hands of a clock that a test moves.
    #[derive(Clone, Default)]
    struct Hands(Arc<(AtomicU64, AtomicU64)>);

    impl Hands {
        fn pass(&self, span: Span) {
            self.0.0.fetch_add(span.as_ns(), Ordering::SeqCst);
            self.0.1.fetch_add(span.as_ns(), Ordering::SeqCst);
        }

        fn set_wall(&self, ns: u64) {
            self.0.0.store(ns, Ordering::SeqCst);
        }
    }

    impl Source for Hands {
        fn wall_ns(&self) -> u64 {
            self.0.0.load(Ordering::SeqCst)
        }

        fn boot_ns(&self) -> u64 {
            self.0.1.load(Ordering::SeqCst)
        }
    }

    const DAY: Span = Span::from_secs(86_400);

    fn clock() -> (Hands, Clock) {
        let hands = Hands::default();
        hands.set_wall(DAY.as_ns());
        let clock = Clock::new(Box::new(hands.clone()), Span::from_ms(100));
        (hands, clock)
    }

    #[test]
    fn time_passes_with_the_boot_clock_and_ignores_a_step_of_the_wall_clock() {
        let (hands, clock) = clock();
        hands.pass(Span::from_secs(5));
        assert_eq!(clock.now(), Timestamp::ZERO + DAY + Span::from_secs(5));
        hands.set_wall(0);
        assert_eq!(clock.now(), Timestamp::ZERO + DAY + Span::from_secs(5));
    }

    #[test]
    fn a_drift_within_half_the_clock_error_is_no_step() {
        let (hands, clock) = clock();
        hands.set_wall(DAY.as_ns() + 50_000_000);
        assert_eq!(clock.check(), Checked::Same);
        hands.set_wall(DAY.as_ns() + 50_000_001);
        assert_eq!(clock.check(), Checked::Stepped);
        assert!(!clock.is_steady());
    }

    #[test]
    fn a_step_is_taken_over_after_three_steady_seconds() {
        let (hands, clock) = clock();
        hands.set_wall(2 * DAY.as_ns());
        assert_eq!(clock.check(), Checked::Stepped);
        hands.pass(Span::from_ms(2_999));
        assert_eq!(clock.check(), Checked::Same);
        hands.pass(Span::from_ms(1));
        assert_eq!(clock.check(), Checked::Anchored);
        assert!(!clock.is_steady(), "not before what was open is given up");
        assert!(clock.trust() && clock.is_steady());
        assert_eq!(clock.now(), Timestamp::ZERO + DAY + DAY + Span::from_secs(3));
    }

    #[test]
    fn a_clock_that_steps_again_after_its_new_anchor_is_not_trusted() {
        let (hands, clock) = clock();
        hands.set_wall(2 * DAY.as_ns());
        clock.check();
        hands.pass(Span::from_secs(3));
        assert_eq!(clock.check(), Checked::Anchored);
        hands.set_wall(DAY.as_ns());
        assert_eq!(clock.check(), Checked::Stepped);
        assert!(!clock.trust() && !clock.is_steady());
    }

    #[test]
    fn a_second_step_starts_the_wait_anew() {
        let (hands, clock) = clock();
        hands.set_wall(2 * DAY.as_ns());
        clock.check();
        hands.pass(Span::from_secs(2));
        hands.set_wall(DAY.as_ns());
        assert_eq!(clock.check(), Checked::Same);
        hands.pass(Span::from_secs(2));
        assert_eq!(clock.check(), Checked::Same);
        hands.pass(Span::from_secs(1));
        assert_eq!(clock.check(), Checked::Anchored);
    }
}
