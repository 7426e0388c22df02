//! Where the boundaries of a limit's windows lie, as far as the provider's resets tell.
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
/// How many leases' readings are kept while they wait for others that agree.
pub const READINGS_MAX: usize = 8;

/// A phase learnt from resets: somewhere in `least ..= least + spread`, modulo the length of a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PhaseInterval {
    /// The least phase it may be.
    pub least: Span,
    /// How much more it may be.
    pub spread: Span,
}

#[derive(Clone, Debug)]
pub(super) struct Phase {
    length: Span,
    policy: Span,
    /// The widest interval with which a window still opens: beyond its margins nothing is left.
    widest: Span,
    /// Nothing while every response agrees with policy: the usual case costs no more than this.
    taught: Option<Box<Taught>>,
}

/// What responses taught.
#[derive(Clone, Debug, Default)]
struct Taught {
    learnt: Option<Arc>,
    /// The latest narrower interval that each lease led to, oldest first.
    readings: Vec<(LeaseId, Arc)>,
}

impl Phase {
    pub(super) fn new(policy: &LimitPolicy, learnt: Option<PhaseInterval>) -> Self {
        let (length, widest) = (policy.window.max(Span::from_ns(1)), widest(policy));
        let learnt = learnt.map(|phase| Arc::new(length, phase.least, phase.spread));
        let learnt = learnt.filter(|arc| arc.spread <= widest);
        let taught = learnt.map(|arc| Box::new(Taught { learnt: Some(arc), readings: Vec::new() }));
        Self { length, policy: policy.phase, widest, taught }
    }

    /// Windows of another length or phase by policy: what was learnt of the old ones goes. So does what leaves no time between
    /// other margins.
    pub(super) fn set_policy(&mut self, policy: &LimitPolicy) {
        if (policy.window.max(Span::from_ns(1)), policy.phase) != (self.length, self.policy) {
            *self = Self::new(policy, None);
            return;
        }
        self.widest = widest(policy);
        let widest = self.widest;
        self.taught.take_if(|taught| taught.learnt.is_some_and(|arc| arc.spread > widest));
    }

    fn arc(&self) -> Option<Arc> {
        self.taught.as_ref()?.learnt
    }

    pub(super) fn learnt(&self) -> Option<PhaseInterval> {
        self.arc().map(|arc| PhaseInterval { least: arc.start, spread: arc.spread })
    }

    pub(super) fn length(&self) -> Span {
        self.length
    }

    pub(super) fn policy(&self) -> Span {
        self.policy
    }

    pub(super) fn grid(&self) -> Grid {
        let arc = self.known();
        Grid::within(self.length, arc.start, arc.spread)
    }

    /// Whether a reset fits what is known.
    pub(super) fn fits(&self, reset: Reset) -> bool {
        self.known().common(self.read(reset), self.length).is_some()
    }

    /// Learns from a reset read under `lease`. Returns whether it was too vague for that: no window would ever open.
    pub(super) fn observe(&mut self, lease: LeaseId, reset: Reset) -> bool {
        let (known, read) = (self.known(), self.read(reset));
        match known.common(read, self.length) {
            None if read.spread > self.widest => return true,
            None => self.learn(read),
            Some(common) if common.spread < known.spread => self.narrow(lease, common),
            Some(_) => {}
        }
        false
    }

    fn narrow(&mut self, lease: LeaseId, common: Arc) {
        let readings = &mut self.taught.get_or_insert_default().readings;
        readings.retain(|&(who, _)| who != lease);
        if readings.len() == READINGS_MAX {
            readings.remove(0);
        }
        readings.push((lease, common));
        if readings.iter().filter(|&&(_, arc)| arc == common).count() >= WITNESSES_OF_A_PHASE {
            self.learn(common);
        }
    }

    fn learn(&mut self, arc: Arc) {
        self.taught = Some(Box::new(Taught { learnt: Some(arc), readings: Vec::new() }));
    }

    fn known(&self) -> Arc {
        self.arc().unwrap_or(Arc::new(self.length, self.policy, Span::ZERO))
    }

    fn read(&self, Reset { at, within }: Reset) -> Arc {
        Arc::between(self.length, at - within, at + within)
    }
}

/// How wide the interval of a limit's phase may be: from its latest start and the margin after it there must be an instant left
/// before the guard of its earliest end.
fn widest(policy: &LimitPolicy) -> Span {
    policy.window.less(policy.margins.start + policy.margins.guard)
}

/// Whether a reset lies so near to `now` that it tells of a phase: at most `late` before, two windows after.
pub(super) fn tells_of_phase(reset: Reset, now: Timestamp, late: Span, length: Span) -> bool {
    reset.at + reset.within + late >= now && reset.at - reset.within <= now + length + length
}
