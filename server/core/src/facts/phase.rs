//! Where the boundaries of a limit's windows lie, by policy or by the provider's resets.
//!
//! A reading that overlaps what is known agrees with it. One that does not replaces it at once, as wide as it was written
//! down. Narrower than that it becomes when enough different leases lead to the same narrower interval. An interval so wide
//! that no window would ever open is no fact: it would close the limit for good.

use super::arc::Arc;
use crate::observation::Reset;
use crate::policy::LimitPolicy;
use crate::request::LeaseId;
use crate::time::{Span, Timestamp};
use crate::window::Grid;

/// How many different leases must lead to the same narrower interval.
pub const WITNESSES_OF_A_PHASE: usize = 3;
/// How many leases' readings are kept until enough of them agree.
pub const READINGS_MAX: usize = 8;

/// A phase learned from resets: somewhere in `least ..= least + width`, modulo the length of a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PhaseInterval {
    /// The least phase it may be.
    pub least: Span,
    /// How much more it may be.
    pub width: Span,
}

#[derive(Clone, Debug)]
pub(super) struct Phase {
    /// Where windows lie: as was learned, or else by policy. Every decision reads it several times.
    grid: Grid,
    policy: Span,
    /// The widest interval with which a window still opens: beyond its margins nothing is left.
    widest: Span,
    /// `None` while every response agrees with policy: the usual case costs no more than this.
    moved: Option<Box<Moved>>,
}

/// What responses changed.
#[derive(Clone, Debug, Default)]
struct Moved {
    learned: Option<Arc>,
    /// The latest narrower interval that each lease led to, oldest first.
    readings: Vec<(LeaseId, Arc)>,
}

impl Phase {
    pub(super) fn new(policy: &LimitPolicy, learned: Option<PhaseInterval>) -> Self {
        let grid = Grid::new(policy.window, policy.phase);
        let mut phase = Self { grid, policy: policy.phase, widest: widest(policy), moved: None };
        let learned = learned.map(|phase| Arc::new(grid.length(), phase.least, phase.width));
        if let Some(arc) = learned.filter(|arc| arc.width <= phase.widest) {
            phase.learn(arc);
        }
        phase
    }

    /// Applies policy: a change of length or phase forgets what was learned. So do margins that leave no time in windows that lie as
    /// was learned.
    pub(super) fn set_policy(&mut self, policy: &LimitPolicy) {
        if (policy.window.max(Span::from_ns(1)), policy.phase) != (self.length(), self.policy) {
            *self = Self::new(policy, None);
            return;
        }
        self.widest = widest(policy);
        let widest = self.widest;
        let is_too_wide = |moved: &mut Box<Moved>| moved.learned.is_some_and(|arc| arc.width > widest);
        if self.moved.take_if(is_too_wide).is_some() {
            self.grid = Grid::new(self.length(), self.policy);
        }
    }

    pub(super) fn learned(&self) -> Option<PhaseInterval> {
        self.moved.as_ref()?.learned.map(|arc| PhaseInterval { least: arc.start, width: arc.width })
    }

    pub(super) fn length(&self) -> Span {
        self.grid.length()
    }

    pub(super) fn policy(&self) -> Span {
        self.policy
    }

    pub(super) fn grid(&self) -> Grid {
        self.grid
    }

    /// Whether a reset fits what is known.
    pub(super) fn fits(&self, reset: Reset) -> bool {
        self.known().common(self.read(reset), self.length()).is_some()
    }

    /// Learns from a reset read under `lease`. Returns whether it was too vague for that, since no window would ever open.
    pub(super) fn observe(&mut self, lease: LeaseId, reset: Reset) -> bool {
        let (known, read) = (self.known(), self.read(reset));
        match known.common(read, self.length()) {
            None if read.width > self.widest => return true,
            None => self.learn(read),
            Some(common) if common.width < known.width => self.narrow(lease, common),
            Some(_) => {}
        }
        false
    }

    fn narrow(&mut self, lease: LeaseId, common: Arc) {
        let readings = &mut self.moved.get_or_insert_default().readings;
        readings.retain(|&(other, _)| other != lease);
        if readings.len() == READINGS_MAX {
            readings.remove(0);
        }
        readings.push((lease, common));
        if readings.iter().filter(|&&(_, arc)| arc == common).count() >= WITNESSES_OF_A_PHASE {
            self.learn(common);
        }
    }

    fn learn(&mut self, arc: Arc) {
        self.grid = Grid::within(self.length(), arc.start, arc.width);
        self.moved = Some(Box::new(Moved { learned: Some(arc), readings: Vec::new() }));
    }

    fn known(&self) -> Arc {
        Arc { start: self.grid.phase(), width: self.grid.width() }
    }

    fn read(&self, Reset { at, within }: Reset) -> Arc {
        Arc::between(self.length(), at - within, at + within)
    }
}

/// How wide the interval of a limit's phase may be: from its latest start and the margin after it there must be an instant left
/// before the guard of its earliest end.
fn widest(policy: &LimitPolicy) -> Span {
    policy.window.less(policy.margins.start + policy.margins.guard)
}

/// Whether a reset is near enough to `now` to say where windows start: at most `late` before, two windows after.
pub(super) fn says_phase(reset: Reset, now: Timestamp, late: Span, length: Span) -> bool {
    reset.at + reset.within + late >= now && reset.at - reset.within <= now + length + length
}
