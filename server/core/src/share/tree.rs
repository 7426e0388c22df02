//! The tree of teams: weights, caps, reservations, what each was granted in this window, and the tags of every group.
//!
//! Groups are small next to the callers below them, so a group is simply looked through.

use crate::permits::Permits;
use crate::policy::TeamPolicy;
use crate::priority::{PerPriority, Priority};
use crate::share::tag::{Account, Group, Mean, step};

/// A node of the tree.
pub(crate) type NodeIx = usize;

/// The same as it is kept, and a place in the list of all children: policy bounds how many teams there are.
type Place = u16;

/// The parent of a node that was removed.
const NOWHERE: Place = Place::MAX;

/// A team, or the root.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    parent: Place,
    /// Where its children begin in the list of all children, and how many they are.
    first: Place,
    count: Place,
    pub(crate) weight: u32,
    pub(crate) reservation: Permits,
    pub(crate) cap: Option<Permits>,
    pub(crate) protected: bool,
    /// It was removed, and somebody is left who waited there.
    pub(crate) is_leaving: bool,
    pub(crate) priority: Priority,
    pub(crate) highest_priority: Priority,
    /// Net grants in this window, everything below included.
    pub(crate) granted: Permits,
    /// The same in the next window: edge permits.
    pub(crate) granted_next: Permits,
    /// The number of the last grant below it: the least recently served wins a tie.
    pub(crate) last: u64,
}

/// What only counts between those who wait.
#[derive(Clone, Debug)]
struct Turn {
    /// A node's place in each priority of its group.
    account: PerPriority<Account>,
    /// The group of its children.
    group: PerPriority<Group>,
}

/// All teams of a workspace. A removed team leaves a free place.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// The children of all nodes, those of one node together and in order of definition.
    children: Vec<NodeIx>,
    /// One for each node; none at all in a workspace where nobody waited lately.
    turns: Vec<Turn>,
    /// Grants so far.
    pub(crate) grants: u64,
    /// Granted in this window by somebody else, before this process served the workspace. Counts against every cap.
    pub(crate) foreign: Permits,
}

impl std::ops::Index<NodeIx> for Tree {
    type Output = Node;
    fn index(&self, v: NodeIx) -> &Node {
        &self.nodes[v]
    }
}

impl std::ops::IndexMut<NodeIx> for Tree {
    fn index_mut(&mut self, v: NodeIx) -> &mut Node {
        &mut self.nodes[v]
    }
}

impl Node {
    /// The places of its children.
    fn places(&self) -> std::ops::Range<usize> {
        let first = usize::from(self.first);
        first..first + usize::from(self.count)
    }

    /// Whether it has no parts, and so may have callers.
    pub(crate) fn is_leaf(&self) -> bool {
        self.count == 0
    }

    fn new(parent: NodeIx) -> Self {
        Self {
            parent: place(parent),
            first: 0,
            count: 0,
            weight: 1,
            reservation: Permits::ZERO,
            cap: None,
            protected: false,
            is_leaving: false,
            priority: Priority::Default,
            highest_priority: Priority::Critical,
            granted: Permits::ZERO,
            granted_next: Permits::ZERO,
            last: 0,
        }
    }
}

fn place(at: usize) -> Place {
    debug_assert!(at < usize::from(NOWHERE));
    Place::try_from(at).unwrap_or(NOWHERE)
}

impl Turn {
    /// Where nobody waited lately.
    const IDLE: Self =
        Self { account: PerPriority([Account::IDLE; 3]), group: PerPriority([Group::IDLE; 3]) };

    /// Whether anything below waits, in whatever priority.
    fn waits(&self) -> bool {
        self.account.0.iter().any(|account| account.waits)
    }
}

impl Tree {
    /// The root, which stands for the workspace.
    pub(crate) const ROOT: NodeIx = 0;

    /// A workspace without teams.
    pub(crate) fn new() -> Self {
        let nodes = vec![Node::new(Self::ROOT)];
        Self { nodes, children: Vec::new(), turns: Vec::new(), grants: 0, foreign: Permits::ZERO }
    }

