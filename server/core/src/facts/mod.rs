//! What the provider taught about one limit: its budget, where its windows lie, who else uses it, when to stay silent.
//!
//! A function of (state, now, observation) that decides nothing about grants. An observation belongs to the window of its
//! reset, else of its lease, never to that of its arrival: one that has neither teaches nothing but a cooldown. One
//! response can lower the current window; later windows change only by what different leases agree on. Boundaries are the
//! exception: one contradiction moves them, to an interval as wide as it was written down. So is a cooldown asked for by the
//! provider under a known lease.

mod arc;
mod budget;
mod expectation;
mod finding;
mod others;
mod phase;
#[cfg(test)]
mod tests;

pub use finding::{Absurd, Basis, Finding, Learnt, Seen, Sent};
pub use others::OTHERS_MEMORY_MAX;
pub use phase::{PhaseInterval, READINGS_MAX, WITNESSES_OF_A_PHASE};

use crate::observation::{Observation, Reset};
use crate::permits::Permits;
use crate::policy::LimitPolicy;
use crate::request::LeaseId;
use crate::time::{Span, Timestamp};
use crate::window::{Grid, Window};
use budget::Budget;
use expectation::Rest;
use others::{Most, Others, Reading};
use phase::Phase;
use std::cmp::Ordering;

/// The longest cooldown that is believed of a limit whose windows are not longer.
pub const COOLDOWN_MAX: Span = Span::from_secs(86_400);
/// How long after it passed a reset still tells of the phase: as long as a response may take.
pub const LATE_MAX: Span = Span::from_secs(1);

/// What is known about one limit.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When the workspace was made.
    created_at: Timestamp,
    budget: Budget,
    phase: Phase,
    others: Others,
    cooldown_until: Option<Timestamp>,
    /// Where the window started that is open; zero: not known yet.
    current: Timestamp,
}

impl Facts {
    /// What policy says of a workspace that was made at `created_at`, corrected by what was learnt before of the same limit; use
    /// by others is remembered for `external_use_memory` windows (at most [`OTHERS_MEMORY_MAX`]).
    pub fn new(
        policy: &LimitPolicy,
        created_at: Timestamp,
        external_use_memory: u32,
        learnt: Option<&Learnt>,
    ) -> Self {
        let learnt = learnt.map(|learnt| learnt.of(Basis::of(policy, created_at)));
        let learnt = learnt.as_ref();
        Self {
            created_at,
            budget: Budget::new(policy.permits, learnt.and_then(|learnt| learnt.permits)),
            phase: Phase::new(policy, learnt.and_then(|learnt| learnt.phase)),
            others: Others::new(external_use_memory, learnt.map_or(Permits::ZERO, |learnt| learnt.others)),
            cooldown_until: learnt.and_then(|learnt| learnt.cooldown_until),
            current: Timestamp::ZERO,
        }
    }

    /// The windows, as known now.
    pub fn grid(&self) -> Grid {
        self.phase.grid()
    }

    /// The budget of the next window to open, as known now.
    pub fn budget(&self) -> Permits {
        self.budget.next()
    }

    /// What the current window was expected to lose to others when it started: by the largest of the last windows, decaying.
    pub fn others_expected(&self) -> Permits {
        self.others.expected()
    }

    /// What others used of the current window, at the least.
    pub fn others_used(&self) -> Permits {
        self.others.used()
    }

    /// What they will probably use of it yet. Only responses lower it.
    pub fn others_to_come(&self) -> Permits {
        self.others.to_come()
    }

    /// How far what is expected of others may be off: to be kept from a window at first, and let go as it passes.
    pub fn others_spread(&self) -> Permits {
        self.others.spread(self.budget.next())
    }

    /// What must survive a restart.
    pub fn learnt(&self) -> Learnt {
        let learnt = Learnt {
            permits: self.budget.learnt(),
            phase: self.phase.learnt(),
            cooldown_until: self.cooldown_until,
            others: self.others.learnt(),
            basis: None,
        };
        let (window, phase) = (self.phase.length(), self.phase.policy());
        let basis = Basis { permits: self.budget.policy(), window, phase, created_at: self.created_at };
        Learnt { basis: (learnt != Learnt::default()).then_some(basis), ..learnt }
    }

    /// Policy changed. A new budget counts from the next window, and what was learnt stays unless policy changed just
    /// that, or its margins leave no time in windows that lie as was learnt. Returns whether [`Facts::learnt`] changed.
    #[must_use = "what was learnt may have to be written"]
    pub fn set_policy(&mut self, policy: &LimitPolicy, external_use_memory: u32) -> bool {
        let before = self.learnt();
        self.others.remember(external_use_memory);
        self.budget.set_policy(policy.permits);
        self.phase.set_policy(policy);
        before != self.learnt()
    }

    /// A new window started. The same or an earlier one changes nothing. A cooldown that ended before it is forgotten;
    /// one that did not still holds in it.
    pub fn roll(&mut self, window: &Window) {
        let start = window.start.earliest;
        if self.current > Timestamp::ZERO {
            if start <= self.current {
                return;
            }
            let windows = start.since(self.current).as_ns() / self.phase.length().as_ns();
            let windows = u32::try_from(windows.max(1)).unwrap_or(u32::MAX);
            self.others.roll(windows, self.phase.length(), self.budget.next());
        }
        self.current = start;
        self.cooldown_until = self.cooldown_until.filter(|&until| until > start);
    }

