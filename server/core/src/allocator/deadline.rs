//! Deadlines: what is certain to miss its own is refused at once, what waited its time out when that is over. And when the
//! allocator wants to be called next.

use super::Allocator;
use super::kept::Side;
use crate::limit::{Exhausted, Limit};
use crate::priority::Priority;
use crate::request::{Reason, Refusal};
use crate::share::holdback::{sizes, surely_kept};
use crate::slab::Slot;
use crate::time::{Span, Timestamp};

impl Allocator {
    /// Of the requests that have just come and were not granted: refuses those whose deadline cannot be met.
    pub(super) fn refuse_hopeless(&mut self, now: Timestamp) -> bool {
        if self.stalled {
            self.watch_the_fresh();
            return false;
        }
        self.watched = 0;
        let mut refused = false;
        let mut fresh = std::mem::take(&mut self.fresh);
        for ticket in fresh.drain(..) {
            let Some(slot) = self.queue.find(ticket).filter(|&slot| !self.is_leaving(slot)) else { continue };
            let deadline = self.queue[slot].deadline;
            match self.hopeless_until(slot, now) {
                Some(earliest) if earliest > deadline => {
                    let stops = |limit: &&Limit| limit.left(false).is_zero() || limit.stop_until > now;
                    let limit = self.limits.iter().find(stops);
                    let limit = limit.map(|limit| limit.id.clone());
                    let reason = Reason::DeadlineTooShort;
                    self.refuse(slot, Refusal { reason, retry_at: Some(earliest), limit });
                    refused = true;
                }
                _ => self.queue.watch_deadline(slot),
            }
        }
        self.fresh = fresh; // keeps the memory of the list
        refused
    }

    /// While a block is missing nobody is told that it is hopeless, but deadlines count. Those who have gone meanwhile are dropped
    /// now and then, so that the list stays in proportion to those who wait.
    fn watch_the_fresh(&mut self) {
        let watched = usize::try_from(self.watched).unwrap_or(usize::MAX);
        for ticket in self.fresh.iter().skip(watched) {
            if let Some(slot) = self.queue.find(*ticket) {
                self.queue.watch_deadline(slot);
            }
        }
        if self.fresh.len() > 2 * self.queue.len() + 64 {
            let queue = &self.queue;
            self.fresh.retain(|&ticket| queue.find(ticket).is_some());
        }
        self.watched = u32::try_from(self.fresh.len()).unwrap_or(u32::MAX);
    }

    /// A lower bound of when a request can be granted, where that is after its deadline. It ignores competitors and respects
    /// what is ahead in its own FIFO, so no refusal is wrong unless permits come back or a limit is raised. A store that is lost may
    /// be back at any moment, and a response may free what others are expected to use.
    fn hopeless_until(&self, slot: Slot, now: Timestamp) -> Option<Timestamp> {
        let request = &self.queue[slot];
        if request.deadline == Timestamp::MAX {
            return None;
        }
        let c = request.priority;
        let team = self.queue.callers[request.caller].team;
        let (ahead, n) = (self.queue.ahead(slot), u64::from(request.min_permits));
        let room = u64::from(self.tree.room(team));
        let mut earliest = now;
        let mut fits = true;
        for (at, limit) in self.limits.iter().enumerate() {
            // A cooldown may end while the window is open.
            let opens = limit.opens().max(now);
            earliest = earliest.max(limit.stop_until);
            let left = if opens <= limit.closes() { u64::from(limit.left_at_most()) } else { 0 };
            let (usable, cap) = if at == self.scheduler {
                (left.min(room), u64::from(self.tree.least_cap(team)))
            } else {
                (left, u64::MAX)
            };
            if ahead + n > usable {
                fits = false;
                let each = u64::from(limit.next_budget()).min(cap).max(1);
                let windows = (ahead.saturating_sub(usable) + n - 1) / each;
                let wait = Span::from_ns(windows.saturating_mul(limit.length().as_ns()));
                earliest = earliest.max(limit.next_opens() + wait);
            }
        }
        if !fits {
            let by_edge =
                self.policy.has_edges(c) && ahead + n <= u64::from(self.room_at_the_edge(team, now));
            return (!by_edge).then_some(earliest);
        }
        if earliest > request.deadline {
            return Some(earliest);
        }
        if self.tree.path(team).any(|v| self.is_below_reservation(v, Side::This)) {
            return None;
        }
        self.let_go_after(slot, ahead + n)
    }