    /// How many places there are, free ones included.
    pub(crate) fn places(&self) -> usize {
        self.nodes.len()
    }

    /// Makes room for so many teams and no more.
    pub(crate) fn reserve(&mut self, teams: usize) {
        self.nodes.reserve_exact((teams + 1).saturating_sub(self.nodes.len()));
        self.children.reserve_exact(teams.saturating_sub(self.children.len()));
    }

    /// What a node is part of: the root, too, is part of the root.
    pub(crate) fn parent(&self, v: NodeIx) -> NodeIx {
        usize::from(self[v].parent)
    }

    /// The parts of a node, in order of definition.
    pub(crate) fn children(&self, v: NodeIx) -> &[NodeIx] {
        &self.children[self.nodes[v].places()]
    }

    fn turn(&self, v: NodeIx) -> &Turn {
        self.turns.get(v).unwrap_or(&Turn::IDLE)
    }

    /// A node's place in one priority of its group.
    pub(crate) fn account(&self, v: NodeIx, c: Priority) -> &Account {
        &self.turn(v).account[c]
    }

    /// One priority of the group of a node's children.
    pub(crate) fn group(&self, v: NodeIx, c: Priority) -> &Group {
        &self.turn(v).group[c]
    }

    /// Whether any tag is kept.
    #[cfg(test)]
    pub(crate) fn has_tags(&self) -> bool {
        !self.turns.is_empty()
    }

    /// Whether anything below a node waits, in whatever priority.
    pub(crate) fn waits(&self, v: NodeIx) -> bool {
        self.turn(v).waits()
    }

    /// Adds a node behind its siblings. Its settings follow with [`Tree::configure`].
    pub(crate) fn add(&mut self, parent: NodeIx) -> NodeIx {
        let node = Node::new(parent);
        let v = self.nodes.iter().position(|node| node.parent == NOWHERE).unwrap_or(self.nodes.len());
        match self.nodes.get_mut(v) {
            Some(free) => *free = node,
            None => self.nodes.push(node),
        }
        if !self.turns.is_empty() {
            self.turns.resize(self.nodes.len(), Turn::IDLE);
            self.turns[v] = Turn::IDLE;
        }
        self.link(parent, v);
        v
    }

    /// Puts a child behind its siblings, and moves the children of later nodes.
    fn link(&mut self, parent: NodeIx, child: NodeIx) {
        if self.nodes[parent].is_leaf() {
            self.nodes[parent].first = place(self.children.len());
        }
        let at = self.nodes[parent].places().end;
        self.children.insert(at, child);
        self.nodes[parent].count += 1;
        for (v, node) in self.nodes.iter_mut().enumerate() {
            if v != parent && usize::from(node.first) >= at {
                node.first += 1;
            }
        }
    }

    fn unlink(&mut self, parent: NodeIx, child: NodeIx) {
        let Some(at) = self.children.iter().position(|&known| known == child) else { return };
        self.children.remove(at);
        self.nodes[parent].count -= 1;
        for node in &mut self.nodes {
            if usize::from(node.first) > at {
                node.first -= 1;
            }
        }
    }

    /// Removes a node without children that waits nowhere. Its place is kept for those who are left, until [`Tree::free`].
    pub(crate) fn remove(&mut self, v: NodeIx) {
        debug_assert!(!self.waits(v) && self[v].is_leaf());
        self.unlink(self.parent(v), v);
        self.nodes[v].parent = place(Self::ROOT);
        self.nodes[v].is_leaving = true;
    }

    /// The place of a removed node may be used again.
    pub(crate) fn free(&mut self, v: NodeIx) {
        self.nodes[v].parent = NOWHERE;
    }

