//! A request arrives, or is withdrawn.

use super::state::Allocator;
use crate::priority::Priority;
use crate::queue::Arrival;
use crate::request::{Ask, Lease, Reason, Refusal, Ticket};
use crate::request_ids::KnownRequest;
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::time::Timestamp;

/// What became of a request when it arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Submitted {
    /// It waits for the next decision; the answer has this ticket.
    Waits(Ticket),
    /// It repeats a request whose lease is open: the same lease.
    Repeats(Lease),
}

impl Allocator {
    /// Takes a request in. Nothing is granted before [`Allocator::decide`]. A refused request leaves no trace.
    ///
    /// # Errors
    /// A refusal that is certain without a decision: malformed, can never be granted, or a bound is reached.
    pub fn submit(&mut self, now: Timestamp, ask: &Ask) -> Result<Submitted, Refusal> {
        self.advance(now);
        let (team, priority) = self.admissible(ask)?;
        let caller = self.contest.backlog().find_caller(team, &ask.caller);
        if let (Some(caller), Some(id)) = (caller, &ask.request_id)
            && let Some(known) = self.replies.ids.find(caller, id)
        {
            return self.repeat(known, ask);
        }
        self.check_bounds(team, caller, ask).map_err(|reason| {
            let retry_at = Some(self.windows.primary().next_opens().max(now));
            Refusal { reason, retry_at, limit: None }
        })?;
        let caller = caller.unwrap_or_else(|| self.contest.add_caller(team, &ask.caller));
        Ok(Submitted::Waits(self.enqueue(now, caller, priority, ask)))
    }

    /// The same as [`Allocator::submit`] and [`Allocator::decide`] in one.
    ///
    /// # Errors
    /// As [`Allocator::submit`].
    pub fn acquire(&mut self, now: Timestamp, ask: &Ask) -> Result<Submitted, Refusal> {
        let submitted = self.submit(now, ask)?;
        self.decide(now);
        Ok(submitted)
    }

    /// Withdraws a waiting request, at no cost. Returns whether it still waited.
    pub fn cancel(&mut self, now: Timestamp, ticket: Ticket) -> bool {
        self.advance(now);
        let Some(slot) = self.contest.queue().find(ticket) else { return false };
        self.contest.leave(slot, &mut self.windows, &mut self.replies);
        true
    }

    /// The team and priority at which a request is served, if it can ever be granted.
    fn admissible(&self, ask: &Ask) -> Result<(NodeIx, Priority), Refusal> {
        if ask.min_permits.is_zero() || ask.min_permits > ask.permits {
            return Err(never(Reason::Malformed));
        }
        let team = self.contest.find_team(&ask.team).ok_or(never(Reason::UnknownTeam))?;
        let tree = self.contest.tree();
        if !tree[team].is_leaf() {
            return Err(never(Reason::TeamHasParts));
        }
        let cap = tree.least_cap(team);
        if cap.is_zero() {
            return Err(never(Reason::TeamPaused));
        }
        if ask.min_permits > self.windows.largest_possible().min(cap) {
            return Err(never(Reason::TooLarge));
        }
        Ok((team, tree.priority_rule(team).served(ask.priority)))
    }

    /// Answers a request whose id is known already.
    fn repeat(&mut self, known: KnownRequest, ask: &Ask) -> Result<Submitted, Refusal> {
        match known {
            KnownRequest::Ended => Err(never(Reason::LeaseEnded)),
            KnownRequest::Waiting(slot) => {
                let queue = self.contest.queue();
                if queue[slot].content() == ask.content() {
                    return Ok(Submitted::Waits(queue.ticket(slot)));
                }
                Err(never(Reason::RequestIdReused))
            }
            KnownRequest::Granted(id) => match self.leases.find(id) {
                Some(open) if open.content == ask.content() => {
                    open.answers = open.answers.saturating_add(1);
                    Ok(Submitted::Repeats(open.lease))
                }
                Some(_) => Err(never(Reason::RequestIdReused)),
                None => Err(never(Reason::LeaseEnded)),
            },
        }
    }

    fn check_bounds(&mut self, team: NodeIx, caller: Option<Slot>, ask: &Ask) -> Result<(), Reason> {
        let is_full = |count: usize, bound: u32| u32::try_from(count).map_or(true, |count| count >= bound);
        let (bounds, queue) = (&self.bounds, self.contest.queue());
        let of_caller = caller.map_or(0, |caller| queue.callers[caller].requests());
        let of_team = self.contest.backlog().team(team);
        let callers = of_team.map_or(0, |team| team.callers.len());
        if of_caller >= bounds.waiting_per_caller {
            return Err(Reason::CallerQueueFull);
        }
        if of_team.map_or(0, |team| team.requests()) >= bounds.waiting_per_team {
            return Err(Reason::TeamQueueFull);
        }
        if is_full(queue.len(), bounds.waiting) {
            return Err(Reason::WorkspaceQueueFull);
        }
        // Idle callers go when a window starts, so none of them is looked for here.
        let has_no_room =
            is_full(callers, bounds.callers_per_team) || is_full(queue.callers.len(), bounds.callers());
        if caller.is_none() && has_no_room {
            return Err(Reason::TooManyCallers);
        }
        let are_ids_full = ask.request_id.is_some() && is_full(self.replies.ids.len(), bounds.request_ids);
        if are_ids_full && !self.replies.ids.forget_oldest_answer(&mut self.leases) {
            return Err(Reason::TooManyRequestIds);
        }
        Ok(())
    }

    fn enqueue(&mut self, now: Timestamp, caller: Slot, priority: Priority, ask: &Ask) -> Ticket {
        self.contest.mark_active(caller, self.windows.count());
        let arrival = Arrival {
            caller,
            asked: ask.priority,
            priority,
            permits: ask.permits,
            min_permits: ask.min_permits,
            arrived: now,
            deadline: ask.deadline,
            request_id: ask.request_id.clone(),
        };
        let slot = self.contest.submit(arrival, &mut self.windows);
        if let Some(id) = &ask.request_id {
            self.replies.ids.insert(caller, id, KnownRequest::Waiting(slot));
        }
        let ticket = self.contest.queue().ticket(slot);
        self.undecided.push(ticket);
        ticket
    }
}

/// A refusal of a request that can never be granted under the current policy.
fn never(reason: Reason) -> Refusal {
    Refusal { reason, retry_at: None, limit: None }
}
