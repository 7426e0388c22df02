//! Whether this node's wall clock is right, judged by the clocks of all nodes: their median is.
//!
//! A record says what its writer's clock showed when it was written. It arrives late, never early, so of several records the one
//! that puts the writer's clock furthest ahead is the nearest to the truth.

use apportion_core::ids::NodeId;
use std::collections::{BTreeMap, VecDeque};

/// How many records of each node count.
const RECORDS: usize = 4;
/// How much later than the clock error a record may arrive, in milliseconds.
const TRANSIT_MS: i64 = 50;

/// What the other nodes' clocks showed against this one's.
#[derive(Debug)]
pub(super) struct WallCheck {
    error_ms: i64,
    ahead_ms: BTreeMap<NodeId, VecDeque<i64>>,
}

impl WallCheck {
    /// A check that takes clocks for right that are within this error.
    pub(super) fn new(error_ms: i64) -> Self {
        Self { error_ms, ahead_ms: BTreeMap::new() }
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

    /// How far this clock is ahead of the median of all clocks, its own included.
    pub(super) fn off_ms(&self) -> i64 {
        let furthest = self.ahead_ms.values().filter(|records| records.len() == RECORDS);
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
        self.off_ms().saturating_abs() > self.error_ms.saturating_add(TRANSIT_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check of a node among others whose clocks are so far ahead of its own, each with a record that came so late.
    fn check(others_ahead_ms: &[i64], late_ms: i64) -> WallCheck {
        let mut check = WallCheck::new(100);
        for (number, ahead) in others_ahead_ms.iter().enumerate() {
            let node = NodeId::new(&format!("n{number}")).expect("a name");
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
