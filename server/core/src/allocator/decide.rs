//! Decisions: what can be granted is, and what cannot be met any more is refused.

use super::state::Allocator;
use crate::granting::Granting;
use crate::request::{Reason, Refusal};
use crate::slab::Slot;
use crate::time::Timestamp;

impl Allocator {
    /// Grants what can be granted at this instant, then refuses what cannot be met any more.
    pub fn decide(&mut self, now: Timestamp) {
        let uncontended = if self.windows.are_over(now) { None } else { self.contest.take_uncontended() };
        self.advance(now);
        let now = now.max(self.advanced_to);
        self.contest.refuse_removed(now, self.bounds.removed_at_once, &mut self.replies);
        self.windows.begin_round(now, self.stall.is_stalled);
        match uncontended {
            Some(slot) if self.grant_uncontended(now, slot) => {
                self.stall.end();
                self.undecided.clear();
            }
            uncontended => {
                if let Some(slot) = uncontended {
                    self.contest.enter(slot, &mut self.windows);
                }
                self.decide_among_all(now);
            }
        }
        self.request_blocks(now);
    }

    fn decide_among_all(&mut self, now: Timestamp) {
        self.grant_all(now);
        // Nothing is refused for want of a block: the next decision comes with it.
        let has_refused = self.refuse_unmeetable(now);
        if (!self.stall.is_stalled && self.expire(now, |deadline| deadline <= now)) || has_refused {
            self.grant_all(now); // their places in the queues are free now
        }
    }

    fn granting(&mut self, now: Timestamp) -> Granting<'_> {
        Granting {
            now,
            policy: &self.policy,
            contest: &mut self.contest,
            windows: &mut self.windows,
            leases: &mut self.leases,
            replies: &mut self.replies,
            stall: &mut self.stall,
        }
    }

    /// Grants a request beside which nothing waits, if that is possible now.
    fn grant_uncontended(&mut self, now: Timestamp, slot: Slot) -> bool {
        if self.reshaping.is_blocking() || self.contest.reserved() > 0 || !self.windows.are_open(now) {
            return false;
        }
        self.release_due(now);
        self.granting(now).grant_uncontended(slot)
    }

    fn grant_all(&mut self, now: Timestamp) {
        self.stall.end();
        if self.contest.competing() == 0 {
            return;
        }
        if self.reshaping.is_blocking() {
            self.stall.begin();
            return;
        }
        self.release_due(now);
        self.granting(now).grant_all();
    }

    /// Of the requests that have just come and were not granted: refuses those whose deadline cannot be met.
    fn refuse_unmeetable(&mut self, now: Timestamp) -> bool {
        if self.stall.is_stalled {
            self.undecided.watch_deadlines(&mut self.contest);
            return false;
        }
        let mut has_refused = false;
        let tickets = self.undecided.take();
        for &ticket in &tickets {
            let Some(slot) = self.contest.queue().find(ticket) else { continue };
            if self.contest.is_removed(slot) {
                continue;
            }
            let Some(earliest) = self.rules().earliest_after_deadline(slot, now) else {
                self.contest.watch_deadline(slot);
                continue;
            };
            let limit = self.rules().limit_in_the_way(now);
            let refusal = Refusal { reason: Reason::DeadlineTooShort, retry_at: Some(earliest), limit };
            self.contest.refuse(slot, refusal, &mut self.windows, &mut self.replies);
            has_refused = true;
        }
        self.undecided.recycle(tickets);
        has_refused
    }
}
