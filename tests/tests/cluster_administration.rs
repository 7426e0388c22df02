//! `apportion cluster` on nodes of a real cluster under load: nodes are drained and workspaces moved, and no client sees an error.

use std::ffi::OsString;
use std::time::Duration;

use apportion_tests::etcd::Etcd;
use apportion_tests::process::load::Load;
use apportion_tests::process::nodes::Nodes;
use apportion_tests::process::server::Server;
use apportion_tests::process::worker::Workload;
use apportion_tests::process::{nothing_throttled, pass, program};
use apportion_tests::provider::{Provider, Rules};
use serde_json::Value;

/// Workers that use their leases at once.
const STEADY: [Workload; 1] =
    [Workload { workers: 3, permits: 1, rest: Duration::from_millis(50), ..Workload::BUSY }];

/// What a command says of a server: its exit code, its output, its error.
async fn apportion(server: &Server, command: &[&str]) -> (Option<i32>, String, String) {
    let (address, command) = (server.address(), command.iter().map(OsString::from).collect::<Vec<_>>());
    let run = move || {
        let command: Vec<_> = command.iter().map(OsString::as_os_str).collect();
        program::apportion(Some(address), &command)
    };
    let said = tokio::task::spawn_blocking(run).await.expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (said.status.code(), text(&said.stdout), text(&said.stderr))
}

