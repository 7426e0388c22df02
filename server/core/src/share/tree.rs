//! The tree of teams: weights, caps, reservations, what each was granted in this window, and the tags of every group.
//!
//! Groups are small next to the callers below them, so a group is simply looked through.

use crate::permits::Permits;
use crate::policy::TeamPolicy;
use crate::priority::{PerPriority, Priority};
use crate::share::tag::{Account, Group, Mean, step};

/// A node of the tree.
pub(crate) type NodeIx = usize;

/// A team, or the root.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) parent: NodeIx,
    pub(crate) children: Vec<NodeIx>,
    pub(crate) weight: u32,
    pub(crate) reservation: Permits,
    pub(crate) cap: Option<Permits>,
    pub(crate) protected: bool,
    pub(crate) priority: Priority,
    pub(crate) highest_priority: Priority,
    /// Net grants in this window, everything below included.
    pub(crate) granted: Permits,
    /// The same in the next window: edge permits.
    pub(crate) granted_next: Permits,
    /// The number of the last grant below it: the least recently served wins a tie.
    pub(crate) last: u64,
    /// Its place in each priority of its group.
    pub(crate) account: PerPriority<Account>,
    /// The group of its children.
    pub(crate) group: PerPriority<Group>,
}

/// All teams of a workspace. A removed team leaves a free place.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    free: Vec<NodeIx>,
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
    fn new(parent: NodeIx) -> Self {
        Self {
            parent,
            children: Vec::new(),
            weight: 1,
            reservation: Permits::ZERO,
            cap: None,
            protected: false,
            priority: Priority::Default,
            highest_priority: Priority::Critical,
            granted: Permits::ZERO,
            granted_next: Permits::ZERO,
            last: 0,
            account: PerPriority::default(),
            group: PerPriority::default(),
        }
    }

    /// Whether anything below waits, in whatever priority.
    pub(crate) fn waits(&self) -> bool {
        self.account.0.iter().any(|account| account.waits)
    }
}

impl Tree {
    /// The root, which stands for the workspace.
    pub(crate) const ROOT: NodeIx = 0;

