//! What a provider's response said: it lowers what is left at once, and teaches later windows.

use super::{Allocator, Effect};
use crate::facts::{Finding, Seen, Sent};
use crate::limit::{Booking, Limit};
use crate::observation::Observation;
use crate::permits::Permits;
use crate::time::{Span, Timestamp};

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
        limit.ignored += u64::from(finding.vague || finding.ignored.is_some());
        if finding.exhausted && !limit.booking.exhausted {
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

    /// The boundaries lie elsewhere than was thought. What was granted in the old windows may be counted in the new ones, so
    /// these start with the old marks; blocks of the old windows are spent.
    pub(super) fn move_boundaries(&mut self, at: usize, now: Timestamp) {
        let limit = &mut self.limits[at];
        let (old, exhausted) = (limit.window, limit.booking.exhausted);
        let window = limit.window_of(now);
        if window == old {
            return;
        }
        let reaches_back = window.start.earliest < old.start.earliest;
        let former = if reaches_back { limit.former_mark } else { Permits::ZERO };
        let booked = former + limit.booking.mark + limit.next.mark;
        limit.next = Booking { mark: booked.min(limit.next_budget()), exhausted, ..Booking::default() };
        self.roll(at, window, now);
        if at == self.scheduler {
            self.first_round = None; // it is entered in its middle
        }
        let limit = &mut self.limits[at];
        // A lease granted at this very instant belongs to the old windows: nothing of it comes back into the new ones.
        limit.rolled_at = now + Span::from_ns(1);
        if limit.next_window().start.earliest < old.end.latest {
            limit.next.mark = booked.min(limit.next_budget());
        }
    }
}

fn obey(limit: &mut Limit, finding: &Finding) {
    if let Some(others) = finding.others {
        limit.booking.others = limit.booking.others.max(others.less(limit.booking.charged));
    }
    if let Some(budget) = finding.budget {
        limit.budget = limit.budget.min(budget);
    }
    limit.booking.exhausted |= finding.exhausted;
    if let Some(until) = finding.stop_until {
        limit.stop_until = limit.stop_until.max(until);
    }
}

/// Writes down what is known of a limit.
pub(super) fn learn(limit: &Limit) -> Effect {
    Effect::Learn { limit: limit.id.clone(), learnt: limit.facts.learnt() }
}

fn exhausted(limit: &Limit) -> Effect {
    Effect::Exhausted { limit: limit.id.clone(), window: limit.window, budget: limit.budget }
}
