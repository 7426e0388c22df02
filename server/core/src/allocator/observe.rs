//! What a provider's response said: it lowers what is left at once, and teaches later windows.

use super::{Allocator, Effect};
use crate::facts::{Finding, Seen, Sent};
use crate::limit::{Booking, Exhausted, Limit};
use crate::observation::Observation;
use crate::time::Timestamp;

impl Allocator {
    /// Takes in what a response said, and returns what followed from it; nothing where the limit is unknown. Call
    /// [`Allocator::decide`] next.
    pub fn observe(&mut self, now: Timestamp, observation: &Observation) -> Option<Finding> {
        self.advance(now);
        let now = now.max(self.advanced_to);
        let at = self.limits.iter().position(|limit| limit.id == observation.limit)?;
        let open = observation.lease.and_then(|lease| self.leases.find(lease));
        let limit = &mut self.limits[at];
        let sent =
            open.map(|open| Sent { after: open.lease.granted_at, spent: limit.spent(open.spent_before) });
        let current = limit.window;
        let seen = Seen {
            current: &current,
            budget: limit.budget,
            // A late report of a former process's client, before anything is booked here, is taken for use by others: that
            // wastes what it says, where to ignore it could overdraw.
            granted: limit.booking.mark.less(limit.booking.free + limit.booking.charged),
            lease_window: sent.is_some().then_some(current),
            sent,
        };
        let finding = limit.facts.observe(now, observation, &seen);
        limit.ignored = limit.ignored.saturating_add(u32::from(finding.vague || finding.ignored.is_some()));
        if finding.exhausted && limit.booking.exhausted != Exhausted::ByProvider {
            self.effects.push_back(exhausted(limit));
        }
        obey(limit, &finding);
        if finding.durable {
            self.effects.push_back(learn(limit));
        }
        if finding.grid_changed {
            self.move_boundaries(at, now);
        }
        Some(finding)
    }

    /// The boundaries lie elsewhere than was thought. Blocks of the old windows are void; the ledger knows what the new ones start
    /// with. A window that is exhausted stays so.
    pub(super) fn move_boundaries(&mut self, at: usize, now: Timestamp) {
        let window = self.limits[at].window_of(now);
        if window == self.limits[at].window {
            return;
        }
        let left = self.leave_shape(now);
        let series = self.next_series();
        let limit = &mut self.limits[at];
        limit.series = series;
        limit.ahead = None; // it was known of a window that will not be
        limit.next = Booking { exhausted: limit.booking.exhausted, ..Booking::default() };
        self.roll(at, window, now);
        if at == self.scheduler {
            self.first_round = None; // it is entered in its middle
        }
        self.limits[at].is_new = true;
        self.enter_shape(now, &left);
    }
}

fn obey(limit: &mut Limit, finding: &Finding) {
    if let Some(others) = finding.external_use {
        limit.booking.others = limit.booking.others.max(others.less(limit.booking.charged));
    }
    if let Some(budget) = finding.budget {
        limit.budget = limit.budget.min(budget);
    }
    if finding.exhausted {
        limit.booking.exhausted = Exhausted::ByProvider;
    }
    if let Some(until) = finding.stop_until {
        limit.stop_until = limit.stop_until.max(until);
    }
}

/// Writes down what is known of a limit.
pub(super) fn learn(limit: &Limit) -> Effect {
    Effect::Learn { limit: limit.id.clone(), learned: limit.facts.learned() }
}

fn exhausted(limit: &Limit) -> Effect {
    Effect::Exhausted { limit: limit.id.clone(), window: limit.window, budget: limit.budget }
}
