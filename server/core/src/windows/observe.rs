//! What a provider's response reports: it lowers what is left at once, and corrects later windows.

use super::state::Windows;
use crate::blocks::Exhausted;
use crate::effect::Effects;
use crate::facts::{Finding, Seen, Sent};
use crate::limit::Limit;
use crate::observation::Observation;
use crate::time::Timestamp;

/// What is known of the lease under which a request was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentUnder {
    pub(crate) granted_at: Timestamp,
    /// What leases had been reported to have used in all by then.
    pub(crate) used_before: u32,
}

impl Windows {
    /// Applies what a response reported of the limit in this place.
    pub(crate) fn observe(
        &mut self,
        at: usize,
        now: Timestamp,
        observation: &Observation,
        sent: Option<SentUnder>,
        effects: &mut Effects,
    ) -> Finding {
        let limit = &mut self.limits[at];
        let sent =
            sent.map(|sent| Sent { after: sent.granted_at, spent: limit.used_since_start(sent.used_before) });
        let current = limit.window;
        let seen = Seen {
            current: &current,
            budget: limit.budget,
            // A late report of a previous process's client, before anything is booked here, counts as external use: that wastes
            // what it reports, but ignoring it could overdraw.
            granted: limit.blocks.mark.less(limit.blocks.free + limit.blocks.external_booked),
            lease_window: sent.is_some().then_some(current),
            sent,
        };
        let finding = limit.facts.observe(now, observation, &seen);
        limit.ignored = limit.ignored.saturating_add(u32::from(finding.vague || finding.ignored.is_some()));
        let is_throttle = observation.throttled || observation.retry_at.is_some();
        limit.throttles = limit.throttles.saturating_add(u32::from(is_throttle));
        if finding.exhausted && limit.blocks.exhausted != Exhausted::ByProvider {
            effects.exhausted(limit, limit.window, limit.budget);
        }
        apply(limit, &finding);
        if finding.durable {
            effects.learn(limit);
        }
        finding
    }
}

fn apply(limit: &mut Limit, finding: &Finding) {
    let blocks = &mut limit.blocks;
    if let Some(used) = finding.external_use {
        blocks.external_unbooked = blocks.external_unbooked.max(used.less(blocks.external_booked));
    }
    if finding.exhausted {
        blocks.exhausted = Exhausted::ByProvider;
    }
    if let Some(budget) = finding.budget {
        limit.budget = limit.budget.min(budget);
    }
    if let Some(until) = finding.stop_until {
        limit.cooldown_until = limit.cooldown_until.max(until);
    }
}
