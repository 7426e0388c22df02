//! The cluster as a node sees it, as it goes over the wire.

use super::names::{node_name, workspace_name};
use crate::membership::{ClusterView, NodeRecord};
use crate::store::catalog::KeptPin;
use apportion_core::ids::NodeId;
use apportion_proto::v1;
use prost_types::Duration;
use std::collections::BTreeSet;

/// The cluster.
pub(crate) fn cluster(view: &ClusterView) -> v1::Cluster {
    let nodes: BTreeSet<_> = view.nodes.keys().chain(&view.drained).collect();
    v1::Cluster {
        seen_by: node_name(&view.seen_by),
        seen_before: Duration::try_from(view.silence).ok(),
        shard_count: u32::try_from(view.shards.len()).unwrap_or(u32::MAX),
        nodes: nodes.into_iter().map(|node| wire_node(view, node)).collect(),
        moves: moves(view),
        pins: view.pins.iter().map(|(&shard, kept)| pin(shard, kept)).collect(),
    }
}

/// The pin of a shard.
pub(crate) fn pin(shard: u16, kept: &KeptPin) -> v1::ShardPin {
    v1::ShardPin {
        shard: shard.into(),
        workspace: workspace_name(&kept.workspace),
        node: node_name(&kept.node),
    }
}

fn wire_node(view: &ClusterView, node: &NodeId) -> v1::Node {
    let shards = |is_of: &dyn Fn(usize) -> bool| {
        let numbers = (0..view.shards.len()).filter(|&shard| is_of(shard));
        numbers.filter_map(|shard| u32::try_from(shard).ok()).collect()
    };
    let shown = v1::Node {
        name: node_name(node),
        draining: view.drained.contains(node),
        owned_shards: shards(&|shard| view.shards[shard].owner.as_ref() == Some(node)),
        assigned_shards: shards(&|shard| view.shards[shard].assigned.as_ref() == Some(node)),
        ..v1::Node::default()
    };
    match view.nodes.get(node) {
        Some(record) => reported(shown, record),
        None => shown,
    }
}

/// A node that runs, with what it reports.
fn reported(shown: v1::Node, record: &NodeRecord) -> v1::Node {
    let latency = Some(record.store_us).filter(|&us| us > 0).map(std::time::Duration::from_micros);
    v1::Node {
        running: true,
        stopping: record.stopping,
        client_address: record.client_address.clone(),
        peer_address: record.peer_address.clone(),
        version: record.version.clone(),
        clock_offset: Some(milliseconds(record.clock_off_ms)),
        clock_wrong: record.clock_is_wrong,
        store_latency: latency.and_then(|latency| Duration::try_from(latency).ok()),
        ..shown
    }
}

fn moves(view: &ClusterView) -> Vec<v1::ShardMove> {
    let name = |node: &Option<NodeId>| node.as_ref().map(node_name).unwrap_or_default();
    let places =
        (0..).zip(&view.shards).filter(|(_, place)| place.owner.is_none() || place.owner != place.assigned);
    places
        .map(|(shard, place)| v1::ShardMove { shard, from: name(&place.owner), to: name(&place.assigned) })
        .collect()
}

/// A span, rounded towards zero by no more than a division of whole milliseconds does.
fn milliseconds(ms: i64) -> Duration {
    let nanos = i32::try_from(ms % 1_000).unwrap_or_default().saturating_mul(1_000_000);
    Duration { seconds: ms / 1_000, nanos }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::membership::ShardPlace;
    use apportion_core::ids::WorkspaceId;
    use std::collections::BTreeMap;

    fn id(name: &str) -> Option<NodeId> {
        NodeId::new(name).ok()
    }

    fn place(owner: Option<NodeId>, assigned: Option<NodeId>) -> ShardPlace {
        ShardPlace { owner, assigned }
    }

    #[test]
    fn nodes_that_run_or_drain_are_shown_with_their_shards_and_what_moves() {
        let (a, gone) = (id("a").expect("a name"), id("gone").expect("a name"));
        let record = NodeRecord { clock_off_ms: -1_250, store_us: 1_500, ..NodeRecord::default() };
        let kept = KeptPin { node: a.clone(), workspace: WorkspaceId::new("w").expect("a name") };
        let view = ClusterView {
            seen_by: a.clone(),
            silence: std::time::Duration::from_millis(5),
            nodes: BTreeMap::from([(a.clone(), record)]),
            drained: BTreeSet::from([gone]),
            shards: vec![place(id("a"), id("a")), place(None, id("a")), place(None, None)],
            pins: BTreeMap::from([(1, kept)]),
        };
        let shown = cluster(&view);
        let [first, second] = &shown.nodes[..] else { panic!("{shown:?}") };
        assert_eq!((&*first.name, first.running, first.draining), ("nodes/a", true, false));
        assert_eq!((&first.owned_shards[..], &first.assigned_shards[..]), (&[0][..], &[0, 1][..]));
        assert_eq!(first.clock_offset, Some(Duration { seconds: -1, nanos: -250_000_000 }));
        assert_eq!(first.store_latency, Some(Duration { seconds: 0, nanos: 1_500_000 }));
        assert_eq!((&*second.name, second.running, second.draining), ("nodes/gone", false, true));
        assert_eq!(second.store_latency, None);
        let moved = |shard, to: &str| v1::ShardMove { shard, from: String::new(), to: to.into() };
        assert_eq!((&shown.moves[..], shown.shard_count), (&[moved(1, "nodes/a"), moved(2, "")][..], 3));
        assert_eq!((shown.pins[0].shard, &*shown.pins[0].workspace), (1, "workspaces/w"));
    }
}
