//! What is kept for floors of lower priorities and for reservations: in the scheduler's window, and in the one that follows.

use super::Allocator;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::share::holdback::Remaining;
use crate::share::tree::{NodeIx, Tree};

/// Which window of the scheduler's limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    /// The one in force.
    This,
    /// The one that follows.
    Next,
}

impl Allocator {
    fn budget_of(&self, side: Side) -> Permits {
        let limit = &self.limits[self.scheduler];
        match side {
            Side::This => limit.budget,
            Side::Next => limit.next_budget(),
        }
    }

    fn granted_of(&self, v: NodeIx, side: Side) -> Permits {
        match side {
            Side::This => self.tree[v].granted,
            Side::Next => self.tree[v].granted_next,
        }
    }

    fn left_of(&self, side: Side) -> Permits {
        match side {
            Side::This => self.left(),
            Side::Next => self.limits[self.scheduler].left_next(self.store_lost),
        }
    }

    /// A reservation in force, as a fraction: what the whole tree reserves is scaled to the budget.
    pub(super) fn scaled_reservation(&self, v: NodeIx, side: Side) -> (u64, u64) {
        let (reservation, budget) = (u64::from(self.tree[v].reservation), u64::from(self.budget_of(side)));
        let reserved = self.reserved;
        if reserved <= budget { (reservation, 1) } else { (reservation * budget, reserved) }
    }

    pub(super) fn is_below_reservation(&self, v: NodeIx, side: Side) -> bool {
        let (amount, per) = self.scaled_reservation(v, side);
        u64::from(self.granted_of(v, side)) * per < amount
    }

    /// What is left of a priority's floor.
    pub(super) fn floor_left(&self, c: Priority, side: Side) -> Permits {
        if side == Side::This {
            return self.floors[c].left();
        }
        let limit = &self.limits[self.scheduler];
        let won = limit.ahead.as_ref().map_or(0, |ahead| ahead.holdback.won_in(c));
        self.floors[c].following(self.policy.floors[c], limit.next_budget(), self.largest_head(c), won).left()
    }

    /// The floors left to lower priorities that have a waiting head which fits into what is left; at an edge only of those that
    /// are served there.
    pub(super) fn kept_for_floors(&self, c: Priority, edge: bool) -> u64 {
        c.lower().filter(|&c| !edge || self.policy.has_edges(c)).map(|c| self.claimed(c, Side::This)).sum()
    }

    /// The same in the next window as it will open.
    pub(super) fn kept_for_next_floors(&self, c: Priority) -> u64 {
        c.lower().map(|c| self.claimed(c, Side::Next)).sum()
    }

    /// What is left of a priority's floor if a waiting head claims it.
    fn claimed(&self, c: Priority, side: Side) -> u64 {
        let head = || match side {
            Side::This if !self.tree.is_contested(Tree::ROOT, c) => None,
            Side::This => self.least_head(Tree::ROOT, c),
            Side::Next => self.least_head_next(Tree::ROOT, c),
        };
        let floor = self.floor_left(c, side);
        let is_claimed = !floor.is_zero() && head().is_some_and(|least| least <= self.left_of(side));
        if is_claimed { u64::from(floor) } else { 0 }
    }

    /// The smallest head below a node that will fit under every cap below it when the next window opens.
    fn least_head_next(&self, v: NodeIx, c: Priority) -> Option<Permits> {
        match self.tree.children(v) {
            [] => self.lane(v, c)?.least(),
            children => children.iter().filter_map(|&child| self.waits_next(child, c)).min(),
        }
    }

    /// The same if it fits under the node's own cap, too.
    fn waits_next(&self, v: NodeIx, c: Priority) -> Option<Permits> {
        let foreign = self.limits[self.scheduler].next.foreign;
        self.least_head_next(v, c).filter(|&least| least <= self.tree.own_room_next(v, foreign))
    }

    fn waits_on(&self, v: NodeIx, side: Side) -> bool {
        match side {
            Side::This => self.tree.waits(v),
            Side::Next => Priority::ALL.into_iter().any(|c| self.waits_next(v, c).is_some()),
        }
    }

    /// Protected reservations of subtrees that do not wait, less what is already held for teams below them. A parent's
    /// contains its children's.
    pub(super) fn kept_for_reservations(&self, v: NodeIx, side: Side, remaining: Remaining) -> u64 {
        if !self.any_protected {
            return 0;
        }
        let children = self.tree.children(v).iter();
        let inner: u64 = children.map(|&child| self.kept_for_reservations(child, side, remaining)).sum();
        if !self.tree[v].protected || self.waits_on(v, side) {
            return inner;
        }
        let (amount, per) = self.scaled_reservation(v, side);
        let open = amount.div_ceil(per).saturating_sub(u64::from(self.granted_of(v, side)));
        let kept = open.min(remaining.of(amount, per));
        inner.max(kept.saturating_sub(self.holds_below(v, side)))
    }

    fn holds_below(&self, v: NodeIx, side: Side) -> u64 {
        let limit = &self.limits[self.scheduler];
        let holdback = match side {
            Side::This => Some(&limit.holdback),
            Side::Next => limit.ahead.as_ref().map(|ahead| &ahead.holdback),
        };
        match (self.tree.children(v), holdback) {
            (_, None) => 0,
            ([], Some(holdback)) => Priority::ALL.into_iter().map(|c| holdback.hold(v, c)).sum(),
            (children, _) => children.iter().map(|&child| self.holds_below(child, side)).sum(),
        }
    }
}
