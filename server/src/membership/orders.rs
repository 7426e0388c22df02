//! Which nodes may have each shard, preferred ones first: by the hash, but for shards that are kept at a node. Pure.

use super::plan::ranked;
use super::record::NodeRecord;
use apportion_core::ids::NodeId;
use std::collections::BTreeMap;

/// The nodes that may have each shard.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    of_shards: Vec<Vec<NodeId>>,
    /// No node is eligible, so these are nodes that drain. Each keeps what it has, and they take only what nobody serves.
    pub(super) are_spare: bool,
}

impl Orders {
    /// The orders of so many shards over nodes that live.
    pub(super) fn new<'a>(
        shards: usize,
        living: impl Iterator<Item = (&'a NodeId, &'a NodeRecord)>,
        pins: &BTreeMap<u16, NodeId>,
    ) -> Self {
        let living: Vec<_> = living.collect();
        let are_spare = !living.iter().any(|(_, record)| record.is_eligible());
        let may_have = |record: &NodeRecord| if are_spare { record.is_spare() } else { record.is_eligible() };
        let able: Vec<_> = living.into_iter().filter(|(_, record)| may_have(record)).collect();
        let order = |shard| {
            let mut order = ranked(shard, able.iter().map(|(node, record)| (*node, record.weight)));
            let pinned = pins.get(&shard).and_then(|pin| order.iter().position(|node| *node == pin));
            pinned.into_iter().for_each(|at| order[..=at].rotate_right(1));
            order.into_iter().cloned().collect()
        };
        let shards = 0..u16::try_from(shards).unwrap_or(u16::MAX);
        Self { of_shards: shards.map(order).collect(), are_spare }
    }

    /// The nodes that may have a shard, preferred ones first.
    pub(super) fn of(&self, shard: usize) -> &[NodeId] {
        self.of_shards.get(shard).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARDS: usize = 64;

    fn id(number: u16) -> NodeId {
        NodeId::new(&format!("n{number}")).expect("a name")
    }

    fn nodes(records: &[NodeRecord]) -> Vec<(NodeId, NodeRecord)> {
        (0..).map(id).zip(records.iter().cloned()).collect()
    }

    fn orders(nodes: &[(NodeId, NodeRecord)], pins: &BTreeMap<u16, NodeId>) -> Orders {
        Orders::new(SHARDS, nodes.iter().map(|(node, record)| (node, record)), pins)
    }

    #[test]
    fn a_pin_moves_its_shard_alone_and_keeps_the_order_of_the_others() {
        let nodes = nodes(&vec![NodeRecord::default(); 4]);
        let before = orders(&nodes, &BTreeMap::new());
        let last = before.of(7)[3].clone();
        let after = orders(&nodes, &BTreeMap::from([(7, last.clone())]));
        for shard in (0..SHARDS).filter(|&shard| shard != 7) {
            assert_eq!(after.of(shard), before.of(shard));
        }
        assert_eq!(after.of(7)[0], last);
        assert_eq!(after.of(7)[1..], before.of(7)[..3]);
    }

    #[test]
    fn a_pin_to_a_node_that_drains_or_is_absent_changes_nothing() {
        let draining = NodeRecord { draining: true, ..NodeRecord::default() };
        let nodes = nodes(&[NodeRecord::default(), NodeRecord::default(), draining]);
        let (before, absent) = (orders(&nodes, &BTreeMap::new()), id(9));
        for pin in [id(2), absent] {
            assert_eq!(orders(&nodes, &BTreeMap::from([(7, pin)])).of(7), before.of(7));
        }
    }

    #[test]
    fn nodes_that_drain_have_shards_only_where_no_other_node_can_and_a_stopping_one_never() {
        let draining = NodeRecord { draining: true, ..NodeRecord::default() };
        let stopping = NodeRecord { stopping: true, ..draining.clone() };
        let some = orders(&nodes(&[draining.clone(), NodeRecord::default()]), &BTreeMap::new());
        assert!(!some.are_spare && some.of(0) == [id(1)]);
        let all = orders(&nodes(&[stopping.clone(), draining]), &BTreeMap::new());
        assert!(all.are_spare && all.of(0) == [id(1)]);
        assert_eq!(orders(&nodes(&[stopping]), &BTreeMap::new()).of(0), []);
    }
}