    /// Holds a response of the provider against what is known, and learns from it.
    pub fn observe(&mut self, now: Timestamp, observation: &Observation, seen: &Seen<'_>) -> Finding {
        if let Some(absurd) = self.absurd(now, observation) {
            return Finding { ignored: Some(absurd), ..Finding::default() };
        }
        self.roll(seen.current);
        let (before, grid) = (self.learnt(), self.grid());
        let lease = observation.lease.filter(|_| seen.sent.is_some());
        let place = self.place(now, observation.reset, seen);
        let mut finding = Finding::default();
        if place == Some(Ordering::Equal) {
            if observation.throttled && lease.is_some() {
                self.others.throttled();
            }
            self.observe_current(observation, lease, seen, &mut finding);
        }
        if let Some(place) = place.filter(|place| place.is_ge()) {
            // Whatever is sent after a later window was exhausted is counted there.
            finding.exhausted = observation.throttled;
            self.observe_budget(observation, lease, place, seen, &mut finding);
        }
        self.observe_retry(now, observation, lease, seen, &mut finding);
        if let (Some(lease), Some(reset)) = (lease, observation.reset)
            && phase::tells_of_phase(reset, now, LATE_MAX, self.phase.length())
        {
            finding.vague = self.phase.observe(lease, reset);
        }
        finding.grid_changed = grid != self.grid();
        finding.durable = before != self.learnt();
        finding
    }

    /// Use by others. Where the reset contradicts the phase, what was granted is not what the provider counted.
    fn observe_current(
        &mut self,
        observation: &Observation,
        lease: Option<LeaseId>,
        seen: &Seen<'_>,
        finding: &mut Finding,
    ) {
        let fits = observation.reset.is_none_or(|reset| self.phase.fits(reset));
        if let Some(remaining) = observation.remaining.filter(|_| fits) {
            let counted = observation.permits.unwrap_or(seen.budget).less(remaining);
            let most = lease.zip(seen.sent).map(|(lease, sent)| Most {
                lease,
                used: counted.less(sent.spent),
                rest: Rest { left: seen.current.end.latest.since(sent.after), length: self.phase.length() },
            });
            finding.others = self.others.observe(Reading {
                least: counted.less(seen.granted),
                is_throttled: observation.throttled,
                most,
            });
        }
    }

    fn observe_budget(
        &mut self,
        observation: &Observation,
        lease: Option<LeaseId>,
        place: Ordering,
        seen: &Seen<'_>,
        finding: &mut Finding,
    ) {
        let Some(permits) = observation.permits else { return };
        finding.budget = (place.is_eq() && permits < seen.budget).then_some(permits);
        if let Some(lease) = lease {
            self.budget.observe(lease, permits);
        }
    }

    /// A time to retry at: a cooldown under a known lease, until the end of the current window under any other.
    fn observe_retry(
        &mut self,
        now: Timestamp,
        observation: &Observation,
        lease: Option<LeaseId>,
        seen: &Seen<'_>,
        finding: &mut Finding,
    ) {
        let Some(retry_at) = observation.retry_at.filter(|&at| at > now) else { return };
        let end = seen.current.end;
        let until = if lease.is_some() { retry_at } else { retry_at.min(end.latest) };
        let beyond = until >= end.earliest;
        finding.exhausted |= beyond;
        if self.cooldown_until.is_none_or(|known| until > known) && (beyond || !finding.exhausted) {
            self.cooldown_until = Some(until);
            finding.stop_until = Some(until);
        }
    }

    fn absurd(&self, now: Timestamp, observation: &Observation) -> Option<Absurd> {
        let window = self.phase.length();
        if observation.permits.is_some_and(Permits::is_zero) {
            return Some(Absurd::ZeroLimit);
        }
        if let (Some(remaining), Some(limit)) = (observation.remaining, observation.permits)
            && remaining > limit
        {
            return Some(Absurd::RemainingAboveLimit { remaining, limit });
        }
        if let Some(Reset { at, within }) = observation.reset {
            let away = at.since(now).max(now.since(at));
            if away.less(within) > window + window {
                return Some(Absurd::ResetFarAway { away, window });
            }
        }
        let (away, most) = (observation.retry_at?.since(now), COOLDOWN_MAX.max(window));
        (away > most).then_some(Absurd::RetryFarAway { away, most })
    }

    /// Whether an observation belongs to an earlier window than the current one, to that, or to a later one; nothing
    /// where neither its reset nor its lease tells.
    fn place(&self, now: Timestamp, reset: Option<Reset>, seen: &Seen<'_>) -> Option<Ordering> {
        reset.and_then(|reset| self.place_of_reset(now, reset, seen.current)).or_else(|| {
            let window = seen.lease_window?;
            Some(window.start.earliest.cmp(&seen.current.start.earliest))
        })
    }

    /// The same by its reset; nothing where that may be the end of several windows. A reset that fits no boundary is
    /// the end of the window that is open now if it comes within a window's length.
    fn place_of_reset(&self, now: Timestamp, reset: Reset, current: &Window) -> Option<Ordering> {
        let length = self.phase.length();
        let (earliest, latest) = (reset.at - reset.within, reset.at + reset.within);
        let end = current.end;
        let may_be_earlier = earliest <= end.latest - length;
        let may_be_current = earliest <= end.latest && latest >= end.earliest;
        let may_be_later = latest >= end.earliest + length;
        match (may_be_earlier, may_be_current, may_be_later) {
            (false, true, false) => Some(Ordering::Equal),
            (true, false, false) => Some(Ordering::Less),
            (false, false, true) => Some(Ordering::Greater),
            (false, false, false) if latest < now => Some(Ordering::Less),
            (false, false, false) if earliest > now + length => Some(Ordering::Greater),
            (false, false, false) => Some(Ordering::Equal),
            _ => None,
        }
    }
}
