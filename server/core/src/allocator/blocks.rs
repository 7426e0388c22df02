//! The ledger: which blocks are to be booked, what came of them, and of the statements about where windows lie.

use super::state::Allocator;
use crate::effect::Effect;
use crate::ids::LimitId;
use crate::ledger::Series;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::time::Timestamp;
use crate::windows::BlockDemand;

impl Allocator {
    /// Units `from + 1 ..= to` of a window were booked for this process.
    pub fn booked(&mut self, series: Series, window_start: Timestamp, from: Permits, to: Permits) {
        let Some(at) = self.reshaping.find(series, &self.windows) else { return };
        if let Some(elsewhere) = self.windows.confirm(at, window_start, from, to) {
            self.contest.set_granted_elsewhere(elsewhere);
        }
    }

    /// The ledger refuses to book any more of a window: it is spent.
    pub fn window_spent(&mut self, series: Series, window_start: Timestamp) {
        if let Some(at) = self.reshaping.find(series, &self.windows) {
            self.windows.spend(at, window_start);
        }
    }

    /// A block was not booked for a reason that passes: it is requested again after a pause, which is a deadline of the allocator.
    pub fn book_refused(&mut self, series: Series, window_start: Timestamp) {
        if let Some(at) = self.reshaping.find(series, &self.windows) {
            self.reshaping.forget_stated();
            self.windows.pause(at, window_start, self.advanced_to);
        }
    }

    /// A statement of this allocator is written: it may grant again.
    pub fn stated(&mut self, life: u64, number: u32) {
        self.reshaping.stated(life, number);
    }

    /// The store cannot be reached, or it can be again. While it cannot, only what is booked may be granted.
    pub fn set_store_lost(&mut self, is_lost: bool) {
        self.windows.set_store_lost(is_lost);
    }

    /// Whether the store cannot be reached.
    pub fn is_store_lost(&self) -> bool {
        self.windows.is_store_lost()
    }

    /// Nothing is granted of the windows that are open now, nor of those that follow: leases granted under a wrong clock may be
    /// used in them.
    pub fn spend_open_windows(&mut self, now: Timestamp) {
        self.reshaping.state(now, &self.windows, &mut self.effects);
        self.windows.exhaust_by_clock();
        for limit in self.windows.limits() {
            self.effects.exhausted(limit, limit.window, limit.budget);
            self.effects.exhausted(limit, limit.next_window(), limit.next_budget());
        }
    }

    /// What was booked for this process and not granted of the windows that are open or next, so that a hand-over may give it back:
    /// limit, window start, permits.
    pub fn unspent(&self) -> impl Iterator<Item = (&LimitId, Timestamp, Permits)> {
        self.windows.limits().iter().flat_map(|limit| {
            [
                (&limit.id, limit.window.start.earliest, limit.blocks.free),
                (&limit.id, limit.next_window().start.earliest, limit.next_blocks.free),
            ]
        })
    }

    /// Requests blocks where less than half of one is left, or more waits than is free.
    pub(super) fn request_blocks(&mut self, now: Timestamp) {
        let backlog = BlockDemand {
            waiting: self.contest.queue().queued.max(self.stall.lacking()),
            is_stalled: self.stall.is_stalled,
            has_edges: Priority::ALL.into_iter().any(|c| self.policy.has_edges(c)),
        };
        for block in self.windows.request_blocks(now, &backlog) {
            self.reshaping.state_if_stale(now, &self.windows, &mut self.effects);
            let limit = &self.windows.limits()[block.limit];
            self.effects.push(Effect::Book {
                limit: limit.id.clone(),
                series: self.reshaping.series_of(limit),
                window: block.window,
                permits: block.permits,
                budget: block.budget,
                ahead: limit.margins.guard,
            });
        }
    }
}
