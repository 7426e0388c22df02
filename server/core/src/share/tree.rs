//! The tree of teams: parents, weights, caps, reservations, and what each was granted in this window and the next.
//! Knows nothing of requests.

use crate::permits::Permits;
use crate::policy::TeamPolicy;
use crate::priority::{Priority, PriorityRule};
use std::ops::{Index, IndexMut, Range};

/// A node of the tree. Policy bounds how many teams there are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct NodeIx(u16);

impl NodeIx {
    /// The root, which stands for the workspace.
    pub(crate) const ROOT: Self = Self(0);
    /// No node.
    pub(crate) const NONE: Self = Self(u16::MAX);

    /// The node at a place of the list of nodes.
    pub(crate) fn new(place: usize) -> Self {
        let v = u16::try_from(place).map_or(Self::NONE, Self);
        debug_assert!(v != Self::NONE, "a tree of more than {place} nodes");
        v
    }

    /// Its place in the list of nodes.
    #[inline]
    pub(crate) fn place(self) -> usize {
        usize::from(self.0)
    }
}

/// A team, or the root.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// [`NodeIx::NONE`]: the place is free.
    parent: NodeIx,
    /// Where its children begin in the list of all children, and how many they are.
    first: u16,
    count: u16,
    pub(crate) protected: bool,
    /// It was removed, and requests or callers of it are left.
    pub(crate) is_removed: bool,
    pub(crate) priority: Priority,
    pub(crate) highest_priority: Priority,
    pub(crate) weight: u32,
    pub(crate) reservation: Permits,
    pub(crate) cap: Option<Permits>,
    /// Net grants in this window, everything below included.
    pub(crate) granted: Permits,
    /// The same in the next window: edge permits.
    pub(crate) granted_next: Permits,
    /// The number of the last grant below it: the least recently served wins a tie.
    pub(crate) last_grant: u64,
}

/// All teams of a workspace. A removed team leaves a free place.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// The children of all nodes, those of one node together and in order of definition.
    children: Vec<NodeIx>,
    /// Granted in this window by another process, before this one served the workspace. Counts against every cap.
    pub(crate) granted_elsewhere: Permits,
}

impl Index<NodeIx> for Tree {
    type Output = Node;
    fn index(&self, v: NodeIx) -> &Node {
        &self.nodes[v.place()]
    }
}

impl IndexMut<NodeIx> for Tree {
    fn index_mut(&mut self, v: NodeIx) -> &mut Node {
        &mut self.nodes[v.place()]
    }
}

impl Node {
    /// The places of its children.
    fn places(&self) -> Range<usize> {
        let first = usize::from(self.first);
        first..first + usize::from(self.count)
    }

    /// Whether it has no parts, and so may have callers.
    pub(crate) fn is_leaf(&self) -> bool {
        self.count == 0
    }

    fn new(parent: NodeIx) -> Self {
        Self {
            parent,
            first: 0,
            count: 0,
            weight: 1,
            reservation: Permits::ZERO,
            cap: None,
            protected: false,
            is_removed: false,
            priority: Priority::Default,
            highest_priority: Priority::Critical,
            granted: Permits::ZERO,
            granted_next: Permits::ZERO,
            last_grant: 0,
        }
    }

    /// What is left under its own cap where so much counts against it.
    fn room(&self, used: Permits) -> Permits {
        self.cap.map_or(Permits::MAX, |cap| cap.less(used))
    }
}

impl Tree {
    /// A workspace without teams.
    pub(crate) fn new() -> Self {
        let nodes = vec![Node::new(NodeIx::ROOT)];
        Self { nodes, children: Vec::new(), granted_elsewhere: Permits::ZERO }
    }

