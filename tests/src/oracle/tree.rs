//! The tree of teams, and what each node remembers. The root is node 0, team k of the policy is node k + 1.

use apportion_core::policy::{Policy, TeamPolicy};
use std::collections::VecDeque;

/// How many priorities there are.
pub(super) const PRIORITIES: usize = 3;
/// The node above all teams.
pub(super) const ROOT: usize = 0;

/// One grant of the open window.
#[derive(Clone)]
pub(super) struct OpenLease {
    pub(super) permits: i128,
    pub(super) priority: usize,
    /// The node whose reservation was used; the root: none.
    pub(super) holder: usize,
    /// Also charged to the next window.
    pub(super) is_edge: bool,
    /// The window by the clock in which it was granted.
    pub(super) by_clock: u32,
}

/// A team, or the root: what it is granted and expected to ask for, and its place in the order among its siblings.
#[derive(Clone, Default)]
pub(super) struct Node {
    pub(super) weight: i128,
    pub(super) reservation: i128,
    pub(super) cap: Option<i128>,
    pub(super) is_protected: bool,
    /// The priority of requests that name none, and the most urgent that is allowed.
    pub(super) usual: usize,
    pub(super) highest: usize,
    /// Net grants of this window, whole subtree.
    pub(super) granted: i128,
    /// Net grants of the next window, whole subtree.
    pub(super) granted_next: i128,
    /// The number of the last grant below it; breaks ties.
    pub(super) last: u64,
    /// Leaf: one FIFO of batches for each priority, and the permits in it.
    pub(super) queue: [VecDeque<usize>; PRIORITIES],
    pub(super) queued: [i128; PRIORITIES],
    pub(super) leases: VecDeque<OpenLease>,
    /// Leaf: net grants of this window.
    pub(super) won: [i128; PRIORITIES],
    /// Leaf: net grants of the next one: edge permits.
    pub(super) won_next: [i128; PRIORITIES],
    /// Leaf: whether it was cut short in this window.
    pub(super) short: [bool; PRIORITIES],
    /// Leaf: what it is expected to ask for.
    pub(super) expected: [i128; PRIORITIES],
    /// Leaf: whether it was cut short in the window before, so that what is expected is its whole share.
    pub(super) was_short: [bool; PRIORITIES],
    /// In its parent's group: whether it waits.
    pub(super) waits: [bool; PRIORITIES],
    pub(super) tag: [i128; PRIORITIES],
    /// The part of the tag that was charged for service out of turn.
    pub(super) debt: [i128; PRIORITIES],
    /// The busy period of the group in which its tag was set.
    pub(super) period: [u64; PRIORITIES],
    /// As a parent: the virtual time of its children.
    pub(super) time: [i128; PRIORITIES],
    /// As a parent: how often none of its children waited any more.
    pub(super) group_period: [u64; PRIORITIES],
}

impl Node {
    fn new(team: &TeamPolicy) -> Self {
        Self {
            weight: i128::from(team.weight),
            reservation: i128::from(team.reservation.get()),
            cap: team.cap.map(|cap| i128::from(cap.get())),
            is_protected: team.protected,
            usual: team.priority.index(),
            highest: team.highest_priority.index(),
            ..Self::default()
        }
    }

    /// What its own cap leaves; none: no cap.
    pub(super) fn own_room(&self) -> Option<i128> {
        self.cap.map(|cap| cap - self.granted)
    }

    pub(super) fn waits_anywhere(&self) -> bool {
        self.waits.contains(&true)
    }
}

/// All nodes and how they hang together.
#[derive(Clone)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) parent: Vec<usize>,
    pub(super) children: Vec<Vec<usize>>,
    /// From a node up to the one below the root.
    pub(super) path: Vec<Vec<usize>>,
    /// The leaves below a node, itself if it is one.
    pub(super) leaves: Vec<Vec<usize>>,
}

impl Tree {
    pub(super) fn new(policy: &Policy) -> Self {
        let teams = &policy.teams;
        let place = |id| 1 + teams.iter().position(|team| &team.id == id).expect("a parent is a team");
        let mut parent = vec![ROOT];
        parent.extend(teams.iter().map(|team| team.parent.as_ref().map_or(ROOT, place)));
        let mut children = vec![Vec::new(); parent.len()];
        for node in 1..parent.len() {
            children[parent[node]].push(node);
        }
        let nodes = std::iter::once(Node::default()).chain(teams.iter().map(Node::new)).collect();
        let path = (0..parent.len()).map(|node| path(&parent, node)).collect();
        let leaves = (0..parent.len()).map(|node| leaves(&children, node)).collect();
        Self { nodes, parent, children, path, leaves }
    }

    /// What the caps of the path leave; none: no cap.
    pub(super) fn room(&self, leaf: usize) -> Option<i128> {
        self.path[leaf].iter().filter_map(|&v| self.nodes[v].own_room()).min()
    }

    pub(super) fn caps(&self, leaf: usize) -> impl Iterator<Item = i128> {
        self.path[leaf].iter().filter_map(|&v| self.nodes[v].cap)
    }

    /// The children of a group that wait in a priority.
    pub(super) fn waiting(&self, group: usize, c: usize) -> impl Iterator<Item = usize> + Clone {
        self.children[group].iter().copied().filter(move |&ch| self.nodes[ch].waits[c])
    }

    /// The children of a group that wait in a priority and have no debt.
    pub(super) fn regular(&self, group: usize, c: usize) -> impl Iterator<Item = usize> + Clone {
        self.waiting(group, c).filter(move |&ch| self.nodes[ch].debt[c] == 0)
    }

    /// What a subtree reserves: nested reservations do not add up.
    pub(super) fn reserved(&self, v: usize) -> i128 {
        let below = self.children[v].iter().map(|&ch| self.reserved(ch)).sum();
        self.nodes[v].reservation.max(below)
    }

    pub(super) fn close_window(&mut self) {
        for node in &mut self.nodes {
            node.granted = std::mem::take(&mut node.granted_next);
            node.leases.clear();
        }
    }

    pub(super) fn forget_demand(&mut self) {
        for node in &mut self.nodes {
            node.won = std::mem::take(&mut node.won_next);
            node.was_short = std::mem::take(&mut node.short);
        }
    }
}

fn path(parent: &[usize], node: usize) -> Vec<usize> {
    std::iter::successors(Some(node), |&v| Some(parent[v])).take_while(|&v| v != ROOT).collect()
}

fn leaves(children: &[Vec<usize>], node: usize) -> Vec<usize> {
    if children[node].is_empty() {
        return vec![node];
    }
    children[node].iter().flat_map(|&ch| leaves(children, ch)).collect()
}
