//! Deadlines: which requests are certain to miss theirs, what stops those that wait, and when the next decision is due.

use super::view::Rules;
use crate::blocks::Exhausted;
use crate::ids::LimitId;
use crate::limit::Limit;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::request::Reason;
use crate::share::holdback::HoldbackSizes;
use crate::slab::Slot;
use crate::time::{Span, Timestamp};
use crate::windows::side::Side;

impl Rules<'_> {
    /// A lower bound of when a request can be granted, where that is after its deadline. It ignores competitors and respects
    /// what is ahead in its own FIFO, so no refusal is wrong unless permits come back or a limit is raised. A store that is lost may
    /// be back at any moment, and a response may show less external use than is expected.
    pub(crate) fn earliest_after_deadline(&self, slot: Slot, now: Timestamp) -> Option<Timestamp> {
        self.earliest_after(slot, self.contest.queue()[slot].deadline, now)
    }

    /// The same where that is after another instant.
    pub(crate) fn earliest_after(
        &self,
        slot: Slot,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let queue = self.contest.queue();
        let request = &queue[slot];
        if deadline == Timestamp::MAX {
            return None;
        }
        let team = self.contest.backlog().team_of(slot);
        let (ahead, n) = (queue.ahead(slot), u64::from(request.min_permits));
        let (opens, fits) = self.earliest_by_budgets(slot, now);
        if !fits {
            let by_edge = self.policy.has_edges(request.priority)
                && ahead + n <= u64::from(self.room_at_edge(team, now));
            return Some(opens).filter(|&opens| !by_edge && opens > deadline);
        }
        if opens > deadline {
            return Some(opens);
        }
        if self.is_owed(team, Side::This) {
            return None;
        }
        self.released_after(request.priority, deadline, ahead + n).filter(|&at| at > deadline)
    }

    /// When the budgets of windows and caps hold a request with what is ahead of it, and whether those in force do.
    fn earliest_by_budgets(&self, slot: Slot, now: Timestamp) -> (Timestamp, bool) {
        let team = self.contest.backlog().team_of(slot);
        let tree = self.contest.tree();
        let (ahead, n) =
            (self.contest.queue().ahead(slot), u64::from(self.contest.queue()[slot].min_permits));
        let (room, least_cap) = (u64::from(tree.room(team)), u64::from(tree.least_cap(team)));
        let (mut earliest, mut fits) = (now, true);
        for (at, limit) in self.windows.limits().iter().enumerate() {
            // A cooldown may end while the window is open.
            let opens = limit.opens().max(now);
            earliest = earliest.max(limit.cooldown_until);
            let left = if opens <= limit.closes() { u64::from(limit.left_at_most()) } else { 0 };
            let is_primary = at == self.windows.primary_place();
            let (usable, cap) = if is_primary { (left.min(room), least_cap) } else { (left, u64::MAX) };
            if ahead + n > usable {
                fits = false;
                let each = u64::from(limit.next_budget()).min(cap).max(1);
                let windows = (ahead.saturating_sub(usable) + n - 1) / each;
                let wait = Span::from_ns(windows.saturating_mul(limit.length().as_ns()));
                earliest = earliest.max(limit.next_opens() + wait);
            }
        }
        (earliest, fits)
    }

    /// When enough of what is surely held back is released for `need` permits, if that is after the deadline.
    fn released_after(&self, c: Priority, deadline: Timestamp, need: u64) -> Option<Timestamp> {
        if self.is_released(c, need, deadline) {
            return None;
        }
        let closes = self.windows.limits().iter().map(Limit::closes).min().unwrap_or(deadline);
        let (mut held, mut free) = (deadline.as_ns(), closes.as_ns().max(deadline.as_ns()));
        while held + 1 < free {
            let middle = held + (free - held) / 2;
            if self.is_released(c, need, Timestamp::from_ns(middle)) {
                free = middle;
            } else {
                held = middle;
            }
        }
        Some(Timestamp::from_ns(free))
    }

    fn is_released(&self, c: Priority, need: u64, at: Timestamp) -> bool {
        self.windows.limits().iter().all(|limit| {
            let sizes = HoldbackSizes::new(&self.policy.holdback, limit.budget);
            let held = sizes.surely_held(c, limit.remaining(at)) + u64::from(limit.spread_at(at));
            need + held <= u64::from(limit.left_at_most())
        })
    }

    /// The limit that keeps a request from being granted before its deadline.
    pub(crate) fn limit_in_the_way(&self, now: Timestamp) -> Option<LimitId> {
        let is_in_the_way = |limit: &&Limit| limit.left(false).is_zero() || limit.cooldown_until > now;
        self.windows.limits().iter().find(is_in_the_way).map(|limit| limit.id.clone())
    }

    /// When to retry: after a cooldown that ends while the primary window is open, or in the next window.
    pub(crate) fn retry_at(&self, now: Timestamp) -> Timestamp {
        let primary = self.windows.primary();
        let cooldown_until = self.windows.limits().iter().map(|limit| limit.cooldown_until).max();
        let within = cooldown_until.filter(|&until| now < until && until <= primary.closes());
        within.unwrap_or(primary.next_opens().max(now))
    }

    /// What stopped a request that waits.
    pub(crate) fn why_not_granted(&self, slot: Slot, now: Timestamp) -> (Reason, Option<LimitId>) {
        let team = self.contest.backlog().team_of(slot);
        let limits = self.windows.limits();
        let closed = |by| limits.iter().find(|limit| limit.blocks.exhausted == by);
        let stopped = || limits.iter().find(|limit| limit.cooldown_until > now);
        if let Some(limit) = closed(Exhausted::ByProvider).or_else(stopped) {
            return (Reason::ProviderCooldown, Some(limit.id.clone()));
        }
        if let Some(limit) = closed(Exhausted::ByClock) {
            return (Reason::ClockUnsteady, Some(limit.id.clone()));
        }
        if self.contest.queue()[slot].min_permits > self.contest.tree().room(team) {
            return (Reason::TeamCapReached, None);
        }
        if self.windows.is_store_lost() {
            return (Reason::StoreLost, None);
        }
        let least = limits.iter().min_by_key(|limit| limit.left(false));
        let is_new = least.is_some_and(|limit| limit.is_new);
        let reason = if is_new { Reason::LimitChanged } else { Reason::WindowExhausted };
        (reason, least.map(|limit| limit.id.clone()))
    }

    /// The next instant after `now` at which a decision has something to do, if nothing else happens; `None` if there is none.
    pub(crate) fn next_decision(&self, now: Timestamp) -> Option<Timestamp> {
        let removal = self.contest.next_removal();
        if self.contest.competing() == 0 {
            return removal;
        }
        let limits = self.windows.limits();
        let mut next = limits.iter().map(Limit::next_opens).chain(removal).min();
        let mut sooner = |at: Option<Timestamp>| next = [next, at].into_iter().flatten().min();
        // One that has passed waits for a block: the next decision comes with it.
        let deadline = self.contest.queue().next_deadline().map(|(deadline, _)| deadline);
        sooner(deadline.filter(|&deadline| deadline > now));
        for limit in limits {
            // A cooldown that ends while the window is open; of a longer limit too.
            sooner(Some(limit.opens()).filter(|&opens| opens > now));
            sooner(limit.next_release(now));
            sooner(limit.blocks.retry_at(now));
            sooner(limit.next_blocks.retry_at(now));
        }
        if self.windows.least_left() > Permits::ZERO {
            let steps = limits.iter().filter_map(|limit| limit.holdback.next_step);
            steps.filter(|&step| step > now).for_each(|step| sooner(Some(step)));
        }
        next
    }
}