    /// How many places there are, free ones included.
    pub(crate) fn places(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes of all places, free ones included.
    pub(crate) fn all(&self) -> impl Iterator<Item = NodeIx> + use<> {
        (0..self.nodes.len()).map(NodeIx::new)
    }

    /// Reserves memory for so many teams and no more.
    pub(crate) fn reserve(&mut self, teams: usize) {
        self.nodes.reserve_exact((teams + 1).saturating_sub(self.nodes.len()));
        self.children.reserve_exact(teams.saturating_sub(self.children.len()));
    }

    /// What a node is part of: the root, too, is part of the root.
    #[inline]
    pub(crate) fn parent(&self, v: NodeIx) -> NodeIx {
        self[v].parent
    }

    /// The parts of a node, in order of definition.
    #[inline]
    pub(crate) fn children(&self, v: NodeIx) -> &[NodeIx] {
        &self.children[self[v].places()]
    }

    /// Everything below a node, each before its parts.
    pub(crate) fn below(&self, v: NodeIx) -> Vec<NodeIx> {
        let parts = self.children(v).iter();
        parts.flat_map(|&child| std::iter::once(child).chain(self.below(child))).collect()
    }

    /// Adds a node behind its siblings. Its settings follow with [`Tree::configure`].
    pub(crate) fn add(&mut self, parent: NodeIx) -> NodeIx {
        let node = Node::new(parent);
        let free = self.nodes.iter().position(|node| node.parent == NodeIx::NONE);
        let v = NodeIx::new(free.unwrap_or(self.nodes.len()));
        match self.nodes.get_mut(v.place()) {
            Some(free) => *free = node,
            None => self.nodes.push(node),
        }
        self.link(parent, v);
        v
    }

    /// Puts a child behind its siblings, and moves the children of later nodes.
    fn link(&mut self, parent: NodeIx, child: NodeIx) {
        if self[parent].is_leaf() {
            self[parent].first = NodeIx::new(self.children.len()).0;
        }
        let at = self[parent].places().end;
        self.children.insert(at, child);
        self[parent].count += 1;
        for (v, node) in self.nodes.iter_mut().enumerate() {
            if v != parent.place() && usize::from(node.first) >= at {
                node.first += 1;
            }
        }
    }

    fn unlink(&mut self, parent: NodeIx, child: NodeIx) {
        let Some(at) = self.children.iter().position(|&known| known == child) else { return };
        self.children.remove(at);
        self[parent].count -= 1;
        for node in &mut self.nodes {
            if usize::from(node.first) > at {
                node.first -= 1;
            }
        }
    }

    /// Removes a node without children. Its place is not used again before [`Tree::free`].
    pub(crate) fn remove(&mut self, v: NodeIx) {
        debug_assert!(self[v].is_leaf());
        self.unlink(self.parent(v), v);
        self[v].parent = NodeIx::ROOT;
        self[v].is_removed = true;
    }

    /// The place of a removed node may be used again.
    pub(crate) fn free(&mut self, v: NodeIx) {
        self[v].parent = NodeIx::NONE;
    }

    /// Applies the settings of a team.
    pub(crate) fn configure(&mut self, v: NodeIx, team: &TeamPolicy) {
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
        std::iter::successors(Some(v), |&v| Some(self.parent(v))).take_while(|&v| v != NodeIx::ROOT)
    }

    /// Changes a node and its ancestors, the root excluded.
    pub(crate) fn for_path(&mut self, mut v: NodeIx, mut change: impl FnMut(&mut Node)) {
        while v != NodeIx::ROOT {
            change(&mut self[v]);
            v = self.parent(v);
        }
    }

    /// What is left under a node's own cap in this window.
    #[inline]
    pub(crate) fn own_room(&self, v: NodeIx) -> Permits {
        self[v].room(self[v].granted + self.granted_elsewhere)
    }

    /// The same in the next window, of which another process granted `elsewhere`.
    pub(crate) fn own_room_next(&self, v: NodeIx, elsewhere: Permits) -> Permits {
        self[v].room(self[v].granted_next + elsewhere)
    }

    /// What is left under all caps of a node's path in this window.
    pub(crate) fn room(&self, v: NodeIx) -> Permits {
        self.path(v).map(|v| self.own_room(v)).min().unwrap_or(Permits::MAX)
    }

    /// The least cap of a node's path.
    pub(crate) fn least_cap(&self, v: NodeIx) -> Permits {
        self.path(v).filter_map(|v| self[v].cap).min().unwrap_or(Permits::MAX)
    }

    /// The reservations below a node, or its own where that is more.
    pub(crate) fn reserved(&self, v: NodeIx) -> u64 {
        let below: u64 = self.children(v).iter().map(|&child| self.reserved(child)).sum();
        below.max(u64::from(self[v].reservation))
    }

    /// What a team makes of priorities: its own for a request that names none, and the least urgent of the highest ones along its
    /// path.
    pub(crate) fn priority_rule(&self, team: NodeIx) -> PriorityRule {
        let highest = self.path(team).map(|v| self[v].highest_priority).max().unwrap_or_default();
        PriorityRule { usual: self[team].priority, highest }
    }

    /// A window starts: what edge permits took of it counts in it.
    pub(crate) fn roll(&mut self, granted_elsewhere: Permits) {
        self.granted_elsewhere = granted_elsewhere;
        for node in &mut self.nodes {
            node.granted = std::mem::take(&mut node.granted_next);
        }
    }
}
