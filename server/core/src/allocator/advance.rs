//! Time passes: windows roll, what is held back is let go, and requests expire.

use super::state::Allocator;
use crate::request::Refusal;
use crate::time::Timestamp;
use crate::window::Window;
use crate::windows::{Release, Start};

impl Allocator {
    /// Brings every window up to `now` and refuses requests whose deadline is before. Time never goes back: an earlier
    /// `now` counts as the latest one.
    pub fn advance(&mut self, now: Timestamp) {
        if let Some(slot) = self.contest.take_uncontended() {
            self.contest.enter(slot, &mut self.windows);
        }
        if now < self.advanced_to {
            return;
        }
        self.advanced_to = now;
        for at in 0..self.windows.limits().len() {
            if now >= self.windows.limits()[at].next_opens() {
                self.catch_up(at, now);
            }
        }
        self.expire(now, |deadline| deadline < now);
    }

    /// Windows without a call are skipped, except the last one: it was idle, and that is what counts.
    fn catch_up(&mut self, at: usize, now: Timestamp) {
        let limit = &self.windows.limits()[at];
        let (target, next) = (limit.window_of(now), limit.next_window());
        if target.start.earliest > next.start.earliest {
            self.roll(at, next, now);
            self.windows.skip(at);
        }
        if target.start.earliest > self.windows.limits()[at].window.start.earliest {
            self.roll(at, target, now);
        }
    }

    /// A window of a limit starts.
    pub(super) fn roll(&mut self, at: usize, window: Window, now: Timestamp) {
        let is_primary = at == self.windows.primary_place();
        if is_primary {
            self.contest.note_cut_short(&mut self.windows);
        }
        let (used, tree) = (self.leases.used(), self.contest.tree());
        self.windows.roll(at, &Start { window, now, used, tree, policy: &self.policy });
        if is_primary {
            self.windows.begin_window(now, self.contest.competing() > 0);
            self.close_leases(now);
            self.contest.roll(&self.policy, &mut self.windows, &mut self.replies);
        }
        self.release(at, now);
    }

    fn close_leases(&mut self, now: Timestamp) {
        self.replies.roll(&mut self.leases, now);
        // The holder of a lease of a previous shape is not idle.
        for open in self.leases.iter().filter(|open| open.previous != 0 && !open.is_closed()) {
            self.contest.mark_active(open.caller, self.windows.count());
        }
    }

    /// Releases what is due since the last step.
    pub(super) fn release_due(&mut self, now: Timestamp) {
        self.windows.release_spreads(now);
        for at in 0..self.windows.limits().len() {
            if self.windows.is_release_due(at, now) {
                self.release(at, now);
            }
        }
    }

    /// Recomputes what is held back in a limit's window.
    pub(super) fn release(&mut self, at: usize, now: Timestamp) {
        let is_primary = at == self.windows.primary_place();
        let reserved = if is_primary { self.rules().protected_reservations() } else { Vec::new() };
        let queued = |team, c| self.contest.backlog().queued(team, c);
        let release = Release { now, shares: &self.policy.holdback, reserved: &reserved };
        self.windows.release(at, &release, queued);
    }

    /// Refuses requests whose deadline has passed. Returns whether there were any.
    pub(super) fn expire(&mut self, now: Timestamp, has_passed: impl Fn(Timestamp) -> bool) -> bool {
        let mut has_expired = false;
        while let Some((deadline, slot)) = self.contest.queue().next_deadline() {
            if !has_passed(deadline) {
                break;
            }
            let retry_at = Some(self.rules().retry_at(now));
            let (reason, limit) = self.rules().why_not_granted(slot, now);
            let refusal = Refusal { reason, retry_at, limit };
            self.contest.refuse(slot, refusal, &mut self.windows, &mut self.replies);
            has_expired = true;
        }
        has_expired
    }
}
