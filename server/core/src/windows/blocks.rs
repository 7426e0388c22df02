//! Blocks: how many permits the ledger is asked to book, and what came of it. No permit is granted outside a confirmed block.

use super::side::Side;
use super::state::Windows;
use crate::blocks::{Blocks, Exhausted, Need};
use crate::limit::Limit;
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::Window;

/// The last part of a window in which a first block of the next one is booked too.
const AHEAD: Span = Span::from_secs(1);

/// A block that is to be booked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockRequest {
    /// The place of the limit.
    pub(crate) limit: usize,
    pub(crate) window: Window,
    pub(crate) permits: Permits,
    /// The budget of that window.
    pub(crate) budget: Permits,
}

/// What waits for blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockDemand {
    /// Permits that wait.
    pub(crate) waiting: u64,
    /// A head waits for a block.
    pub(crate) is_stalled: bool,
    /// Whether policy allows edge permits at all.
    pub(crate) has_edges: bool,
}

impl Windows {
    /// The blocks of the window in force or the next one, if one of them starts then; and the budget of that.
    fn blocks_of(&mut self, at: usize, start: Timestamp) -> Option<(&mut Blocks, Permits)> {
        let limit = &mut self.limits[at];
        if limit.window.start.earliest == start {
            Some((&mut limit.blocks, limit.budget))
        } else if limit.next_window().start.earliest == start {
            Some((&mut limit.next_blocks, limit.budget))
        } else {
            None
        }
    }

    /// Units `from + 1 ..= to` of a window of a limit were booked for this process. Returns what another process was granted of the
    /// primary window, if that is the one.
    pub(crate) fn confirm(
        &mut self,
        at: usize,
        start: Timestamp,
        from: Permits,
        to: Permits,
    ) -> Option<Permits> {
        let (blocks, _) = self.blocks_of(at, start)?;
        blocks.confirm(from, to);
        let elsewhere = blocks.booked_elsewhere;
        let is_in_force = self.limits[at].window.start.earliest == start;
        (at == self.primary && is_in_force).then_some(elsewhere)
    }

    /// How far a window is booked, as far as is known here.
    pub(crate) fn mark_of(&mut self, at: usize, start: Timestamp) -> Option<Permits> {
        self.blocks_of(at, start).map(|(blocks, _)| blocks.mark)
    }

    /// As if no block had been requested: it will be again.
    pub(crate) fn forget_requests(&mut self) {
        for limit in &mut self.limits {
            limit.blocks.forget_request();
            limit.next_blocks.forget_request();
        }
    }

    /// The ledger books no more of a window: it is spent.
    pub(crate) fn spend(&mut self, at: usize, start: Timestamp) {
        if let Some((blocks, budget)) = self.blocks_of(at, start) {
            blocks.spend(budget);
        }
    }

    /// A block was not booked for a reason that passes.
    pub(crate) fn pause(&mut self, at: usize, start: Timestamp, now: Timestamp) {
        if let Some((blocks, _)) = self.blocks_of(at, start) {
            blocks.pause(now);
        }
    }

    /// The store cannot be reached, or it can be again.
    pub(crate) fn set_store_lost(&mut self, is_lost: bool) {
        self.is_store_lost = is_lost;
        if !is_lost {
            self.forget_requests();
        }
    }

    /// Nothing is granted of the windows in force, nor of those that follow.
    pub(crate) fn exhaust_by_clock(&mut self) {
        for limit in &mut self.limits {
            limit.blocks.exhausted = Exhausted::ByClock;
            limit.next_blocks.exhausted = Exhausted::ByClock;
        }
    }

    /// The blocks that are to be booked now.
    pub(crate) fn request_blocks(&mut self, now: Timestamp, backlog: &BlockDemand) -> Vec<BlockRequest> {
        let mut requests = Vec::new();
        for (at, limit) in self.limits.iter_mut().enumerate() {
            for side in [Side::This, Side::Next] {
                let request = request_block(limit, side, now, backlog);
                requests.extend(request.map(|(window, permits, budget)| BlockRequest {
                    limit: at,
                    window,
                    permits,
                    budget,
                }));
            }
        }
        requests
    }
}

/// Whether permits of a limit's window may be granted soon.
fn is_due(limit: &Limit, side: Side, now: Timestamp, backlog: &BlockDemand) -> bool {
    let &BlockDemand { waiting, is_stalled, has_edges } = backlog;
    match side {
        // After the close of a window edge permits are granted out of it and of the next one.
        Side::This => {
            let opens = limit.window.opens(&limit.margins);
            opens <= now + AHEAD && (now <= limit.closes() || is_stalled || has_edges)
        }
        Side::Next => {
            let is_near = now + AHEAD >= limit.next_opens()
                || (now > limit.closes() && is_stalled)
                || (now + AHEAD >= limit.closes() && has_edges);
            is_near && (waiting > 0 || limit.granted_in_all() > 0)
        }
    }
}

fn request_block(
    limit: &mut Limit,
    side: Side,
    now: Timestamp,
    backlog: &BlockDemand,
) -> Option<(Window, Permits, Permits)> {
    let waiting = backlog.waiting;
    let (blocks, need) = match side {
        Side::This => {
            let external_to_come = limit.facts.external_use_to_come();
            (&limit.blocks, Need { budget: limit.budget, waiting, external_to_come, is_ahead: false })
        }
        Side::Next => {
            let (budget, external_to_come) = (limit.next_budget(), Permits::ZERO);
            (&limit.next_blocks, Need { budget, waiting, external_to_come, is_ahead: true })
        }
    };
    // In this order: mostly a block lasts, and to see that costs least.
    if !blocks.is_short(now, &need) || !is_due(limit, side, now, backlog) {
        return None;
    }
    let permits = blocks.next_size(&need, demand_of_a_second(limit.granted_in_all(), limit.length()))?;
    let window = match side {
        Side::This => {
            limit.blocks.request();
            limit.window
        }
        Side::Next => {
            limit.next_blocks.request();
            limit.next_window()
        }
    };
    Some((window, permits, need.budget))
}

fn demand_of_a_second(granted: u64, window: Span) -> u64 {
    let granted = u128::from(granted) * 1_000_000_000;
    u64::try_from(granted.div_ceil(u128::from(window.as_ns()))).unwrap_or(u64::MAX)
}
