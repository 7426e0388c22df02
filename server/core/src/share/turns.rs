//! The order of service in every group of the tree: which nodes wait, and their tags.
//!
//! Groups are small next to the callers below them, so a group is simply looked through.

use crate::permits::Permits;
use crate::priority::{PerPriority, Priority};
use crate::share::tag::{Group, Mean, NodeTag, step};
use crate::share::tree::{NodeIx, Tree};

/// The tag of a node in its group, and the virtual time of its children.
#[derive(Clone, Debug)]
struct Turn {
    tag: PerPriority<NodeTag>,
    group: PerPriority<Group>,
}

impl Turn {
    /// Of a node where nothing waited lately.
    const IDLE: Self = Self { tag: PerPriority([NodeTag::IDLE; 3]), group: PerPriority([Group::IDLE; 3]) };

    fn waits(&self) -> bool {
        self.tag.0.iter().any(|tag| tag.waits)
    }
}

/// Permits that a team was granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TeamService {
    pub(crate) team: NodeIx,
    /// The priority at which it was served.
    pub(crate) priority: Priority,
    pub(crate) permits: Permits,
    /// The node whose reservation was used: below it the team was chosen by tags.
    pub(crate) reserved_at: Option<NodeIx>,
}

/// Whether a service is charged, or what was charged is taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Charge {
    /// Permits were granted.
    Granted,
    /// They came back.
    Returned,
}

/// The tags of a tree: one entry for each node, none at all while nothing waited lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Vec<Turn>);

impl Turns {
    fn turn(&self, v: NodeIx) -> &Turn {
        self.0.get(v.place()).unwrap_or(&Turn::IDLE)
    }

    fn tag_mut(&mut self, v: NodeIx, c: Priority) -> &mut NodeTag {
        &mut self.0[v.place()].tag[c]
    }

    fn group_mut(&mut self, v: NodeIx, c: Priority) -> &mut Group {
        &mut self.0[v.place()].group[c]
    }

    /// The tag of a node in one priority of its group.
    pub(crate) fn tag(&self, v: NodeIx, c: Priority) -> &NodeTag {
        &self.turn(v).tag[c]
    }

    /// One priority of the group of a node's children.
    pub(crate) fn group(&self, v: NodeIx, c: Priority) -> &Group {
        &self.turn(v).group[c]
    }

    /// Whether anything below a node waits, in whatever priority.
    pub(crate) fn waits(&self, v: NodeIx) -> bool {
        self.turn(v).waits()
    }

    /// Whether a child of `group` waits in that priority.
    pub(crate) fn is_contested(&self, group: NodeIx, c: Priority) -> bool {
        self.group(group, c).waiting > 0
    }

    /// A node was added to the tree.
    pub(crate) fn add(&mut self, v: NodeIx, tree: &Tree) {
        if !self.0.is_empty() {
            self.0.resize(tree.places(), Turn::IDLE);
            self.0[v.place()] = Turn::IDLE;
        }
    }

    /// A node's weight is about to change: its lag in permits stays.
    pub(crate) fn reweigh(&mut self, v: NodeIx, tree: &Tree, weight: u32) {
        for c in Priority::ALL {
            let virtual_time = self.group(tree.parent(v), c).virtual_time;
            if let Some(turn) = self.0.get_mut(v.place()) {
                turn.tag[c].reweigh(virtual_time, tree[v].weight, weight);
            }
        }
    }

    /// The mean tag of the children that wait and owe nothing.
    fn regular_mean(&self, group: NodeIx, c: Priority, tree: &Tree) -> Mean {
        let mut mean = Mean::default();
        for &child in tree.children(group) {
            let tag = self.tag(child, c);
            if tag.is_regular() {
                mean.add(tag.value, tree[child].weight);
            }
        }
        mean
    }

    /// The smallest tag of the children that wait and owe something.
    fn least_debtor(&self, group: NodeIx, c: Priority, tree: &Tree) -> Option<i64> {
        let tags = tree.children(group).iter().map(|&child| self.tag(child, c));
        tags.filter(|tag| tag.waits && tag.debt > 0).map(|tag| tag.value).min()
    }

    /// Recomputes virtual time after a grant, a return or a leave.
    fn update_virtual_time(&mut self, group: NodeIx, c: Priority, tree: &Tree) {
        let own = self.group_mut(group, c);
        if own.waiting == 0 {
            own.busy_period = own.busy_period.wrapping_add(1);
            return;
        }
        let mean = self.regular_mean(group, c, tree);
        let least_debtor = self.least_debtor(group, c, tree);
        // Where only debtors wait, virtual time jumps to the smallest debt.
        let virtual_time = if mean.is_empty() { least_debtor.unwrap_or(i64::MAX) } else { mean.floor() };
        self.group_mut(group, c).virtual_time = virtual_time;
        if least_debtor.is_some_and(|least| least <= virtual_time) {
            self.forgive(group, c, tree);
        }
    }

