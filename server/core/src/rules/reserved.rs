//! What is held back for floors of lower priorities and for reservations: in the primary window, and in the one that follows.

use super::view::Rules;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::share::remaining::{Fraction, Remaining};
use crate::share::tree::NodeIx;
use crate::windows::side::Side;

impl Rules<'_> {
    fn granted(&self, v: NodeIx, side: Side) -> Permits {
        let node = &self.contest.tree()[v];
        match side {
            Side::This => node.granted,
            Side::Next => node.granted_next,
        }
    }

    /// A reservation in force: what the whole tree reserves is scaled to the budget.
    pub(crate) fn scaled_reservation(&self, v: NodeIx, side: Side) -> Fraction {
        let reservation = u64::from(self.contest.tree()[v].reservation);
        let (reserved, budget) = (self.contest.reserved(), u64::from(self.windows.budget_of(side)));
        if reserved <= budget {
            Fraction::whole(reservation)
        } else {
            Fraction { parts: reservation * budget, per_permit: reserved }
        }
    }

    /// The protected reservations in force, which get smaller as a window passes.
    pub(crate) fn protected_reservations(&self) -> Vec<Fraction> {
        if !self.contest.has_protected() {
            return Vec::new();
        }
        let protected = self.contest.nodes().filter(|&v| self.contest.tree()[v].protected);
        protected.map(|v| self.scaled_reservation(v, Side::This)).collect()
    }

    /// Whether a node was granted less than its reservation.
    pub(crate) fn is_below_reservation(&self, v: NodeIx, side: Side) -> bool {
        self.scaled_reservation(v, side).exceeds(u64::from(self.granted(v, side)))
    }

    /// Whether a reservation along its path has a team served first.
    pub(crate) fn is_owed(&self, team: NodeIx, side: Side) -> bool {
        self.contest.reserved() > 0
            && self.contest.tree().path(team).any(|v| self.is_below_reservation(v, side))
    }

    /// What is left of a priority's floor.
    pub(crate) fn floor_left(&self, c: Priority, side: Side) -> Permits {
        self.windows.floor_left(c, side, &self.policy.floors, || self.contest.backlog().largest_head(c))
    }

    /// The floors left to lower priorities that have a waiting head which fits into what is left; at an edge only of those that
    /// are served there.
    pub(crate) fn held_for_floors(&self, c: Priority, is_edge: bool) -> u64 {
        let lower = c.lower().filter(|&c| !is_edge || self.policy.has_edges(c));
        lower.map(|c| self.claimed(c, Side::This)).sum()
    }

    /// The same in the next window as it will open.
    pub(crate) fn held_for_next_floors(&self, c: Priority) -> u64 {
        c.lower().map(|c| self.claimed(c, Side::Next)).sum()
    }

    /// What is left of a priority's floor if a waiting head claims it.
    fn claimed(&self, c: Priority, side: Side) -> u64 {
        let root = NodeIx::ROOT;
        let head = || match side {
            Side::This if !self.contest.turns().is_contested(root, c) => None,
            Side::This => self.contest.least_head(root, c),
            Side::Next => self.least_head_next(root, c),
        };
        let floor = self.floor_left(c, side);
        let left = || self.windows.left_of(side);
        let is_claimed = !floor.is_zero() && head().is_some_and(|least| least <= left());
        if is_claimed { u64::from(floor) } else { 0 }
    }

    /// The smallest head below a node that will fit under every cap below it when the next window opens.
    fn least_head_next(&self, v: NodeIx, c: Priority) -> Option<Permits> {
        match self.contest.tree().children(v) {
            [] => self.contest.lane(v, c)?.least(),
            children => children.iter().filter_map(|&child| self.waits_next(child, c)).min(),
        }
    }

    /// The same if it fits under the node's own cap, too.
    fn waits_next(&self, v: NodeIx, c: Priority) -> Option<Permits> {
        let elsewhere = self.windows.primary().next_blocks.booked_elsewhere;
        let room = || self.contest.tree().own_room_next(v, elsewhere);
        self.least_head_next(v, c).filter(|&least| least <= room())
    }

    fn waits(&self, v: NodeIx, side: Side) -> bool {
        match side {
            Side::This => self.contest.turns().waits(v),
            Side::Next => Priority::ALL.into_iter().any(|c| self.waits_next(v, c).is_some()),
        }
    }

    /// Protected reservations of all teams that do not wait.
    pub(crate) fn held_for_reservations(&self, side: Side, remaining: Remaining) -> u64 {
        if self.contest.has_protected() { self.held_below(NodeIx::ROOT, side, remaining) } else { 0 }
    }

    /// Protected reservations of subtrees that do not wait, less what is already held for teams below them. A parent's
    /// contains its children's.
    fn held_below(&self, v: NodeIx, side: Side, remaining: Remaining) -> u64 {
        let tree = self.contest.tree();
        let inner: u64 = tree.children(v).iter().map(|&child| self.held_below(child, side, remaining)).sum();
        if !tree[v].protected || self.waits(v, side) {
            return inner;
        }
        let reservation = self.scaled_reservation(v, side);
        let open = reservation.ceil().saturating_sub(u64::from(self.granted(v, side)));
        let held = open.min(remaining.of(reservation));
        inner.max(held.saturating_sub(self.holds_below(v, side)))
    }

    fn holds_below(&self, v: NodeIx, side: Side) -> u64 {
        let limit = self.windows.primary();
        let holdback = match side {
            Side::This => Some(&limit.holdback),
            Side::Next => limit.next_holdback(),
        };
        match (self.contest.tree().children(v), holdback) {
            (_, None) => 0,
            ([], Some(holdback)) => Priority::ALL.into_iter().map(|c| holdback.hold(v, c)).sum(),
            (children, _) => children.iter().map(|&child| self.holds_below(child, side)).sum(),
        }
    }
}
