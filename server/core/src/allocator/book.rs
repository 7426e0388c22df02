//! Blocks: what is asked of the ledger, and what came of it. No permit is granted outside a confirmed block.

use super::{Allocator, Effect};
use crate::ids::LimitId;
use crate::limit::Booking;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::request::{Reason, Refusal};
use crate::time::{Span, Timestamp};

/// The last part of a window in which a first block of the next one is booked too.
const AHEAD: Span = Span::from_secs(1);

impl Allocator {
    /// Units `from + 1 ..= to` of a window were booked for this process.
    pub fn booked(&mut self, limit: &LimitId, window_start: Timestamp, from: Permits, to: Permits) {
        let scheduler = self.limits[self.scheduler].id == *limit;
        let Some(limit) = self.limits.iter_mut().find(|known| known.id == *limit) else { return };
        if limit.window.start.earliest == window_start {
            confirm(&mut limit.booking, from, to);
            if scheduler {
                self.tree.foreign = limit.booking.foreign;
            }
        } else if limit.next_window().start.earliest == window_start {
            confirm(&mut limit.next, from, to);
        }
    }

    /// The ledger refuses to book any more of a window: it is spent.
    pub fn window_spent(&mut self, limit: &LimitId, window_start: Timestamp) {
        let Some(limit) = self.limits.iter_mut().find(|known| known.id == *limit) else { return };
        let next = limit.next_window().start.earliest;
        let (window, budget) = (limit.window.start.earliest, limit.budget);
        let booking = if window == window_start {
            &mut limit.booking
        } else if next == window_start {
            &mut limit.next
        } else {
            return;
        };
        booking.asked = false;
        booking.mark = booking.mark.max(budget);
    }

    /// A block was not booked for a reason that passes: the next decision asks again.
    pub fn book_refused(&mut self, limit: &LimitId, window_start: Timestamp) {
        let Some(limit) = self.limits.iter_mut().find(|known| known.id == *limit) else { return };
        let (window, next) = (limit.window.start.earliest, limit.next_window().start.earliest);
        if window == window_start {
            limit.booking.asked = false;
        } else if next == window_start {
            limit.next.asked = false;
        }
    }

    /// The store cannot be reached, or it can be again. While it cannot, only what is booked may be granted.
    pub fn set_store_lost(&mut self, lost: bool) {
        self.store_lost = lost;
        if !lost {
            for limit in &mut self.limits {
                limit.booking.asked = false;
                limit.next.asked = false;
            }
        }
    }

    /// Whether the store cannot be reached.
    pub fn is_store_lost(&self) -> bool {
        self.store_lost
    }

    /// Another process owns the workspace now: nothing more is granted from what was booked, nothing comes back, and what waits is
    /// handed on.
    pub fn lost(&mut self, now: Timestamp) {
        self.advance(now);
        for limit in &mut self.limits {
            limit.booking = Booking::default();
            limit.next = Booking::default();
        }
        self.leases.clear();
        self.known.retain(|_, known| matches!(known, super::Known::Waiting(_)));
        while let Some(slot) = self.queue.any() {
            self.refuse(slot, Refusal { reason: Reason::NotOwner, retry_at: Some(now), limit: None });
        }
    }

    /// Nothing is granted of the windows that are open now, nor of those that follow: leases granted under a wrong clock may be
    /// used in them.
    pub fn spend_open_windows(&mut self) {
        for limit in &mut self.limits {
            limit.booking.exhausted = true;
            limit.next.exhausted = true;
        }
    }

    /// What was booked for this process and not granted of the windows that are open or next, so that a hand-over may give it back:
    /// limit, window start, permits.
    pub fn unspent(&self) -> impl Iterator<Item = (&LimitId, Timestamp, Permits)> {
        self.limits.iter().flat_map(|limit| {
            [
                (&limit.id, limit.window.start.earliest, limit.booking.free),
                (&limit.id, limit.next_window().start.earliest, limit.next.free),
            ]
        })
    }

    /// Asks for blocks where less than half of one is left, or more waits than is free.
    pub(super) fn ask_for_blocks(&mut self, now: Timestamp) {
        // A head that would take less may be due more than the least that it waits for.
        let lacking = if self.stalled { u64::from(self.lacking) } else { 0 };
        let waiting = self.queue.queued.max(lacking);
        let has_edges = Priority::ALL.into_iter().any(|c| self.policy.has_edges(c));
        for at in 0..self.limits.len() {
            let limit = &self.limits[at];
            // After the close of a window edge permits are granted out of it and of the next one.
            let opens = limit.window.opens(&limit.margins);
            let (this, next) = (
                opens <= now + AHEAD && (now <= limit.closes() || self.stalled || has_edges),
                (now + AHEAD >= limit.next_opens()
                    || (now > limit.closes() && self.stalled)
                    || (now + AHEAD >= limit.closes() && has_edges))
                    && (waiting > 0 || limit.won_in_all() > 0),
            );
            if this {
                self.ask_for_block(at, false, waiting);
            }
            if next {
                self.ask_for_block(at, true, waiting);
            }
        }
    }

    fn ask_for_block(&mut self, at: usize, next: bool, waiting: u64) {
        let limit = &mut self.limits[at];
        let window = if next { limit.next_window() } else { limit.window };
        let budget = if next { limit.next_budget() } else { limit.budget };
        let second = demand_of_a_second(limit.won_in_all(), limit.length());
        let to_come = if next { Permits::ZERO } else { limit.facts.others_to_come() };
        let booking = if next { &mut limit.next } else { &mut limit.booking };
        let remaining = u64::from(budget.less(booking.mark));
        let (free, others) = (u64::from(booking.free), u64::from(booking.others));
        let ours = remaining.saturating_sub(others + u64::from(to_come));
        let is_first = next && !booking.is_known;
        let is_low = waiting > free || others > 0 || is_first || free * 2 < u64::from(booking.block);
        if booking.asked || booking.exhausted || remaining == 0 || ours + others == 0 || !is_low {
            return;
        }
        let size = others + u64::from(budget.get() / 32).max(1).max(waiting + second).min(ours);
        booking.asked = true;
        self.effects.push_back(Effect::Book {
            limit: limit.id.clone(),
            window,
            permits: Permits::clamped(size.min(remaining)),
            budget,
        });
    }
}

fn confirm(booking: &mut Booking, from: Permits, to: Permits) {
    if !booking.is_known && !crate::mutant::active(crate::mutant::Mutant::TakeOverIgnoresCaps) {
        // Somebody else granted these, nobody knows to whom: every cap has to reckon with them.
        booking.foreign = from;
    }
    booking.is_known = true;
    booking.asked = false;
    booking.mark = booking.mark.max(to);
    // What others use is booked like a grant: it is gone for everybody, after a restart too.
    let charged = booking.others.min(to.less(from));
    booking.others -= charged;
    booking.charged += charged;
    booking.block = to.less(from).less(charged);
    booking.free += booking.block;
}

fn demand_of_a_second(won: u64, window: Span) -> u64 {
    let won = u128::from(won) * 1_000_000_000;
    u64::try_from(won.div_ceil(u128::from(window.as_ns()))).unwrap_or(u64::MAX)
}
