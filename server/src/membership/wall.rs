//! Whether this node's wall clock is right, judged by the clocks of all nodes: their median is.
//!
//! A record says what its writer's clock showed when it was written. It arrives late, never early, so of several records the one
//! that puts the writer's clock furthest ahead is the nearest to the truth. A clock that has not been compared yet, because its node
//! has just joined or the clock has just stepped, is not known to be right: the node takes no shard until it is.

use apportion_core::ids::NodeId;
use std::collections::{BTreeMap, VecDeque};

/// How many records of each node count.
const RECORDS: usize = 4;
/// How much later than the clock error a record may arrive, in milliseconds.
const TRANSIT_MS: i64 = 50;
/// With how many other clocks one is compared before it is known to be right, where there are so many: of two alone, none is wrong.
const COMPARED: usize = 2;

/// What the other nodes' clocks showed against this one's.
#[derive(Debug)]
pub(super) struct WallCheck {
    error_ms: i64,
    ahead_ms: BTreeMap<NodeId, VecDeque<i64>>,
    has_been_right: bool,
}

impl WallCheck {
    /// A check that takes clocks for right that are within this error.
    pub(super) fn new(error_ms: i64) -> Self {
        Self { error_ms, ahead_ms: BTreeMap::new(), has_been_right: false }
    }

    /// A record of another node arrived.
    pub(super) fn arrived(&mut self, node: &NodeId, its_wall_ms: i64, wall_ms: i64) {
        let ahead = self.ahead_ms.entry(node.clone()).or_default();
        if ahead.len() == RECORDS {
            ahead.pop_front();
        }
        ahead.push_back(its_wall_ms.saturating_sub(wall_ms));
    }

    /// A node is gone.
    pub(super) fn forget(&mut self, node: &NodeId) {
        self.ahead_ms.remove(node);
    }

    /// This node's clock stepped: what others showed against it counts no more.
    pub(super) fn stepped(&mut self) {
        self.ahead_ms.clear();
        self.has_been_right = false;
    }

    /// Whether this clock may be granted on, where there are so many other nodes: once it was known to be right it is, until it is found
    /// to be wrong.
    pub(super) fn is_right(&mut self, others: usize) -> bool {
        let has_compared = self.ahead_ms.len() >= others.min(COMPARED);
        self.has_been_right |= has_compared && self.is_within(self.off_by(1));
        self.has_been_right && !self.is_wrong()
    }

    /// How far this clock is ahead of the median of all clocks, its own included.
    pub(super) fn off_ms(&self) -> i64 {
        self.off_by(RECORDS)
    }

    /// The same, by the nodes of which so many records have arrived.
    fn off_by(&self, least: usize) -> i64 {
        let furthest = self.ahead_ms.values().filter(|records| records.len() >= least);
        let mut all: Vec<i64> = furthest.filter_map(|records| records.iter().max().copied()).collect();
        all.push(0);
        all.sort_unstable();
        // Of two in the middle, the nearer one: two clocks that differ do not tell which one is right.
        let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
        let median = if low.unsigned_abs() <= high.unsigned_abs() { low } else { high };
        median.saturating_neg()
    }

    /// Whether this clock is further off than leases allow for.
    pub(super) fn is_wrong(&self) -> bool {
        !self.is_within(self.off_ms())
    }

    fn is_within(&self, off_ms: i64) -> bool {
        off_ms.saturating_abs() <= self.error_ms.saturating_add(TRANSIT_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: usize) -> NodeId {
        NodeId::new(&format!("n{number}")).expect("a name")
    }

    /// The check of a node among others whose clocks are so far ahead of its own, each with a record that came so late.
    fn check(others_ahead_ms: &[i64], late_ms: i64) -> WallCheck {
        let mut check = WallCheck::new(100);
        for (number, ahead) in others_ahead_ms.iter().enumerate() {
            let node = node(number);
            for late in [late_ms, 2_000, late_ms, 500] {
                check.arrived(&node, 1_000_000 + ahead, 1_000_000 + late);
            }
        }
        check
    }

    #[test]
    fn the_one_clock_that_differs_is_wrong_and_the_others_are_right() {
        for off in [-5_000, -200, 200, 5_000] {
            let (wrong, right) = (check(&[-off, -off], 20), check(&[off, 0], 20));
            assert_eq!((wrong.is_wrong(), right.is_wrong()), (true, false), "{off}");
            assert!((wrong.off_ms() - off).abs() <= 20, "{}", wrong.off_ms());
        }
    }

    #[test]
    fn clocks_within_the_error_and_records_that_come_late_are_right() {
        for off in [-80, 0, 80] {
            assert!(!check(&[-off, -off], 40).is_wrong(), "{off}");
        }
    }

    #[test]
    fn two_clocks_do_not_tell_which_of_them_is_wrong() {
        assert!(!check(&[5_000], 0).is_wrong());
        assert!(!check(&[], 0).is_wrong());
    }

    #[test]
    fn a_clock_is_right_once_two_others_say_so_and_not_before() {
        let mut alone = WallCheck::new(100);
        assert!(alone.is_right(0), "there is nobody to ask");
        for (ahead, late) in [(0, 20), (80, 20), (-80, 20)] {
            let mut new = WallCheck::new(100);
            assert!(!new.is_right(2));
            new.arrived(&node(0), 1_000 + ahead, 1_000 + late);
            assert!(!new.is_right(2), "one clock of two");
            new.arrived(&node(1), 1_000 + ahead, 1_000 + late);
            assert!(new.is_right(2), "{ahead} {late}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_never_right_and_late_records_only_delay_the_answer() {
        for off in [-5_000, -200, 200, 5_000] {
            let mut wrong = check(&[-off, -off], 20);
            assert!(!wrong.is_right(2), "{off}");
        }
        let mut late = WallCheck::new(100);
        for arrives_after in [900, 20] {
            assert!(!late.is_right(2));
            (0..2).for_each(|other| late.arrived(&node(other), 1_000, 1_000 + arrives_after));
        }
        assert!(late.is_right(2));
    }

    #[test]
    fn a_clock_that_stepped_is_compared_anew_and_a_node_that_joins_unsettles_nobody() {
        let mut check = check(&[0, 0], 20);
        assert!(check.is_right(2) && check.is_right(3));
        check.stepped();
        assert!(!check.is_right(2));
        (0..2).for_each(|other| check.arrived(&node(other), 6_000, 1_000));
        assert!(!check.is_right(2), "it stepped to a wrong time");
    }

    #[test]
    fn a_node_that_is_gone_and_one_that_said_little_do_not_count() {
        let mut check = check(&[5_000, 5_000], 0);
        check.forget(&NodeId::new("n0").expect("a name"));
        assert!(!check.is_wrong());
        let mut new = WallCheck::new(100);
        for name in ["a", "b"] {
            new.arrived(&NodeId::new(name).expect("a name"), 0, i64::MAX);
        }
        assert_eq!((new.off_ms(), new.is_wrong()), (0, false));
    }
}