    /// Settings of a team. A change of weight keeps its lag in permits.
    pub(crate) fn configure(&mut self, v: NodeIx, team: &TeamPolicy) {
        let (parent, old) = (self.parent(v), self[v].weight);
        for c in Priority::ALL {
            let virtual_time = self.group(parent, c).v;
            if let Some(turn) = self.turns.get_mut(v) {
                turn.account[c].reweigh(virtual_time, old, team.weight);
            }
        }
        let node = &mut self[v];
        node.weight = team.weight;
        node.reservation = team.reservation;
        node.cap = team.cap;
        node.protected = team.protected;
        node.priority = team.priority;
        node.highest_priority = team.highest_priority;
    }

    /// A node and its ancestors, the root excluded.
    pub(crate) fn path(&self, v: NodeIx) -> impl Iterator<Item = NodeIx> {
        std::iter::successors(Some(v), |&v| Some(self.parent(v))).take_while(|&v| v != Self::ROOT)
    }

    /// Changes a node and its ancestors, the root excluded.
    pub(crate) fn for_path(&mut self, mut v: NodeIx, mut change: impl FnMut(&mut Node)) {
        while v != Self::ROOT {
            change(&mut self.nodes[v]);
            v = self.parent(v);
        }
    }

    /// What is left under a node's own cap in this window.
    pub(crate) fn own_room(&self, v: NodeIx) -> Permits {
        let used = self[v].granted + self.foreign;
        self[v].cap.map_or(Permits::MAX, |cap| cap.less(used))
    }

    /// The same in the next window, of which `foreign` was granted by somebody else.
    pub(crate) fn own_room_next(&self, v: NodeIx, foreign: Permits) -> Permits {
        let used = self[v].granted_next + foreign;
        self[v].cap.map_or(Permits::MAX, |cap| cap.less(used))
    }

    /// What is left under all caps of a node's path in this window.
    pub(crate) fn room(&self, v: NodeIx) -> Permits {
        self.path(v).map(|v| self.own_room(v)).min().unwrap_or(Permits::MAX)
    }

    /// The least cap of a node's path.
    pub(crate) fn least_cap(&self, v: NodeIx) -> Permits {
        self.path(v).filter_map(|v| self[v].cap).min().unwrap_or(Permits::MAX)
    }

    /// Whether a child of `group` waits in that priority.
    pub(crate) fn is_contested(&self, group: NodeIx, c: Priority) -> bool {
        self.group(group, c).waiting > 0
    }

    fn regular_mean(&self, group: NodeIx, c: Priority) -> Mean {
        let mut mean = Mean::default();
        for &child in self.children(group) {
            let account = &self.turns[child].account[c];
            if account.is_regular() {
                mean.add(account.tag, self[child].weight);
            }
        }
        mean
    }

    /// Recomputes virtual time after a grant, a return or a leave.
    fn settle(&mut self, group: NodeIx, c: Priority) {
        let own = &mut self.turns[group].group[c];
        if own.waiting == 0 {
            own.epoch = own.epoch.wrapping_add(1);
            return;
        }
        let (mut mean, mut least_debt) = (Mean::default(), i64::MAX);
        for &child in self.children(group) {
            let account = &self.turns[child].account[c];
            if account.is_regular() {
                mean.add(account.tag, self[child].weight);
            } else if account.waits {
                least_debt = least_debt.min(account.tag);
            }
        }
        // Where nobody is left to pay back, virtual time jumps to the smallest debt.
        let v = if mean.is_empty() { least_debt } else { mean.floor() };
        self.turns[group].group[c].v = v;
        if least_debt <= v {
            self.forgive(group, c, v);
        }
    }

    /// Debts up to virtual time are paid.
    fn forgive(&mut self, group: NodeIx, c: Priority, v: i64) {
        for &child in &self.children[self.nodes[group].places()] {
            let account = &mut self.turns[child].account[c];
            if account.waits && account.foreign > 0 && account.tag <= v {
                account.foreign = 0;
            }
        }
    }

