//! The edge of a window: who may be granted a permit that is charged to the next one, too.

use super::{Oracle, PRIORITIES};
use apportion_core::priority::Priority;

/// The expected demand of the next window: of each node and priority how much, and whether that is its whole share. Divided out of
/// a budget.
#[derive(Clone)]
pub(super) struct Ahead {
    budget: i128,
    expected: Vec<([i128; PRIORITIES], [bool; PRIORITIES])>,
}

/// Whether the window that opens on a copy would grant that; no copy: there is no edge.
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
        self.open() || self.has_edges(c)
    }

    /// Divides the expected demand of the next window when somebody waits at the edge of this one. Whether anybody may be
    /// granted anything there.
    pub(super) fn look_ahead(&mut self) -> bool {
        let waits = self.tree.nodes.iter().any(|node| node.queue.iter().any(|queue| !queue.is_empty()));
        if !waits || !(0..PRIORITIES).any(|c| self.has_edges(c)) {
            return false;
        }
        if self.ahead.as_ref().is_none_or(|ahead| ahead.budget != self.next_budget) {
            let next = self.rolled();
            let expected = next.tree.nodes.iter().map(|node| (node.expected, node.was_short)).collect();
            self.ahead = Some(Ahead { budget: self.next_budget, expected });
        }
        true
    }

    /// The next window at its opening; none while this one is open.
    pub(super) fn opening(&self) -> Option<Self> {
        if self.open() {
            return None;
        }
        let mut next = self.rolled();
        for (node, divided) in next.tree.nodes.iter_mut().zip(&self.ahead.as_ref()?.expected) {
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

    /// What a request of a leaf could be granted at this edge at the most.
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
