//! What one response of the provider changes of the facts, and what follows at once.

use super::absurd::absurd;
use super::expectation::Rest;
use super::external_use::{Most, Reading};
use super::finding::{Finding, Seen};
use super::known::Facts;
use super::phase;
use super::place::place;
use crate::observation::Observation;
use crate::request::LeaseId;
use crate::time::{Span, Timestamp};
use std::cmp::Ordering;

/// How long after it passed a reset still says where windows start: as long as a response may take.
pub const LATE_MAX: Span = Span::from_secs(1);

impl Facts {
    /// Compares a response of the provider with what is known, and learns from it.
    pub fn observe(&mut self, now: Timestamp, observation: &Observation, seen: &Seen<'_>) -> Finding {
        let length = self.phase.length();
        if let Some(absurd) = absurd(now, observation, length) {
            return Finding { ignored: Some(absurd), ..Finding::default() };
        }
        self.roll(seen.current);
        let (before, grid) = (self.learned(), self.grid());
        let lease = observation.lease.filter(|_| seen.sent.is_some());
        let place = place(now, observation.reset, seen, length);
        let mut finding = Finding::default();
        if place == Some(Ordering::Equal) {
            if observation.throttled && lease.is_some() {
                self.external_use.throttled();
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
            && phase::says_phase(reset, now, LATE_MAX, length)
        {
            finding.vague = self.phase.observe(lease, reset);
        }
        finding.grid_changed = grid != self.grid();
        finding.durable = before != self.learned();
        finding
    }

    /// External use. Where the reset contradicts the phase, what was granted is not what the provider counted.
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
            finding.external_use = self.external_use.observe(Reading {
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

    /// A retry time: a cooldown under a known lease, until the end of the current window under any other.
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
}
