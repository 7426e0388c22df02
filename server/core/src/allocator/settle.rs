//! What a lease was used for: unused permits go back into the window while it is open.

use super::state::Allocator;
use crate::contest::{Contest, Returned};
use crate::ids::{CallerId, TeamId};
use crate::lease::AllocatedLease;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::request::{LeaseId, Usage};
use crate::reshaping::PreviousReturn;
use crate::share::turns::TeamService;
use crate::time::Timestamp;
use thiserror::Error;

/// What came of a settle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settled {
    /// Permits of this lease that came back so far and were taken.
    pub returned: Permits,
    /// Of those, the ones that this call brought.
    pub accepted: Permits,
    /// Whether the lease is still alive.
    pub is_open: bool,
}

impl Settled {
    /// Nothing comes back of the lease any more.
    const CLOSED: Self = Self { returned: Permits::ZERO, accepted: Permits::ZERO, is_open: false };
}

/// Why a settle is refused. Nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SettleError {
    /// More was reported than was granted.
    #[error("used {used} and returned {returned} are more than the {permits} permits of the lease")]
    TooMuch {
        /// Cumulative permits used.
        used: Permits,
        /// Cumulative permits returned.
        returned: Permits,
        /// Permits granted.
        permits: Permits,
    },
    /// The lease belongs to another caller.
    #[error("the lease was granted to another caller")]
    NotYours,
}

impl Allocator {
    /// Notes what a lease was used for so far. A repeat, or a report older than the last, changes nothing and gets the same
    /// answer; a lease that has expired is accepted and nothing comes back. Call [`Allocator::decide`] next.
    ///
    /// # Errors
    /// [`SettleError`] where more is reported than was granted, or by another caller.
    pub fn settle(
        &mut self,
        now: Timestamp,
        id: LeaseId,
        by: (&TeamId, &CallerId),
        usage: Usage,
    ) -> Result<Settled, SettleError> {
        self.advance(now);
        let open = self.leases.find(id).filter(|open| !open.is_closed());
        let charged = open.and_then(|open| self.reshaping.charged(now, open, &self.windows));
        let Some(charged) = charged else {
            self.note_end(now, id, by, usage.is_final);
            return Ok(Settled::CLOSED);
        };
        let Some(open) = self.leases.find(id) else { return Ok(Settled::CLOSED) };
        let permits = open.lease.permits;
        if usage.exceeds(permits) {
            let Usage { used, returned, .. } = usage;
            return Err(SettleError::TooMuch { used, returned, permits });
        }
        if !is_holder(open, by, &self.contest) {
            return Err(SettleError::NotYours);
        }
        let reported = open.report(now, usage);
        let settled =
            Settled { returned: open.returned, accepted: reported.accepted, is_open: !open.is_final() };
        let (returned, part) = (returned(open, reported.accepted), open.previous);
        self.leases.count_used(reported.used);
        if !reported.accepted.is_zero() {
            self.contest.give_back(&returned, &charged, &mut self.windows, &mut self.replies);
        }
        let (permits_back, is_edge) = (reported.accepted, returned.is_edge);
        let previous = PreviousReturn { part, permits: permits_back, charged: &charged, is_edge };
        self.reshaping.came_back(&previous, &self.windows);
        if reported.is_last {
            self.reshaping.use_up(part, permits.less(settled.returned), now, &self.windows);
        }
        Ok(settled)
    }

    /// Nothing comes back of a lease any more, but its holder reports that it will not be used: it is not charged to later windows.
    fn note_end(&mut self, now: Timestamp, id: LeaseId, by: (&TeamId, &CallerId), is_final: bool) {
        let Some(open) = self.leases.find(id).filter(|open| is_final && !open.is_final()) else { return };
        if open.is_closed() || !is_holder(open, by, &self.contest) {
            return;
        }
        open.final_at = now;
        let (part, used) = (open.previous, open.lease.permits.less(open.returned));
        self.reshaping.use_up(part, used, now, &self.windows);
    }

    /// The priority at which a lease that is remembered was served.
    pub fn priority_of(&mut self, id: LeaseId) -> Option<Priority> {
        self.leases.find(id).map(|open| open.lease.priority)
    }

    /// So many more answers carry a lease: those of repeats that waited with the request.
    pub fn also_answered(&mut self, id: LeaseId, more: u32) {
        if let Some(open) = self.leases.find(id) {
            open.answers = open.answers.saturating_add(more);
        }
    }

    /// An answer that carries a lease was not delivered. When no other answer carries it, all of it comes back while its window is
    /// open, and its request id is forgotten, so that a repeat is a request of its own. Returns what came back then, `None` if
    /// nothing was to be given back. Call [`Allocator::decide`] next.
    pub fn undelivered(&mut self, now: Timestamp, id: LeaseId, by: (&TeamId, &CallerId)) -> Option<Settled> {
        let open = self.leases.find(id)?;
        open.answers = open.answers.saturating_sub(1);
        if open.answers > 0 {
            return None;
        }
        let (returned, caller) = (open.lease.permits, open.caller);
        let unused = Usage { used: Permits::ZERO, returned, is_final: true };
        let settled = self.settle(now, id, by, unused).ok()?;
        if let Some(request) = self.leases.find(id).and_then(|open| open.request_id.take()) {
            self.replies.ids.remove(caller, request);
        }
        Some(settled)
    }
}

fn is_holder(open: &AllocatedLease, (team, caller): (&TeamId, &CallerId), contest: &Contest) -> bool {
    contest.find_team(team) == Some(open.team) && contest.queue().callers[open.caller].id == *caller
}

/// What comes back of a lease, and to whom.
fn returned(open: &AllocatedLease, permits: Permits) -> Returned {
    let &AllocatedLease { team, reserved_at, caller, is_edge, .. } = open;
    let service = TeamService { team, priority: open.lease.priority, permits, reserved_at };
    Returned { service, caller, is_edge }
}
