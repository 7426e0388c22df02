//! A request comes, or is withdrawn.

use super::{Allocator, Known};
use crate::ids::CallerId;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::queue::{Arrival, Caller, Waiting};
use crate::request::{Ask, Lease, Reason, Refusal, Ticket};
use crate::share::tree::NodeIx;
use crate::slab::Slot;
use crate::time::Timestamp;

/// What became of a request when it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Submitted {
    /// It waits for the next decision; the answer bears this ticket.
    Waits(Ticket),
    /// It repeats a request whose lease lives: the same lease.
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
        let known = self.find_caller(team, &ask.caller);
        if let (Some(caller), Some(id)) = (known, &ask.request_id)
            && let Some(known) = self.known.get(&(caller, id.clone())).copied()
        {
            return self.repeat(known, ask);
        }
        self.within_bounds(now, team, known, ask)?;
        let caller = known.unwrap_or_else(|| self.add_caller(team, &ask.caller));
        let slot = self.enqueue(now, caller, priority, ask);
        Ok(Submitted::Waits(self.queue.ticket(slot)))
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
        let Some(slot) = self.queue.find(ticket) else { return false };
        self.take_out(slot);
        true
    }

    /// Which team and priority a request is served at, if it can ever be granted.
    fn admissible(&self, ask: &Ask) -> Result<(NodeIx, Priority), Refusal> {
        let never = |reason| Refusal { reason, retry_at: None, limit: None };
        if ask.min_permits.is_zero() || ask.min_permits > ask.permits {
            return Err(never(Reason::Malformed));
        }
        let team = self.names.get(&ask.team).ok_or(never(Reason::UnknownTeam))?;
        if !self.tree[team].is_leaf() {
            return Err(never(Reason::TeamHasParts));
        }
        if self.tree.least_cap(team).is_zero() {
            return Err(never(Reason::TeamPaused));
        }
        if ask.min_permits > self.largest_possible(team) {
            return Err(never(Reason::TooLarge));
        }
        Ok((team, self.priority_rule(team).served(ask.priority)))
    }

    /// The largest request that a team can ever be granted.
    pub(super) fn largest_possible(&self, team: NodeIx) -> Permits {
        let budgets = self.limits.iter().map(|limit| limit.budget.max(limit.next_budget()));
        let budget = budgets.min().unwrap_or(Permits::ZERO);
        self.policy.largest().min(budget).min(self.tree.least_cap(team))
    }

    fn find_caller(&self, team: NodeIx, id: &CallerId) -> Option<Slot> {
        self.teams.get(team)?.as_ref()?.callers.get(id).copied()
    }

    fn add_caller(&mut self, team: NodeIx, id: &CallerId) -> Slot {
        let slot = self.queue.callers.insert(Caller::new(team, id.clone()));
        self.team_mut(team).callers.insert(id.clone(), slot);
        slot
    }

    /// A request id that is known already.
    fn repeat(&mut self, known: Known, ask: &Ask) -> Result<Submitted, Refusal> {
        let refuse = |reason| Err(Refusal { reason, retry_at: None, limit: None });
        match known {
            Known::Ended => refuse(Reason::LeaseEnded),
            Known::Waiting(slot) => {
                if self.queue[slot].content() == ask.content() {
                    return Ok(Submitted::Waits(self.queue.ticket(slot)));
                }
                refuse(Reason::RequestIdReused)
            }
            Known::Granted(id) => match self.leases.find(id) {
                Some(open) if open.content == ask.content() => {
                    open.told = open.told.saturating_add(1);
                    Ok(Submitted::Repeats(open.lease))
                }
                Some(_) => refuse(Reason::RequestIdReused),
                None => refuse(Reason::LeaseEnded),
            },
        }
    }

    fn within_bounds(
        &mut self,
        now: Timestamp,
        team: NodeIx,
        caller: Option<Slot>,
        ask: &Ask,
    ) -> Result<(), Refusal> {
        let full = |count: usize, bound: u32| u32::try_from(count).map_or(true, |count| count >= bound);
        let of_caller = caller.map_or(0, |caller| self.queue.callers[caller].requests());
        let (of_team, callers) = match self.teams.get(team).and_then(Option::as_ref) {
            Some(team) => (team.lanes.0.iter().map(|lane| lane.requests).sum(), team.callers.len()),
            None => (0_u32, 0),
        };
        let reason = if of_caller >= self.bounds.waiting_per_caller {
            Reason::CallerQueueFull
        } else if of_team >= self.bounds.waiting_per_team {
            Reason::TeamQueueFull
        } else if full(self.queue.len(), self.bounds.waiting) {
            Reason::WorkspaceQueueFull
        } else if caller.is_none()
            && (full(callers, self.bounds.callers_per_team)
                || full(self.queue.callers.len(), self.bounds.callers()))
        {
            // Those that are idle go when a window starts, so none of them is looked for here.
            Reason::TooManyCallers
        } else if ask.request_id.is_some()
            && full(self.known.len(), self.bounds.request_ids)
            && !self.forget_the_oldest_answer()
        {
            Reason::TooManyRequestIds
        } else {
            return Ok(());
        };
        let retry_at = Some(self.limits[self.scheduler].next_opens().max(now));
        Err(Refusal { reason, retry_at, limit: None })
    }

    /// Makes room for a new request id: the answer that is remembered for longest goes, but nothing of what waits.
    fn forget_the_oldest_answer(&mut self) -> bool {
        let mut ended = || {
            let ended = self.ended.as_mut()?;
            ended[1].pop_front().or_else(|| ended[0].pop_front())
        };
        while let Some(key) = ended() {
            if self.known.get(&key) == Some(&Known::Ended) {
                self.known.remove(&key);
                return true;
            }
        }
        let oldest = self.leases.forget_the_oldest_id();
        oldest.is_some_and(|key| self.known.remove(&key).is_some())
    }

    fn enqueue(&mut self, now: Timestamp, caller: Slot, priority: Priority, ask: &Ask) -> Slot {
        self.queue.callers[caller].seen = self.rolls;
        let slot = self.queue.push(Arrival {
            caller,
            asked: ask.priority,
            priority,
            permits: ask.permits,
            min_permits: ask.min_permits,
            arrived: now,
            deadline: ask.deadline,
            request_id: ask.request_id.clone(),
        });
        if let Some(id) = &ask.request_id {
            self.known.insert((caller, id.clone()), Known::Waiting(slot));
        }
        self.fresh.push(self.queue.ticket(slot));
        if self.competing() == 1 {
            self.lone = Some(slot);
        } else {
            self.line_up(slot);
        }
        slot
    }

    /// A request takes its place among those who wait: in the lane of its team, and in the tree.
    pub(super) fn line_up(&mut self, slot: Slot) {
        let Waiting { caller, priority, min_permits, .. } = self.queue[slot];
        let (team, is_late) = (self.queue.callers[caller].team, self.is_late(&self.queue[slot]));
        self.lane_mut(team, priority).count_in(min_permits, is_late);
        if self.queue.first(caller, priority) == Some(slot) {
            self.join(caller, priority);
            self.update_waits(team, priority);
        }
        self.refresh_holds(team, priority);
    }
}