    /// A node begins or ceases to wait. A join does not move virtual time, so the order of joins does not matter.
    pub(crate) fn set_waiting(&mut self, v: NodeIx, c: Priority, waits: bool) {
        let parent = self.parent(v);
        if self.turns.is_empty() {
            self.turns = vec![Turn::IDLE; self.nodes.len()];
        }
        let group = self.turns[parent].group[c];
        if waits {
            self.turns[v].account[c].join(&group);
            self.turns[parent].group[c].waiting += 1;
        } else {
            self.turns[parent].group[c].waiting -= 1;
        }
        self.turns[v].account[c].waits = waits;
        if !waits {
            self.settle(parent, c);
        }
    }

    /// Puts `n` permits, given or taken back, on the account of every node of the path, in every priority in which
    /// somebody of its group waits. `holder` is the node whose reservation was used (the root: none): below it the team was
    /// chosen by tags.
    pub(crate) fn charge(&mut self, leaf: NodeIx, served: Priority, n: Permits, back: bool, holder: NodeIx) {
        let (mut v, mut by_tag) = (leaf, true);
        while v != Self::ROOT {
            by_tag &= v != holder;
            let node = &mut self[v];
            node.granted = if back { node.granted.less(n) } else { node.granted + n };
            let (parent, size) = (usize::from(node.parent), step(n, node.weight));
            for c in Priority::ALL {
                if self.is_contested(parent, c) {
                    self.charge_one(v, c, if back { -size } else { size }, by_tag && c == served);
                }
            }
            v = parent;
        }
        let mut v = leaf;
        while v != Self::ROOT {
            let parent = self.parent(v);
            for c in Priority::ALL {
                if self.is_contested(parent, c) {
                    self.settle(parent, c);
                }
            }
            v = parent;
        }
    }

    fn charge_one(&mut self, v: NodeIx, c: Priority, size: i64, may_be_in_turn: bool) {
        let parent = self.parent(v);
        let group = self.turns[parent].group[c];
        if !self.turns[v].account[c].waits {
            self.turns[v].account[c].join(&group);
        }
        let account = self.turns[v].account[c];
        let in_turn =
            may_be_in_turn && account.foreign == 0 && self.regular_mean(parent, c).reaches(account.tag);
        self.turns[v].account[c].charge(size, in_turn);
    }

    /// A window starts: debts and claims are bounded, and tags are rebased so that virtual time is 0 in every group. Where nobody
    /// waits, every busy period is over and no tag counts any more.
    pub(crate) fn bound(&mut self, budget: Permits, largest: Permits) {
        if self.turns.iter().any(Turn::waits) {
            self.bound_group(Self::ROOT, i64::from(budget) << 32, largest);
        } else {
            self.turns = Vec::new();
        }
    }

    fn bound_group(&mut self, group: NodeIx, share: i64, largest: Permits) {
        let children = self.children(group).to_vec();
        let active = |tree: &Self, v: NodeIx| if tree.waits(v) { i64::from(tree[v].weight) } else { 0 };
        let total: i64 = children.iter().map(|&child| active(self, child)).sum();
        for c in Priority::ALL {
            let before = self.turns[group].group[c];
            for &child in &children {
                let (weight, mine) = (i64::from(self[child].weight), active(self, child));
                let fair = share / (total - mine + weight);
                let request = step(largest, self[child].weight);
                self.turns[child].account[c].bound(&before, fair, request);
            }
            if self.is_contested(group, c) {
                self.settle(group, c);
            }
            self.rebase(group, c);
        }
        for child in children {
            let mine = active(self, child);
            if mine > 0 {
                self.bound_group(child, (share / total).saturating_mul(mine), largest);
            }
        }
    }

    fn rebase(&mut self, group: NodeIx, c: Priority) {
        let Group { v, epoch, .. } = self.turns[group].group[c];
        for &child in &self.children[self.nodes[group].places()] {
            let account = &mut self.turns[child].account[c];
            if account.epoch == epoch {
                account.tag -= v;
            }
        }
        self.turns[group].group[c].v = 0;
    }

    /// The reservations below a node, or its own where that is more.
    pub(crate) fn reserved(&self, v: NodeIx) -> u64 {
        let below: u64 = self.children(v).iter().map(|&child| self.reserved(child)).sum();
        below.max(u64::from(self[v].reservation))
    }
}