/// The JSON that a command prints, which succeeds.
async fn json(server: &Server, command: &[&str]) -> Value {
    let (code, out, err) = apportion(server, &[command, &["--json"]].concat()).await;
    assert_eq!(code, Some(0), "{command:?}: {out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// A node as a server shows it.
async fn node(server: &Server, name: &str) -> Value {
    let cluster = json(server, &["cluster", "status"]).await;
    let nodes = cluster["nodes"].as_array().expect("nodes").iter();
    let named = format!("nodes/{name}");
    nodes.into_iter().find(|node| node["name"] == *named).unwrap_or_else(|| panic!("{cluster}")).clone()
}

fn owned(node: &Value) -> usize {
    node["owned_shards"].as_array().expect("shards").len()
}

/// Waits until a server shows this state of a node, and returns all that it shows of it.
async fn until_state(server: &Server, name: &str, state: &str) -> Value {
    for _ in 0..50 {
        let shown = node(server, name).await;
        if shown["state"] == state {
            return shown;
        }
        pass(Duration::from_millis(100)).await;
    }
    panic!("{name} is not {state}");
}

/// Waits until every shard is where it belongs.
async fn settled(server: &Server) {
    for _ in 0..300 {
        let cluster = json(server, &["cluster", "status"]).await;
        if cluster["moves"].as_array().is_some_and(Vec::is_empty) {
            return;
        }
        pass(Duration::from_millis(100)).await;
    }
    panic!("shards still move");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_drained_and_workspaces_moved_under_load_and_no_client_sees_an_error() {
    let etcd = Etcd::single().await;
    let mut nodes = Nodes::start(&etcd, 3).await;
    let provider = Provider::start(Rules { latency_ms: 5, ..Rules::default() }).expect("a provider");
    settled(nodes.server(0)).await;
    let load = |node: usize| Load::start(nodes.channel(node), provider.address(), &STEADY);
    let loads: Vec<_> = (0..3).map(load).collect();
    pass(Duration::from_secs(1)).await;

    // The owner of the busy workspace hands it over, as another node asks it to.
    let owner = nodes.owner(0).await;
    let (other, drained) = (nodes.other(owner), format!("node-{owner}"));
    let said = json(nodes.server(other), &["cluster", "drain", &drained]).await;
    assert_eq!((&said["draining"], &said["owned_shards"]), (&true.into(), &0.into()), "{said}");
    assert_ne!(nodes.owner(other).await, owner);
    assert_eq!(owned(&until_state(nodes.server(owner), &drained, "drained").await), 0);
    nodes.serves(owner).await; // it passes calls on

    // A drain outlasts the process.
    loads[owner].switch_to(nodes.channel(other));
    nodes.stop(owner).await;
    until_state(nodes.server(other), &drained, "absent, drained").await;
    nodes.start_again(owner).await;
    loads[owner].switch_to(nodes.channel(owner));
    pass(Duration::from_secs(2)).await;
    let shown = node(nodes.server(other), &drained).await;
    assert_eq!((&shown["state"], owned(&shown)), (&"drained".into(), 0), "{shown}");
    json(nodes.server(other), &["cluster", "drain", &drained, "--undo"]).await;
    let shown = node(nodes.server(other), &drained).await;
    assert!(shown["state"] == "serving" && owned(&shown) >= 12, "{shown}");

    // The workspace goes where it is sent, and back.
    let home = nodes.owner(0).await;
    let away = nodes.other(home);
    let moved = json(nodes.server(home), &["cluster", "move", "default", &format!("node-{away}")]).await;
    assert_eq!((&moved["moved"], &moved["shard"]), (&true.into(), &62.into()), "{moved}");
    assert_eq!(nodes.owner(home).await, away);
    let cluster = json(nodes.server(home), &["cluster", "status"]).await;
    assert_eq!(cluster["pins"][0]["workspace"], "workspaces/default", "{cluster}");
    json(nodes.server(away), &["cluster", "move", "default", "--undo"]).await;
    assert_eq!(nodes.owner(away).await, home);

    let mut refused = Vec::new();
    for load in loads {
        refused.extend(load.stop().await.refusals);
    }
    refused.retain(|refused| refused.code != tonic::Code::ResourceExhausted);
    assert!(refused.is_empty(), "{refused:#?}");
    nothing_throttled(&provider.stop());
    nodes.have_not_panicked();
    audited(nodes.server(0), owner, away).await;
}

/// What an administrator did is in the audit.
async fn audited(server: &Server, drained: usize, away: usize) {
    let audit = json(server, &["audit"]).await;
    let entries: Vec<_> = audit.as_array().expect("entries").iter().rev().skip(1).collect();
    let methods: Vec<_> = entries.iter().filter_map(|entry| entry["method"].as_str()).collect();
    assert_eq!(methods, ["DrainNode", "UndrainNode", "MoveWorkspace", "ReleaseWorkspace"], "{audit}");
    assert_eq!(entries[0]["resource"], format!("nodes/node-{drained}"));
    let change = &entries[2]["changes"][0];
    assert_eq!(
        (&change["path"], &change["after"]),
        (&"node".into(), &format!("\"nodes/node-{away}\"").into())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_about_nodes_say_what_is_wrong() {
    let etcd = Etcd::single().await;
    let nodes = Nodes::start(&etcd, 1).await;
    let (in_cluster, alone) = (nodes.server(0), Server::fresh());
    for (server, command, problem) in [
        (&alone, &["cluster", "status"][..], "NO_CLUSTER: this server is not a node of a cluster"),
        (&alone, &["cluster", "drain", "a"], "NO_CLUSTER: "),
        (in_cluster, &["cluster", "drain", "gone"], "UNKNOWN_NODE: there is no such node"),
        (in_cluster, &["cluster", "drain", "gone", "--undo"], "UNKNOWN_NODE: "),
        (in_cluster, &["cluster", "move", "default", "gone"], "UNKNOWN_NODE: "),
        (in_cluster, &["cluster", "move", "gone", "node-0"], "UNKNOWN_WORKSPACE: "),
        (in_cluster, &["cluster", "move", "default"], "required arguments were not provided"),
        (in_cluster, &["cluster", "drain", "nodes/node-0"], "not a full name"),
    ] {
        let (code, out, err) = apportion(server, command).await;
        assert!(code == Some(2) && err.contains(problem), "{command:?}: {out}{err}");
    }
    // The only node keeps its shards, and says so.
    let (code, out, err) = apportion(in_cluster, &["cluster", "drain", "node-0"]).await;
    assert!(code == Some(0) && err.contains("no other node takes shards now"), "{out}{err}");
    nodes.serves(0).await;
    until_state(in_cluster, "node-0", "draining").await;
    let (code, out, _) = apportion(in_cluster, &["cluster", "status"]).await;
    assert!(
        code == Some(0) && out.contains("nodes/node-0  draining") && out.contains("64 shards, 0 of"),
        "{out}"
    );
}
