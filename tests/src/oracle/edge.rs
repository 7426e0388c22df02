//! The edge of a window: which requests may be granted permits that are charged to the next window, too.

use apportion_core::priority::Priority;

use super::state::{NextDemand, Oracle};
use super::tree::PRIORITIES;

/// Whether the next window, which has opened on a copy, would grant that; no copy: this window is still open.
pub(super) fn opens_for(opening: Option<&Oracle<'_>>, leaf: usize, c: usize, n: i128) -> bool {
    let Some(next) = opening else { return true };
    let at_its_opening = || next.tree.path[leaf].iter().any(|&v| next.owed(v)) || next.fits(leaf, c, n, true);
    let is_named = next.policy.edge[Priority::ALL[c]];
    n <= next.left && next.below_caps(leaf, n) && (is_named || at_its_opening())
}

impl Oracle<'_> {
    fn has_edges(&self, c: usize) -> bool {
        self.policy.has_edges(Priority::ALL[c])
    }

    /// Whether a priority is served now.
    pub(super) fn is_served(&self, c: usize) -> bool {
        self.is_open() || self.has_edges(c)
    }

    /// Divides the expected demand of the next window while requests wait at the edge of this one. Whether anything may be granted
    /// there.
    pub(super) fn look_ahead(&mut self) -> bool {
        let waits = self.tree.nodes.iter().any(|node| node.queue.iter().any(|queue| !queue.is_empty()));
        if !waits || !(0..PRIORITIES).any(|c| self.has_edges(c)) {
            return false;
        }
        if self.next_demand.as_ref().is_none_or(|divided| divided.budget != self.next_budget) {
            let next = self.rolled();
            let expected = next.tree.nodes.iter().map(|node| (node.expected, node.was_short)).collect();
            self.next_demand = Some(NextDemand { budget: self.next_budget, expected });
        }
        true
    }

    /// The next window at its opening; none while this one is open.
    pub(super) fn opening(&self) -> Option<Self> {
        if self.is_open() {
            return None;
        }
        let mut next = self.rolled();
        for (node, divided) in next.tree.nodes.iter_mut().zip(&self.next_demand.as_ref()?.expected) {
            (node.expected, node.was_short) = *divided;
        }
        Some(next)
    }

    /// A copy for which the next window has just opened, as things are now.
    fn rolled(&self) -> Self {
        let mut next = Self { log: Vec::new(), timeline: [].into(), ..self.clone() };
        next.now = self.next_opening();
        next.roll();
        next
    }

    /// A grant counts as won: an edge permit in the next window, and as charged to both.
    pub(super) fn win(&mut self, leaf: usize, c: usize, n: i128, edge: bool) {
        if !edge {
            self.tree.nodes[leaf].won[c] += n;
            return;
        }
        self.tree.nodes[leaf].won_next[c] += n;
        for v in self.tree.path[leaf].clone() {
            self.tree.nodes[v].granted_next += n;
        }
    }

    /// The most that a request of a leaf could be granted at this edge.
    pub(super) fn room_at_the_edge(&self, leaf: usize) -> i128 {
        let charged: i128 = self.tree.nodes.iter().flat_map(|node| node.won_next).sum();
        let left = self.left.min(self.next_budget - charged);
        let next = |v: &usize| {
            let node = &self.tree.nodes[*v];
            node.cap.map(|cap| cap - node.granted_next)
        };
        let room = self.tree.path[leaf].iter().filter_map(next).chain(self.tree.room(leaf));
        room.fold(left, i128::min)
    }
}
