//! The state of a cluster, as tables or as JSON.

use crate::terminal::{self, table};
use apportion_proto::v1;
use serde_json::{Value, json};
use std::time::Duration;

/// After how long without news of the store what is shown is called old.
const OLD: Duration = Duration::from_secs(5);

/// Prints the state.
pub(super) fn status(cluster: &v1::Cluster, json: bool) {
    if json {
        return terminal::json(&object(cluster));
    }
    let seen_before = cluster.seen_before.and_then(|span| Duration::try_from(span).ok()).unwrap_or_default();
    if seen_before > OLD {
        let seconds = seen_before.as_secs();
        terminal::error(&format!(
            "warning: {} has not heard from the store for {seconds} s",
            cluster.seen_by
        ));
    }
    table(&nodes(cluster));
    let (shards, moving) = (cluster.shard_count, cluster.moves.len());
    terminal::line("");
    terminal::line(&format!(
        "{shards} shards, {moving} of them not where they belong (seen by {})",
        cluster.seen_by
    ));
    if !cluster.moves.is_empty() {
        table(&moves(cluster));
    }
    if !cluster.pins.is_empty() {
        terminal::line("");
        terminal::line(&format!("pins: {}", cluster.pins.len()));
        table(&pins(cluster));
    }
}

fn heads<const N: usize>(heads: [&str; N]) -> Vec<String> {
    heads.map(String::from).to_vec()
}

fn nodes(cluster: &v1::Cluster) -> Vec<Vec<String>> {
    let columns =
        ["NAME", "STATE", "CLIENT_ADDRESS", "PEER_ADDRESS", "VERSION", "CLOCK", "STORE", "OWNED", "ASSIGNED"];
    let line = |node: &v1::Node| {
        let clock =
            node.clock_offset.as_ref().map_or_else(|| "-".into(), |span| format!("{:+.3}s", seconds(span)));
        let store = node.store_latency.as_ref();
        let store = store.map_or_else(|| "-".into(), |span| format!("{:.1}ms", seconds(span) * 1_000.0));
        vec![
            node.name.clone(),
            state(node).into(),
            dash(&node.client_address),
            dash(&node.peer_address),
            dash(&node.version),
            clock,
            store,
            node.owned_shards.len().to_string(),
            node.assigned_shards.len().to_string(),
        ]
    };
    std::iter::once(heads(columns)).chain(cluster.nodes.iter().map(line)).collect()
}

fn moves(cluster: &v1::Cluster) -> Vec<Vec<String>> {
    let line = |moving: &v1::ShardMove| vec![moving.shard.to_string(), dash(&moving.from), dash(&moving.to)];
    std::iter::once(heads(["SHARD", "FROM", "TO"])).chain(cluster.moves.iter().map(line)).collect()
}

fn pins(cluster: &v1::Cluster) -> Vec<Vec<String>> {
    let line = |pin: &v1::ShardPin| vec![pin.shard.to_string(), pin.node.clone(), pin.workspace.clone()];
    std::iter::once(heads(["SHARD", "NODE", "WORKSPACE"])).chain(cluster.pins.iter().map(line)).collect()
}

/// What a node does, in a word or two.
fn state(node: &v1::Node) -> &'static str {
    match node {
        v1::Node { running: false, draining: true, .. } => "absent, drained",
        v1::Node { running: false, .. } => "absent",
        v1::Node { stopping: true, .. } => "stopping",
        v1::Node { clock_wrong: true, .. } => "clock wrong",
        v1::Node { draining: true, owned_shards, .. } if owned_shards.is_empty() => "drained",
        v1::Node { draining: true, .. } => "draining",
        _ => "serving",
    }
}

fn dash(text: &str) -> String {
    if text.is_empty() { "-".into() } else { text.into() }
}

fn seconds(span: &prost_types::Duration) -> f64 {
    span.seconds as f64 + f64::from(span.nanos) / 1e9
}

fn object(cluster: &v1::Cluster) -> Value {
    let span = |span: &Option<prost_types::Duration>| span.as_ref().map(ToString::to_string);
    let node = |node: &v1::Node| {
        json!({
            "name": node.name,
            "state": state(node),
            "running": node.running,
            "draining": node.draining,
            "stopping": node.stopping,
            "client_address": node.client_address,
            "peer_address": node.peer_address,
            "version": node.version,
            "clock_offset": span(&node.clock_offset),
            "clock_wrong": node.clock_wrong,
            "store_latency": span(&node.store_latency),
            "owned_shards": node.owned_shards,
            "assigned_shards": node.assigned_shards,
        })
    };
    let moving =
        |moving: &v1::ShardMove| json!({ "shard": moving.shard, "from": moving.from, "to": moving.to });
    let pin =
        |pin: &v1::ShardPin| json!({ "shard": pin.shard, "workspace": pin.workspace, "node": pin.node });
    json!({
        "seen_by": cluster.seen_by,
        "seen_before": span(&cluster.seen_before),
        "shard_count": cluster.shard_count,
        "nodes": cluster.nodes.iter().map(node).collect::<Vec<_>>(),
        "moves": cluster.moves.iter().map(moving).collect::<Vec<_>>(),
        "pins": cluster.pins.iter().map(pin).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_node_is_that_which_matters_most() {
        let draining = v1::Node { running: true, draining: true, ..v1::Node::default() };
        let busy = v1::Node { owned_shards: vec![1], ..draining.clone() };
        let stopping = v1::Node { stopping: true, ..busy.clone() };
        let absent = v1::Node { running: false, ..draining.clone() };
        let serving = v1::Node { running: true, ..v1::Node::default() };
        let nodes = [serving, draining, busy, stopping, absent, v1::Node::default()];
        let states = ["serving", "drained", "draining", "stopping", "absent, drained", "absent"];
        assert_eq!(nodes.each_ref().map(state), states);
    }

    #[test]
    fn a_node_that_has_reported_nothing_is_shown_with_dashes_and_offsets_with_their_sign() {
        let span = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
        let known = v1::Node {
            clock_offset: span(0, -2_000_000),
            store_latency: span(0, 1_440_000),
            ..Default::default()
        };
        let cluster = v1::Cluster { nodes: vec![known, v1::Node::default()], ..v1::Cluster::default() };
        let lines = nodes(&cluster);
        assert_eq!(lines[1][5..7], ["-0.002s", "1.4ms"]);
        assert_eq!(lines[2][2..7], ["-", "-", "-", "-", "-"]);
    }
}
