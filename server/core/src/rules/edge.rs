//! The edge of a window: inside a guard, and where a boundary is uncertain, a request may be counted in either of two windows.
//!
//! An edge permit is charged to both. It is granted if this window has it left by the order of all decisions, with nothing held
//! back any more, and the next window would grant it at its opening: there everything is held back that an opening holds back.
//! Whoever is refused would take it from the next window anyway. For priorities that policy names, the next window need only
//! have it left.

use super::bounds::NextBound;
use super::view::Rules;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::share::ahead::Ahead;
use crate::share::holdback::{Decay, Division, HoldbackSizes};
use crate::share::remaining::Remaining;
use crate::share::tree::NodeIx;
use crate::time::Timestamp;
use crate::windows::side::Side;

impl Rules<'_> {
    /// The priorities that are served now: at an edge those that may have edge permits.
    pub(crate) fn served(&self, is_edge: bool) -> impl Iterator<Item = Priority> {
        Priority::ALL.into_iter().filter(move |&c| !is_edge || self.policy.has_edges(c))
    }

    /// Whether any edge permit may be granted.
    pub(crate) fn has_edge_permits(&self, now: Timestamp) -> bool {
        let is_stopped = self.windows.limits().iter().any(|limit| now < limit.cooldown_until);
        !is_stopped && self.served(true).next().is_some()
    }

    /// Divides the expected demand of the window that follows that of a limit; nothing where that is done already.
    pub(crate) fn divide_ahead(&self, at: usize, now: Timestamp) -> Option<Ahead> {
        let limit = &self.windows.limits()[at];
        let budget = limit.next_budget();
        let before = limit.ahead.as_ref();
        if before.is_some_and(|ahead| ahead.is_divided(budget)) {
            return None;
        }
        let is_closed = now > self.windows.primary().closes();
        let backlog = self.contest.backlog();
        let waits = |team: NodeIx, c: Priority| is_closed && backlog.waits_since_before_close(team, c);
        let division = Division { tree: self.contest.tree(), budget, floors: &self.policy.floors };
        let mut holdback = limit.holdback.following(&division, waits, limit.next_holdback());
        let sizes = &HoldbackSizes::new(&self.policy.holdback, budget);
        let decay = Decay { now, remaining: Remaining::WHOLE, sizes, reserved: &[] };
        holdback.decay(&decay, |team, c| backlog.queued(team, c));
        Some(Ahead::divided(holdback, budget))
    }

    /// What bounds a grant of a priority in the windows that follow; none where it may have no edge permits.
    pub(crate) fn next_bound(&self, c: Priority, now: Timestamp) -> Option<NextBound> {
        if !self.policy.has_edges(c) {
            return None;
        }
        let edges = self.windows.edges(now);
        let takes_all = self.policy.edge[c];
        let primary = self.windows.primary();
        let is_primary_at_edge = edges.has(self.windows.primary_place());
        let elsewhere = is_primary_at_edge.then_some(primary.next_blocks.booked_elsewhere);
        if takes_all || elsewhere.is_none() {
            let (lower, protected, floor) = (0, 0, Permits::ZERO);
            return Some(NextBound { edges, takes_all, lower, protected, floor, elsewhere });
        }
        Some(NextBound {
            edges,
            takes_all,
            lower: self.held_for_next_floors(c),
            protected: self.held_for_reservations(Side::Next, Remaining::WHOLE),
            floor: self.floor_left(c, Side::Next),
            elsewhere,
        })
    }

    /// The most that the windows that follow would give a team in one priority when they open, caps aside.
    pub(super) fn most_next(&self, team: NodeIx, c: Priority, next: &NextBound) -> Permits {
        let (mut least, mut most, mut by_floor) = (Permits::MAX, u64::MAX, u64::from(next.floor));
        let limits = self.windows.limits().iter().enumerate();
        for (at, limit) in limits.filter(|&(at, _)| next.edges.has(at)) {
            let left = limit.left_next(self.windows.is_store_lost());
            least = least.min(left);
            let left = u64::from(left);
            let held = limit.next_holdback().map_or(0, |holdback| holdback.held_from(team, c));
            if at == self.windows.primary_place() {
                most = most.min(left.saturating_sub(held + next.protected + next.lower));
                by_floor = by_floor.min(left.saturating_sub(next.lower));
            } else {
                most = most.min(left.saturating_sub(held));
                by_floor = by_floor.min(left.saturating_sub(held));
            }
        }
        if next.takes_all || (next.elsewhere.is_some() && self.is_owed(team, Side::Next)) {
            return least;
        }
        Permits::clamped(most.max(by_floor))
    }

    /// What a request of a team can be granted at an edge at the most, unless permits come back: only what is held back for requests
    /// that may come any moment is not looked at.
    pub(super) fn room_at_edge(&self, team: NodeIx, now: Timestamp) -> Permits {
        let room = self.windows.limits().iter().map(|limit| {
            let left = limit.left_at_most();
            if limit.is_open(now) { left } else { left.min(limit.left_next(false)) }
        });
        let tree = self.contest.tree();
        let room = room.min().unwrap_or(Permits::ZERO).min(tree.room(team));
        let primary = self.windows.primary();
        if primary.is_open(now) {
            return room;
        }
        let elsewhere = primary.next_blocks.booked_elsewhere;
        tree.path(team).map(|v| tree.own_room_next(v, elsewhere)).fold(room, Permits::min)
    }
}
