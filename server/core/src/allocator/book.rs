//! Blocks: what is asked of the ledger, and what came of it. No permit is granted outside a confirmed block.

use super::{Allocator, Effect};
use crate::ids::LimitId;
use crate::ledger::Series;
use crate::limit::{Booking, Exhausted};
use crate::permits::Permits;
use crate::priority::Priority;
use crate::request::{Reason, Refusal};
use crate::time::{Span, Timestamp};

/// The last part of a window in which a first block of the next one is booked too.
const AHEAD: Span = Span::from_secs(1);
/// The first pause after a block was refused.
const PAUSE_FIRST_MS: u8 = 1;
/// The longest one.
const PAUSE_LONGEST_MS: u8 = 100;

impl Allocator {
    /// Units `from + 1 ..= to` of a window were booked for this process.
    pub fn booked(&mut self, series: Series, window_start: Timestamp, from: Permits, to: Permits) {
        let Some(at) = self.in_series(series) else { return };
        let scheduler = at == self.scheduler;
        let limit = &mut self.limits[at];
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
    pub fn window_spent(&mut self, series: Series, window_start: Timestamp) {
        let Some(at) = self.in_series(series) else { return };
        let limit = &mut self.limits[at];
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

    /// A block was not booked for a reason that passes: it is asked for again after a pause, which is a deadline of the allocator.
    pub fn book_refused(&mut self, series: Series, window_start: Timestamp) {
        let now = self.advanced_to;
        let Some(at) = self.in_series(series) else { return };
        self.is_stated = false;
        let limit = &mut self.limits[at];
        let (window, next) = (limit.window.start.earliest, limit.next_window().start.earliest);
        if window == window_start {
            pause(&mut limit.booking, now);
        } else if next == window_start {
            pause(&mut limit.next, now);
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
    pub fn spend_open_windows(&mut self, now: Timestamp) {
        self.state(now, false);
        for limit in &mut self.limits {
            let (window, budget) = (limit.window, limit.budget);
            let (next, next_budget) = (limit.next_window(), limit.next_budget());
            limit.booking.exhausted = Exhausted::ByClock;
            limit.next.exhausted = Exhausted::ByClock;
            for (window, budget) in [(window, budget), (next, next_budget)] {
                self.effects.push_back(Effect::Exhausted { limit: limit.id.clone(), window, budget });
            }
        }
    }

    /// The limit that is in this series of windows.
    fn in_series(&self, series: Series) -> Option<usize> {
        let at = self.limits.iter().position(|limit| limit.series == series.number);
        at.filter(|_| series.life == self.life)
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
                self.ask_for_block(now, at, false, waiting);
            }
            if next {
                self.ask_for_block(now, at, true, waiting);
            }
        }
    }

    fn ask_for_block(&mut self, now: Timestamp, at: usize, next: bool, waiting: u64) {
        let limit = &mut self.limits[at];
        let window = if next { limit.next_window() } else { limit.window };
        let budget = if next { limit.next_budget() } else { limit.budget };
        let second = demand_of_a_second(limit.won_in_all(), limit.length());
        let to_come = if next { Permits::ZERO } else { limit.facts.external_use_to_come() };
        let booking = if next { &mut limit.next } else { &mut limit.booking };
        let remaining = u64::from(budget.less(booking.mark));
        let (free, others) = (u64::from(booking.free), u64::from(booking.others));
        let ours = remaining.saturating_sub(others + u64::from(to_come));
        let is_first = next && !booking.is_known;
        let is_low = waiting > free || others > 0 || is_first || free * 2 < u64::from(booking.block);
        let is_soon = now < booking.ask_after;
        let is_closed = booking.is_exhausted();
        if booking.asked || is_soon || is_closed || remaining == 0 || ours + others == 0 || !is_low {
            return;
        }
        let size = others + u64::from(budget.get() / 32).max(1).max(waiting + second).min(ours);
        booking.asked = true;
        let (id, ahead) = (limit.id.clone(), limit.margins.guard);
        let series = Series { life: self.life, number: limit.series };
        if !self.is_stated || self.former.as_ref().is_some_and(|former| former.is_stale) {
            self.state(now, false);
        }
        self.effects.push_back(Effect::Book {
            limit: id,
            series,
            window,
            permits: Permits::clamped(size.min(remaining)),
            budget,
            ahead,
        });
    }
}

/// A refused block is asked for again after a pause that doubles.
fn pause(booking: &mut Booking, now: Timestamp) {
    let pause_ms = booking.pause_ms.saturating_mul(2).clamp(PAUSE_FIRST_MS, PAUSE_LONGEST_MS);
    booking.asked = false;
    booking.pause_ms = pause_ms;
    booking.ask_after = now + Span::from_ms(u64::from(pause_ms));
}

fn confirm(booking: &mut Booking, from: Permits, to: Permits) {
    if !booking.is_known && !crate::mutant::active(crate::mutant::Mutant::TakeOverIgnoresCaps) {
        // Somebody else granted these, nobody knows to whom: every cap has to reckon with them.
        booking.foreign = from;
    }
    booking.is_known = true;
    booking.asked = false;
    booking.pause_ms = 0;
    booking.mark = booking.mark.max(to);
    // What others use is booked like a grant: it is gone for everybody, after a restart too.
    let charged = booking.others.min(to.less(from));
    booking.others -= charged;
    booking.charged += charged;
    booking.block = to.less(from).less(charged);
    booking.own += to.less(from);
    booking.free += booking.block;
}

fn demand_of_a_second(won: u64, window: Span) -> u64 {
    let won = u128::from(won) * 1_000_000_000;
    u64::try_from(won.div_ceil(u128::from(window.as_ns()))).unwrap_or(u64::MAX)
}