    /// Debts up to virtual time are paid.
    fn forgive(&mut self, group: NodeIx, c: Priority, tree: &Tree) {
        let virtual_time = self.group(group, c).virtual_time;
        for &child in tree.children(group) {
            let tag = self.tag_mut(child, c);
            if tag.waits && tag.value <= virtual_time {
                tag.debt = 0;
            }
        }
    }

    /// A node begins to wait. That does not move virtual time, so the order of joins does not matter.
    pub(crate) fn join(&mut self, v: NodeIx, c: Priority, tree: &Tree) {
        if self.0.is_empty() {
            self.0 = vec![Turn::IDLE; tree.places()];
        }
        let parent = tree.parent(v);
        let group = *self.group(parent, c);
        let tag = self.tag_mut(v, c);
        debug_assert!(!tag.waits);
        tag.waits = true;
        tag.join(&group);
        self.group_mut(parent, c).waiting += 1;
    }

    /// A node ceases to wait.
    pub(crate) fn leave(&mut self, v: NodeIx, c: Priority, tree: &Tree) {
        let parent = tree.parent(v);
        debug_assert!(self.tag(v, c).waits);
        self.tag_mut(v, c).waits = false;
        self.group_mut(parent, c).waiting -= 1;
        self.update_virtual_time(parent, c, tree);
    }

    /// Moves the tags of every node of a path, in every priority in which its group is contested.
    pub(crate) fn charge(&mut self, service: &TeamService, charge: Charge, tree: &Tree) {
        let mut by_tag = true;
        for v in tree.path(service.team) {
            by_tag &= service.reserved_at != Some(v);
            let size = step(service.permits, tree[v].weight);
            let size = if charge == Charge::Returned { -size } else { size };
            for c in Priority::ALL {
                if self.is_contested(tree.parent(v), c) {
                    self.charge_one(v, c, size, by_tag && c == service.priority, tree);
                }
            }
        }
        for v in tree.path(service.team) {
            let group = tree.parent(v);
            for c in Priority::ALL {
                if self.is_contested(group, c) {
                    self.update_virtual_time(group, c, tree);
                }
            }
        }
    }

    fn charge_one(&mut self, v: NodeIx, c: Priority, size: i64, may_be_in_turn: bool, tree: &Tree) {
        let parent = tree.parent(v);
        let group = *self.group(parent, c);
        if !self.tag(v, c).waits {
            self.tag_mut(v, c).join(&group);
        }
        let tag = self.tag(v, c);
        let in_turn =
            may_be_in_turn && tag.debt == 0 && self.regular_mean(parent, c, tree).reaches(tag.value);
        self.tag_mut(v, c).charge(size, in_turn);
    }

    /// A window starts: debts and claims are bounded, and tags are rebased so that virtual time is 0 in every group. Where nothing
    /// waits, every busy period is over and no tag counts any more.
    pub(crate) fn bound(&mut self, budget: Permits, largest: Permits, tree: &Tree) {
        if self.0.iter().any(Turn::waits) {
            self.bound_group(NodeIx::ROOT, i64::from(budget) << 32, largest, tree);
        } else {
            self.0 = Vec::new();
        }
    }

    fn bound_group(&mut self, group: NodeIx, share: i64, largest: Permits, tree: &Tree) {
        let active = |turns: &Self, v: NodeIx| if turns.waits(v) { i64::from(tree[v].weight) } else { 0 };
        let children = tree.children(group);
        let total: i64 = children.iter().map(|&child| active(self, child)).sum();
        for c in Priority::ALL {
            let before = *self.group(group, c);
            for &child in children {
                let (weight, mine) = (i64::from(tree[child].weight), active(self, child));
                let fair = share / (total - mine + weight);
                let request = step(largest, tree[child].weight);
                self.tag_mut(child, c).bound(&before, fair, request);
            }
            if self.is_contested(group, c) {
                self.update_virtual_time(group, c, tree);
            }
            self.rebase(group, c, tree);
        }
        for &child in children {
            let mine = active(self, child);
            if mine > 0 {
                // Rounded down, so the parts never add up to more than the share.
                let part = (share / total).saturating_mul(mine);
                debug_assert!(part <= share);
                self.bound_group(child, part, largest, tree);
            }
        }
    }

    fn rebase(&mut self, group: NodeIx, c: Priority, tree: &Tree) {
        let Group { virtual_time, busy_period, .. } = *self.group(group, c);
        for &child in tree.children(group) {
            let tag = self.tag_mut(child, c);
            if tag.busy_period == busy_period {
                tag.value -= virtual_time;
            }
        }
        self.group_mut(group, c).virtual_time = 0;
    }

    /// Whether any tag is kept.
    #[cfg(test)]
    pub(crate) fn has_tags(&self) -> bool {
        !self.0.is_empty()
    }
}
