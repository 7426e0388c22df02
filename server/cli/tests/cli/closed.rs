//! What the store holds of a workspace cannot be used: the server starts all the same, and every other workspace is served.

use crate::process::Server;
use apportion_proto::v1;
use apportion_server::store::{Embedded, Store, Transaction};
use prost::Message;
use serde_json::Value;

/// Puts documents into the store of a server that does not run.
fn put(home: &tempfile::TempDir, documents: Vec<(&str, Vec<u8>)>) {
    let store = Embedded::open(&home.path().join("data")).expect("nobody uses it");
    let puts = documents.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    store.commit(vec![Transaction { puts, ..Transaction::default() }]);
}

/// What `apportion top` says is wrong with a workspace.
fn trouble(server: &Server, workspace: &str) -> String {
    let shown = server.run(&["top", workspace, "--json"]).well();
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    shown["trouble"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_workspace_whose_documents_cannot_be_used_is_closed_alone_and_says_why_until_it_is_corrected() {
    let server = Server::start("", &[]);
    for id in ["damaged", "odd"] {
        server.run(&["workspace", "create", id, "--limit", "id=l,permits=100,window=10s"]).well();
    }
    server.run(&["team", "create", "odd", "a"]).well();
    let home = server.kill();
    let team = v1::Team { name: "workspaces/odd/teams/a".into(), weight: Some(0), ..v1::Team::default() };
    let noise = vec![0xff; 40];
    put(
        &home,
        vec![
            ("workspace/damaged", noise.clone()),
            ("team/odd/a", team.encode_to_vec()),
            ("token/damaged", noise),
        ],
    );

    let server = Server::start_in(home, "", &[]);
    assert_eq!(trouble(&server, "default"), "");
    let told = trouble(&server, "damaged");
    assert!(told.starts_with("WORKSPACE_CLOSED: workspace/damaged cannot be read: "), "{told}");
    let told = trouble(&server, "odd");
    assert!(told.starts_with("WORKSPACE_CLOSED: workspaces/odd: ") && told.contains("weight"), "{told}");
    let ready = server.page("/readyz");
    assert!(
        ready.starts_with("HTTP/1.1 200") && ready.contains("\nodd is closed: workspaces/odd: "),
        "{ready}"
    );
    assert!(ready.contains("\ndamaged is closed: workspace/damaged cannot be read"), "{ready}");
    let metrics = server.page("/metrics");
    for id in ["damaged", "odd"] {
        let line = format!("apportion_trouble{{workspace=\"{id}\",reason=\"WORKSPACE_CLOSED\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
    // Lists show all there is; a token that cannot be read opens nothing and stands in nobody's way.
    let listed = server.run(&["workspace", "list"]).well();
    assert_eq!(listed.lines().count(), 4, "{listed}");
    assert!(server.run(&["token", "list"]).well().contains("tokens/damaged"));

    // A change that corrects it opens it.
    server.run(&["team", "update", "odd", "a", "--weight", "2"]).well();
    assert_eq!(trouble(&server, "odd"), "");
    let ready = server.page("/readyz");
    assert!(!ready.contains("odd") && ready.contains("damaged"), "{ready}");
}
