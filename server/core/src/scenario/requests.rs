//! Requests of a replay: when they come, and what the allocator answers.

use super::demand::{Arrivals, Demand};
use super::record::{Record, Verdict};
use super::replay::{OpenLease, Replay, Request};
use crate::allocator::Submitted;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::request::{Answer, Ask, Lease, Outcome, Reason, Refusal};
use crate::time::Timestamp;

impl Replay<'_> {
    pub(super) fn collect(&mut self, now: Timestamp) -> bool {
        let mut answered = false;
        while let Some(Answer { ticket, outcome }) = self.allocator.next_answer() {
            answered = true;
            let Some(request) = self.waiting.remove(&ticket) else { continue };
            match outcome {
                Outcome::Granted(lease) => self.granted(now, request, &lease),
                Outcome::Refused(refusal) => self.refused(now, request.demand, &refusal),
            }
        }
        answered
    }

    fn granted(&mut self, now: Timestamp, request: Request, lease: &Lease) {
        let demand = &self.scenario.demand[request.demand];
        self.records.push(Record::Grant {
            at: now,
            team: demand.team.clone(),
            caller: demand.caller.clone(),
            priority: lease.priority,
            permits: lease.permits,
            window: self.window.unwrap_or(0),
            edge: lease.ends_at > lease.window_ends_at,
            waited: now.since(request.arrived),
            tag: demand.tag.clone(),
        });
        let held =
            OpenLease { demand: request.demand, id: lease.id, left: lease.permits, returned: Permits::ZERO };
        self.held.entry(demand.team.clone()).or_default().push_back(held);
        match demand.shape {
            Arrivals::Backlog { .. } => {
                self.ask(now, request.demand);
            }
            Arrivals::Workers { think, .. } => {
                self.thinking.entry(now + think).or_default().push(request.demand);
            }
            Arrivals::Once { .. } | Arrivals::PerWindow { .. } => {}
        }
    }

    fn refused(&mut self, now: Timestamp, demand: usize, refusal: &Refusal) {
        let asked = &self.scenario.demand[demand];
        self.records.push(Record::Reject {
            at: now,
            team: asked.team.clone(),
            caller: asked.caller.clone(),
            priority: asked.priority.unwrap_or(Priority::Default),
            permits: asked.permits,
            reason: verdict(refusal.reason),
            detail: refusal.reason,
            retry_after: refusal.retry_at.map(|at| at.since(now)),
            tag: asked.tag.clone(),
        });
    }

    /// Demand of a shape comes for the first time, or for one more window.
    pub(super) fn come(&mut self, now: Timestamp, at: usize) {
        let count = match self.scenario.demand[at].shape {
            Arrivals::Backlog { .. } => self.scenario.backlog(),
            Arrivals::Once { count, .. }
            | Arrivals::PerWindow { count, .. }
            | Arrivals::Workers { count, .. } => count,
        };
        let is_backlog = matches!(self.scenario.demand[at].shape, Arrivals::Backlog { .. });
        for _ in 0..count {
            if !self.ask(now, at) && is_backlog {
                return; // what can never be granted is refused once, not a thousand times
            }
        }
    }

    /// One request. Returns whether it was taken in.
    pub(super) fn ask(&mut self, now: Timestamp, at: usize) -> bool {
        let Demand { team, caller, priority, permits, min_permits, max_wait, .. } = &self.scenario.demand[at];
        let ask = Ask {
            team: team.clone(),
            caller: caller.clone(),
            priority: *priority,
            permits: *permits,
            min_permits: *min_permits,
            deadline: max_wait.map_or(Timestamp::MAX, |wait| now + wait),
            request_id: None,
        };
        match self.allocator.submit(now, &ask) {
            Ok(Submitted::Waits(ticket)) => {
                self.waiting.insert(ticket, Request { demand: at, arrived: now });
                true
            }
            Ok(Submitted::Repeats(_)) => true,
            Err(refusal) => {
                self.refused(now, at, &refusal);
                false
            }
        }
    }
}

/// The reason in the words of the format.
fn verdict(reason: Reason) -> Verdict {
    match reason {
        Reason::Malformed
        | Reason::UnknownTeam
        | Reason::TeamHasParts
        | Reason::TooLarge
        | Reason::TeamPaused
        | Reason::RequestIdReused
        | Reason::LeaseEnded => Verdict::Invalid,
        Reason::DeadlineTooShort => Verdict::Deadline,
        Reason::WindowExhausted
        | Reason::LimitChanged
        | Reason::TeamCapReached
        | Reason::ProviderCooldown
        | Reason::ClockUnsteady
        | Reason::CallerQueueFull
        | Reason::TeamQueueFull
        | Reason::WorkspaceQueueFull
        | Reason::TooManyCallers
        | Reason::TooManyRequestIds
        | Reason::StoreLost
        | Reason::NotOwner => Verdict::Expired,
    }
}
