//! The edge of a window: inside a guard, and where a boundary is uncertain, a request may be counted in either of two windows.
//!
//! An edge permit is charged to both. It is granted if this window has it left by the order of all decisions, with nothing kept
//! any more, and the next window would grant it at its opening: there everything is kept that an opening keeps. Whoever
//! is turned away would take it from the next window anyway. For priorities that policy names, the next window need only
//! have it left.

use super::Allocator;
use super::kept::Side;
use crate::permits::Permits;
use crate::policy::LIMITS_MAX;
use crate::priority::Priority;
use crate::share::ahead::Ahead;
use crate::share::holdback::{Remaining, sizes};
use crate::share::tree::{NodeIx, Tree};
use crate::time::Timestamp;

/// What bounds a grant in the windows that follow those at their edge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    /// The limits whose windows are at their edge.
    at_edge: [bool; LIMITS_MAX],
    /// Whether it may take whatever is left.
    is_named: bool,
    /// Kept for the floors of lower priorities.
    lower: u64,
    /// Kept for protected reservations.
    protected: u64,
    /// What the floor of the priority allows when the window opens.
    floor: Permits,
    /// What somebody else was granted of the scheduler's next window; none: its window is open, and caps hold in that alone.
    pub(super) foreign: Option<Permits>,
}

impl Allocator {
    /// Divides the expected demand of the windows that follow those at their edge. Whether any edge permit may be granted.
    pub(super) fn look_ahead(&mut self, now: Timestamp) -> bool {
        let is_stopped = self.limits.iter().any(|limit| now < limit.stop_until);
        if is_stopped || !Priority::ALL.into_iter().any(|c| self.policy.has_edges(c)) {
            return false;
        }
        for at in 0..self.limits.len() {
            if !self.limits[at].is_open(now) {
                self.divide_ahead(at, now);
            }
        }
        true
    }

    fn divide_ahead(&mut self, at: usize, now: Timestamp) {
        let (limit, budget) = (&self.limits[at], self.limits[at].next_budget());
        let before = limit.ahead.as_ref();
        if before.is_some_and(|ahead| ahead.is_divided(budget)) {
            return;
        }
        let is_closed = now > self.limits[self.scheduler].closes();
        let waits = |team: NodeIx, c: Priority| {
            is_closed && self.lane(team, c).is_some_and(|lane| lane.requests > lane.late)
        };
        let won = before.map(|ahead| &ahead.holdback);
        let mut holdback = limit.holdback.following(&self.tree, budget, &self.policy.floors, waits, won);
        let sizes = sizes(&self.policy.holdback, budget);
        holdback.decay(now, Remaining::WHOLE, &sizes, &[], |team, c| self.queued(team, c));
        self.limits[at].ahead = Some(Box::new(Ahead::divided(holdback, budget)));
    }

    /// What bounds a grant of a priority in the windows that follow; none where it may have no edge permits.
    pub(super) fn next_of(&self, c: Priority, now: Timestamp) -> Option<Next> {
        if !self.policy.has_edges(c) {
            return None;
        }
        let mut at_edge = [false; LIMITS_MAX];
        for (limit, at_edge) in self.limits.iter().zip(&mut at_edge) {
            *at_edge = !limit.is_open(now);
        }
        let is_named = self.policy.edge[c];
        let foreign = at_edge[self.scheduler].then(|| self.limits[self.scheduler].next.foreign);
        if is_named || foreign.is_none() {
            let (lower, protected, floor) = (0, 0, Permits::ZERO);
            return Some(Next { at_edge, is_named, lower, protected, floor, foreign });
        }
        Some(Next {
            at_edge,
            is_named,
            lower: self.kept_for_next_floors(c),
            protected: self.kept_for_reservations(Tree::ROOT, Side::Next, Remaining::WHOLE),
            floor: self.floor_left(c, Side::Next),
            foreign,
        })
    }

    /// The most that the windows that follow would give a team in one priority when they open, caps aside.
    pub(super) fn most_next(&self, team: NodeIx, c: Priority, next: &Next) -> Permits {
        let (mut least, mut most, mut by_floor) = (Permits::MAX, u64::MAX, u64::from(next.floor));
        for (at, limit) in self.limits.iter().enumerate().filter(|&(at, _)| next.at_edge[at]) {
            let left = limit.left_next(self.store_lost);
            least = least.min(left);
            let left = u64::from(left);
            let kept = limit.ahead.as_ref().map_or(0, |ahead| ahead.holdback.kept(team, c));
            if at == self.scheduler {
                most = most.min(left.saturating_sub(kept + next.protected + next.lower));
                by_floor = by_floor.min(left.saturating_sub(next.lower));
            } else {
                most = most.min(left.saturating_sub(kept));
                by_floor = by_floor.min(left.saturating_sub(kept));
            }
        }
        if next.is_named || (next.foreign.is_some() && self.is_owed_next(team)) {
            return least;
        }
        Permits::clamped(most.max(by_floor))
    }

    /// Whether a reservation would have a team served first when the next window opens.
    fn is_owed_next(&self, team: NodeIx) -> bool {
        self.reserved > 0 && self.tree.path(team).any(|v| self.is_below_reservation(v, Side::Next))
    }

    /// What a request of a team can be given at an edge at the most, unless permits come back: only what is kept
    /// for others, who may come any moment, is not looked at.
    pub(super) fn room_at_the_edge(&self, team: NodeIx, now: Timestamp) -> Permits {
        let room = self.limits.iter().map(|limit| {
            let left = limit.left_at_most();
            if limit.is_open(now) { left } else { left.min(limit.left_next(false)) }
        });
        let room = room.min().unwrap_or(Permits::ZERO).min(self.tree.room(team));
        let scheduler = &self.limits[self.scheduler];
        if scheduler.is_open(now) {
            return room;
        }
        self.tree
            .path(team)
            .map(|v| self.tree.own_room_next(v, scheduler.next.foreign))
            .fold(room, Permits::min)
    }
}
