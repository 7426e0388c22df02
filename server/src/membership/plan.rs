//! Which nodes a shard prefers: weighted rendezvous hashing. Each node draws as many lots for each shard as it has weight, and the
//! highest lot decides; so a node that leaves or joins moves only its own part.

use apportion_core::ids::NodeId;

/// The nodes in the order in which a shard prefers them.
pub(super) fn ranked<'a>(shard: u16, nodes: impl Iterator<Item = (&'a NodeId, u16)>) -> Vec<&'a NodeId> {
    let mut drawn: Vec<_> = nodes.map(|(node, weight)| (best_lot(shard, node, weight), node)).collect();
    drawn.sort_unstable_by(|a, b| b.cmp(a));
    drawn.into_iter().map(|(_, node)| node).collect()
}

fn best_lot(shard: u16, node: &NodeId, weight: u16) -> u64 {
    (0..weight.max(1)).map(|number| lot(shard, node, number)).max().unwrap_or_default()
}

/// FNV-1a of all three, mixed so that every bit depends on each.
fn lot(shard: u16, node: &NodeId, number: u16) -> u64 {
    let numbers = shard.to_be_bytes().into_iter().chain(number.to_be_bytes());
    let bytes = node.as_str().bytes().chain([0]).chain(numbers);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const SHARDS: u16 = 1_024;

    fn nodes(weights: &[u16]) -> BTreeMap<NodeId, u16> {
        let named = weights.iter().enumerate();
        named.map(|(n, &weight)| (NodeId::new(&format!("node-{n}")).expect("a name"), weight)).collect()
    }

    fn first(nodes: &BTreeMap<NodeId, u16>) -> Vec<NodeId> {
        let first = |shard| ranked(shard, nodes.iter().map(|(node, &weight)| (node, weight)))[0].clone();
        (0..SHARDS).map(first).collect()
    }

    #[test]
    fn each_node_gets_a_part_by_its_weight() {
        let nodes = nodes(&[1, 1, 2, 4]);
        let (owners, total) = (first(&nodes), 8);
        for (node, weight) in &nodes {
            let owned = owners.iter().filter(|owner| *owner == node).count();
            let part = usize::from(SHARDS) * usize::from(*weight) / total;
            assert!((part * 3 / 4..=part * 5 / 4).contains(&owned), "{node}: {owned} of {part}");
        }
    }

    #[test]
    fn a_node_that_leaves_moves_only_its_own_shards_and_spreads_them_over_all_others() {
        let all = nodes(&[1; 5]);
        let before = first(&all);
        for gone in all.keys() {
            let mut rest = all.clone();
            rest.remove(gone);
            let mut heirs: BTreeMap<NodeId, usize> = BTreeMap::new();
            for (was, is) in before.iter().zip(first(&rest)) {
                if was == gone {
                    *heirs.entry(is).or_default() += 1;
                } else {
                    assert_eq!(*was, is, "a shard moved that need not");
                }
            }
            let (fewest, most) = (heirs.values().min(), heirs.values().max());
            assert!(heirs.len() == 4 && fewest > Some(&20) && most < Some(&100), "{heirs:?}");
        }
    }

    #[test]
    fn all_nodes_agree_on_the_whole_order_whatever_order_they_know_each_other_in() {
        let all = nodes(&[3, 1, 2]);
        for shard in 0..SHARDS {
            let there = ranked(shard, all.iter().map(|(node, &weight)| (node, weight)));
            let back = ranked(shard, all.iter().rev().map(|(node, &weight)| (node, weight)));
            assert_eq!((there.len(), &there), (3, &back));
        }
    }
}
