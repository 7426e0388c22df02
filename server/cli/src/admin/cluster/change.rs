//! Drains and moves: asks for them, and waits until they have happened.

use super::seen::cluster;
use crate::admin::show::warnings;
use crate::connection::{Client, Connection, refused};
use crate::terminal;
use apportion_proto::v1;
use serde_json::json;
use std::time::{Duration, Instant};

/// The pause between two looks at the cluster.
const PAUSE: Duration = Duration::from_millis(250);

/// How long to wait.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Patience {
    /// Seconds to wait until the shards have moved; 0 does not wait. Exit code 1 if they have not
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    wait: u32,
}

/// Drains a node.
pub(super) async fn drain(node: &str, patience: Patience, connection: &Connection) -> Result<bool, String> {
    let name = format!("nodes/{node}");
    let mut client = connection.client().await?;
    let request = v1::DrainNodeRequest { name: name.clone(), validate_only: false };
    let answer = client.drain_node(request).await.map_err(|status| refused(&status))?.into_inner();
    warnings(&answer.warnings);
    let wait = if answer.warnings.is_empty() { patience.wait } else { 0 };
    let left = |cluster: &v1::Cluster| match find(cluster, &name) {
        Some(node) if node.draining => Some(node.owned_shards.len()),
        _ => None,
    };
    let is_done = until(&mut client, wait, |cluster| left(cluster) == Some(0)).await?;
    let shards = match is_done {
        true => Some(0),
        false => left(&cluster(&mut client).await?),
    };
    if connection.json {
        terminal::json(&json!({ "name": name, "draining": true, "owned_shards": shards }));
    } else if is_done {
        terminal::line(&format!(
            "{name} is drained: it owns no shard and passes calls on; --undo ends the drain"
        ));
    } else {
        let shards = shards.map_or_else(|| "unknown".into(), |shards| shards.to_string());
        terminal::line(&format!("{name} drains; shards that it still owns: {shards}"));
    }
    Ok(is_done || wait == 0)
}

/// Ends the drain of a node.
pub(super) async fn undrain(node: &str, patience: Patience, connection: &Connection) -> Result<bool, String> {
    let name = format!("nodes/{node}");
    let mut client = connection.client().await?;
    let request = v1::UndrainNodeRequest { name: name.clone(), validate_only: false };
    client.undrain_node(request).await.map_err(|status| refused(&status))?;
    // One that does not run gets its shards once it does.
    let has_all = |cluster: &v1::Cluster| {
        find(cluster, &name).is_none_or(|node| {
            // For a moment after its drain it is assigned nothing.
            let is_assigned = !node.draining && !node.assigned_shards.is_empty();
            is_assigned && node.owned_shards == node.assigned_shards
        })
    };
    let is_done = until(&mut client, patience.wait, has_all).await?;
    if connection.json {
        terminal::json(&json!({ "name": name, "draining": false }));
    } else if is_done {
        terminal::line(&format!("{name} takes shards again, and has all that it should own"));
    } else {
        terminal::line(&format!(
            "{name} takes shards again; `apportion cluster status` shows those that move"
        ));
    }
    Ok(is_done || patience.wait == 0)
}

/// Moves the shard of a workspace.
pub(super) async fn move_to(
    workspace: &str,
    node: &str,
    patience: Patience,
    connection: &Connection,
) -> Result<bool, String> {
    let mut client = connection.client().await?;
    let (name, node) = (format!("workspaces/{workspace}"), format!("nodes/{node}"));
    let request = v1::MoveWorkspaceRequest { name: name.clone(), node: node.clone(), validate_only: false };
    let answer = client.move_workspace(request).await.map_err(|status| refused(&status))?.into_inner();
    warnings(&answer.warnings);
    let wait = if answer.warnings.is_empty() { patience.wait } else { 0 };
    let pin = answer.pin.clone().unwrap_or_default();
    let is_there = |cluster: &v1::Cluster| {
        find(cluster, &node).is_some_and(|node| node.owned_shards.contains(&pin.shard))
            && cluster.pins.contains(&pin)
    };
    let is_done = until(&mut client, wait, is_there).await?;
    if connection.json {
        terminal::json(&json!({
            "name": name, "node": node, "shard": pin.shard, "moved": is_done,
            "workspace_count": answer.workspace_count, "other_workspaces": answer.other_workspaces,
        }));
    } else {
        tell(&answer, &pin, is_done);
    }
    Ok(is_done || wait == 0)
}

fn tell(answer: &v1::MoveWorkspaceResponse, pin: &v1::ShardPin, is_done: bool) {
    let (shard, node) = (pin.shard, &pin.node);
    let verb = if is_done { "has moved" } else { "moves" };
    terminal::line(&format!("shard {shard}, in which {} is, {verb} to {node}", pin.workspace));
    let others = answer.workspace_count.saturating_sub(1);
    if others > 0 {
        let named: Vec<_> = answer.other_workspaces.iter().take(5).map(String::as_str).collect();
        let more =
            if usize::try_from(others).is_ok_and(|others| others > named.len()) { ", …" } else { "" };
        terminal::line(&format!(
            "{others} other workspaces are in it and move too: {}{more}",
            named.join(", ")
        ));
    }
    terminal::line(&format!(
        "it stays there until another move or --undo; while {node} is absent or draining, it is elsewhere"
    ));
}

/// Ends the pin of the shard of a workspace.
pub(super) async fn release(
    workspace: &str,
    patience: Patience,
    connection: &Connection,
) -> Result<bool, String> {
    let mut client = connection.client().await?;
    let name = format!("workspaces/{workspace}");
    let request = v1::ReleaseWorkspaceRequest { name: name.clone(), validate_only: false };
    let answer = client.release_workspace(request).await.map_err(|status| refused(&status))?.into_inner();
    let shard = answer.shard;
    let is_back = |cluster: &v1::Cluster| {
        let is_pinned = cluster.pins.iter().any(|pin| pin.shard == shard);
        !is_pinned && !cluster.moves.iter().any(|moving| moving.shard == shard)
    };
    let is_done = until(&mut client, patience.wait, is_back).await?;
    if connection.json {
        terminal::json(&json!({ "name": name, "shard": shard, "moved": is_done }));
    } else {
        let verb = if is_done { "is where" } else { "goes where" };
        terminal::line(&format!("shard {shard}, in which {name} is, has no pin and {verb} it belongs"));
    }
    Ok(is_done || patience.wait == 0)
}

fn find<'a>(cluster: &'a v1::Cluster, name: &str) -> Option<&'a v1::Node> {
    cluster.nodes.iter().find(|node| node.name == name)
}

/// Looks at the cluster until something holds; at once false where it is not waited for.
async fn until(client: &mut Client, wait: u32, holds: impl Fn(&v1::Cluster) -> bool) -> Result<bool, String> {
    let end = Instant::now() + Duration::from_secs(wait.into());
    while Instant::now() < end {
        if holds(&cluster(client).await?) {
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}