    /// When enough of what is surely kept is let go for `need` permits, if that is after the request's deadline.
    fn let_go_after(&self, slot: Slot, need: u64) -> Option<Timestamp> {
        let (deadline, c) = (self.queue[slot].deadline, self.queue[slot].priority);
        if self.is_let_go(c, need, deadline) {
            return None;
        }
        let closes = self.limits.iter().map(|limit| limit.closes()).min().unwrap_or(deadline);
        let (mut kept, mut free) = (deadline.as_ns(), closes.as_ns().max(deadline.as_ns()));
        while kept + 1 < free {
            let middle = kept + (free - kept) / 2;
            if self.is_let_go(c, need, Timestamp::from_ns(middle)) {
                free = middle;
            } else {
                kept = middle;
            }
        }
        Some(Timestamp::from_ns(free))
    }

    fn is_let_go(&self, c: Priority, need: u64, at: Timestamp) -> bool {
        self.limits.iter().all(|limit| {
            let sizes = sizes(&self.policy.holdback, limit.budget);
            let kept = surely_kept(&sizes, c, limit.remaining(at));
            need + kept + u64::from(limit.spread_at(at)) <= u64::from(limit.left_at_most())
        })
    }

    /// Refuses what waited its time out: before `now`, or at `now` too where that is `inclusive`.
    pub(super) fn expire(&mut self, now: Timestamp, inclusive: bool) -> bool {
        let mut expired = false;
        while let Some((deadline, slot)) = self.queue.next_deadline() {
            if deadline > now || (deadline == now && !inclusive) {
                break;
            }
            let retry_at = Some(self.opens_again(now));
            let (reason, limit) = self.why_not(slot, now);
            self.refuse(slot, Refusal { reason, retry_at, limit });
            expired = true;
        }
        expired
    }

    /// When it is of use to ask again: after a cooldown that ends while the scheduler's window is open, or in the next window.
    fn opens_again(&self, now: Timestamp) -> Timestamp {
        let scheduler = &self.limits[self.scheduler];
        let stop_until = self.limits.iter().map(|limit| limit.stop_until).max();
        let within = stop_until.filter(|&until| now < until && until <= scheduler.closes());
        within.unwrap_or(scheduler.next_opens().max(now))
    }

    /// What stopped a request that waits.
    fn why_not(&self, slot: Slot, now: Timestamp) -> (Reason, Option<crate::ids::LimitId>) {
        let request = &self.queue[slot];
        let team = self.queue.callers[request.caller].team;
        let closed = |by| self.limits.iter().find(|limit| limit.booking.exhausted == by);
        let stopped = || self.limits.iter().find(|limit| limit.stop_until > now);
        if let Some(limit) = closed(Exhausted::ByProvider).or_else(stopped) {
            return (Reason::ProviderCooldown, Some(limit.id.clone()));
        }
        if let Some(limit) = closed(Exhausted::ByClock) {
            return (Reason::ClockUnsteady, Some(limit.id.clone()));
        }
        if request.min_permits > self.tree.room(team) {
            return (Reason::TeamCapReached, None);
        }
        if self.store_lost {
            return (Reason::StoreLost, None);
        }
        let least = self.limits.iter().min_by_key(|limit| limit.left(false));
        let reason = if least.is_some_and(|limit| limit.is_new) {
            Reason::LimitChanged
        } else {
            Reason::WindowExhausted
        };
        (reason, least.map(|limit| limit.id.clone()))
    }

    /// The next instant at which [`Allocator::decide`] has something to do, if nothing else happens; none: never.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let leaving = self.next_to_leave();
        if self.competing() == 0 {
            return leaving;
        }
        let mut next = self.limits.iter().map(|limit| limit.next_opens()).chain(leaving).min();
        let mut sooner = |at: Option<Timestamp>| next = [next, at].into_iter().flatten().min();
        // One that is here already waits for a block: the next decision comes with it.
        let deadline = self.queue.next_deadline().map(|(deadline, _)| deadline);
        sooner(deadline.filter(|&deadline| deadline > self.advanced_to));
        for limit in &self.limits {
            // A cooldown that ends while the window is open; of a longer limit too.
            sooner(Some(limit.opens()).filter(|&opens| opens > self.advanced_to));
            sooner(limit.next_let_go(self.advanced_to));
            for booking in [&limit.booking, &limit.next] {
                sooner(Some(booking.ask_after).filter(|&at| at > self.advanced_to && !booking.asked));
            }
        }
        if !self.least_left().is_zero() {
            for limit in &self.limits {
                sooner(limit.holdback.next_step.filter(|&step| step > self.advanced_to));
            }
        }
        next
    }
}