    /// A workspace without teams.
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::new(Self::ROOT)], free: Vec::new(), grants: 0, foreign: Permits::ZERO }
    }

    /// How many places there are, free ones included.
    pub(crate) fn places(&self) -> usize {
        self.nodes.len()
    }

    /// Makes room for so many teams and no more.
    pub(crate) fn reserve(&mut self, teams: usize) {
        self.nodes.reserve_exact((teams + 1).saturating_sub(self.nodes.len()));
    }

    /// Adds a node behind its siblings. Its settings follow with [`Tree::configure`].
    pub(crate) fn add(&mut self, parent: NodeIx) -> NodeIx {
        let node = Node::new(parent);
        let v = match self.free.pop() {
            Some(v) => {
                self.nodes[v] = node;
                v
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        };
        self.nodes[parent].children.push(v);
        v
    }

    /// Removes a node without children that waits nowhere.
    pub(crate) fn remove(&mut self, v: NodeIx) {
        debug_assert!(!self[v].waits() && self[v].children.is_empty());
        let parent = self[v].parent;
        self[parent].children.retain(|&child| child != v);
        self.free.push(v);
    }

    /// Settings of a team. A change of weight keeps its lag in permits.
    pub(crate) fn configure(&mut self, v: NodeIx, team: &TeamPolicy) {
        let parent = self[v].parent;
        for c in Priority::ALL {
            let (virtual_time, old) = (self[parent].group[c].v, self[v].weight);
            self[v].account[c].reweigh(virtual_time, old, team.weight);
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
        std::iter::successors(Some(v), |&v| Some(self[v].parent)).take_while(|&v| v != Self::ROOT)
    }

    /// Changes a node and its ancestors, the root excluded.
    pub(crate) fn for_path(&mut self, mut v: NodeIx, mut change: impl FnMut(&mut Node)) {
        while v != Self::ROOT {
            change(&mut self.nodes[v]);
            v = self.nodes[v].parent;
        }
    }

    /// What is left under a node's own cap in this window.
    pub(crate) fn own_room(&self, v: NodeIx) -> Permits {
        let used = self[v].granted + self.foreign;
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
        self[group].group[c].waiting > 0
    }

    fn regular_mean(&self, group: NodeIx, c: Priority) -> Mean {
        let mut mean = Mean::default();
        for &child in &self[group].children {
            let node = &self[child];
            if node.account[c].is_regular() {
                mean.add(node.account[c].tag, node.weight);
            }
        }
        mean
    }

    /// Recomputes virtual time after a grant, a return or a leave.
    fn settle(&mut self, group: NodeIx, c: Priority) {
        if !self.is_contested(group, c) {
            self[group].group[c].epoch = self[group].group[c].epoch.wrapping_add(1);
            return;
        }
        let (mut mean, mut least_debt) = (Mean::default(), i64::MAX);
        for &child in &self[group].children {
            let node = &self[child];
            let account = &node.account[c];
            if account.is_regular() {
                mean.add(account.tag, node.weight);
            } else if account.waits {
                least_debt = least_debt.min(account.tag);
            }
        }
        // Where nobody is left to pay back, virtual time jumps to the smallest debt.
        let v = if mean.is_empty() { least_debt } else { mean.floor() };
        self[group].group[c].v = v;
        if least_debt <= v {
            self.forgive(group, c, v);
        }
    }

    /// Debts up to virtual time are paid.
    fn forgive(&mut self, group: NodeIx, c: Priority, v: i64) {
        for at in 0..self[group].children.len() {
            let child = self[group].children[at];
            let account = &mut self[child].account[c];
            if account.waits && account.foreign > 0 && account.tag <= v {
                account.foreign = 0;
            }
        }
    }

    /// A node begins or ceases to wait. A join does not move virtual time, so the order of joins does not matter.
    pub(crate) fn set_waiting(&mut self, v: NodeIx, c: Priority, waits: bool) {
        let parent = self[v].parent;
        let group = self[parent].group[c];
        if waits {
            self[v].account[c].join(&group);
            self[parent].group[c].waiting += 1;
        } else {
            self[parent].group[c].waiting -= 1;
        }
        self[v].account[c].waits = waits;
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
            let (parent, size) = (node.parent, step(n, node.weight));
            for c in Priority::ALL {
                if self.is_contested(parent, c) {
                    self.charge_one(v, c, if back { -size } else { size }, by_tag && c == served);
                }
            }
            v = parent;
        }
        let mut v = leaf;
        while v != Self::ROOT {
            let parent = self[v].parent;
            for c in Priority::ALL {
                if self.is_contested(parent, c) {
                    self.settle(parent, c);
                }
            }
            v = parent;
        }
    }

    fn charge_one(&mut self, v: NodeIx, c: Priority, size: i64, may_be_in_turn: bool) {
        let parent = self[v].parent;
        let group = self[parent].group[c];
        if !self[v].account[c].waits {
            self[v].account[c].join(&group);
        }
        let account = self[v].account[c];
        let in_turn =
            may_be_in_turn && account.foreign == 0 && self.regular_mean(parent, c).reaches(account.tag);
        self[v].account[c].charge(size, in_turn);
    }

    /// A window starts: debts and claims are bounded, and tags are rebased so that virtual time is 0 in every group.
    pub(crate) fn bound(&mut self, budget: Permits, largest: Permits) {
        self.bound_group(Self::ROOT, i64::from(budget) << 32, largest);
    }

    fn bound_group(&mut self, group: NodeIx, share: i64, largest: Permits) {
        let children = self[group].children.clone();
        let active = |tree: &Self, v: NodeIx| if tree[v].waits() { i64::from(tree[v].weight) } else { 0 };
        let total: i64 = children.iter().map(|&child| active(self, child)).sum();
        for c in Priority::ALL {
            let before = self[group].group[c];
            for &child in &children {
                let (weight, mine) = (i64::from(self[child].weight), active(self, child));
                let fair = share / (total - mine + weight);
                let request = step(largest, self[child].weight);
                self[child].account[c].bound(&before, fair, request);
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
        let Group { v, epoch, .. } = self[group].group[c];
        for at in 0..self[group].children.len() {
            let child = self[group].children[at];
            let account = &mut self[child].account[c];
            if account.epoch == epoch {
                account.tag -= v;
            }
        }
        self[group].group[c].v = 0;
    }

    /// The reservations below a node, or its own where that is more.
    pub(crate) fn reserved(&self, v: NodeIx) -> u64 {
        let below: u64 = self[v].children.iter().map(|&child| self.reserved(child)).sum();
        below.max(u64::from(self[v].reservation))
    }
}
