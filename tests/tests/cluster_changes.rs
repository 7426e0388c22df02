//! Nodes of one cluster on a real etcd: workspaces, teams and tokens that are changed through one of them hold at all.

use std::time::{Duration, Instant};

use apportion_etcd::TxnRequest;
use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::etcd::Etcd;
use apportion_tests::process::nodes::Nodes;
use apportion_tests::process::{pass, teams};
use tonic::{Code, Request, Status};

/// Longest time until a change of one node holds at another one.
const SOON: Duration = Duration::from_secs(1);

/// Requests one permit of a workspace through a node.
async fn acquire(nodes: &Nodes, node: usize, workspace: &str) -> Result<(), Status> {
    let request =
        v1::AcquireLeaseRequest { workspace: workspace.into(), ..v1::AcquireLeaseRequest::default() };
    QuotaServiceClient::new(nodes.channel(node)).acquire_lease(request).await.map(|_| ())
}

/// Creates a token through a node, under a secret where one is needed, and returns its secret.
async fn create_token(nodes: &Nodes, node: usize, secret: &str, id: &str, role: v1::Role) -> String {
    let scope = v1::Scope { workspace: "default".into(), team: String::new() };
    let scopes = if role == v1::Role::Admin { Vec::new() } else { vec![scope] };
    let token = Some(v1::Token { role: role.into(), scopes, ..v1::Token::default() });
    let request = v1::CreateTokenRequest { token_id: id.into(), token, ..v1::CreateTokenRequest::default() };
    let mut admin = AdminServiceClient::new(nodes.channel(node));
    admin.create_token(bearing(secret, request)).await.expect("a token").into_inner().secret
}

/// A request of the holder of a token; of nobody, where the secret is empty.
fn bearing<T>(secret: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if !secret.is_empty() {
        let header = format!("Bearer {secret}").parse().expect("printable");
        request.metadata_mut().insert("authorization", header);
    }
    request
}

/// What a node says to a holder who asks for the workspace `default`.
async fn shows(nodes: &Nodes, node: usize, secret: &str) -> Code {
    let request = v1::GetWorkspaceRequest { name: "workspaces/default".into() };
    let answer = AdminServiceClient::new(nodes.channel(node)).get_workspace(bearing(secret, request)).await;
    answer.map_or_else(|status| status.code(), |_| Code::Ok)
}

/// Waits until a node says this to a holder.
async fn until_it_shows(nodes: &Nodes, node: usize, secret: &str, wanted: Code) {
    let started = Instant::now();
    loop {
        let code = shows(nodes, node, secret).await;
        if code == wanted {
            return;
        }
        assert!(started.elapsed() < SOON, "node {node} says {code:?}, not {wanted:?}");
        pass(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspaces_and_teams_that_are_made_through_one_node_are_served_through_all() {
    let etcd = Etcd::single().await;
    let nodes = Nodes::start(&etcd, 2).await;
    for made_at in 0..2 {
        let workspace = format!("made-at-{made_at}");
        let request = v1::CreateWorkspaceRequest {
            workspace_id: workspace.clone(),
            workspace: Some(v1::Workspace { preset: "intercom".into(), ..v1::Workspace::default() }),
            ..v1::CreateWorkspaceRequest::default()
        };
        let mut admin = AdminServiceClient::new(nodes.channel(made_at));
        admin.create_workspace(request).await.expect("a new workspace");
        for node in 0..2 {
            acquire(&nodes, node, &workspace).await.expect("it is served");
        }
        let team = format!("team-{made_at}");
        teams::create(nodes.server(made_at), &team).await.expect("a new team");
        assert!(teams::exists(nodes.server(1 - made_at), &team).await);
        let mut admin = AdminServiceClient::new(nodes.channel(1 - made_at));
        let name = format!("workspaces/{workspace}");
        let request =
            v1::DeleteWorkspaceRequest { name, force: true, ..v1::DeleteWorkspaceRequest::default() };
        admin.delete_workspace(request).await.expect("it is deleted");
        let gone = acquire(&nodes, made_at, &workspace).await.expect_err("it is deleted");
        assert_eq!(gone.code(), Code::NotFound, "{gone}");
    }
    nodes.have_not_panicked();
}

/// Requests that were granted to the caller `default` of a workspace, as a node reports.
async fn granted(nodes: &Nodes, node: usize, workspace: &str) -> u64 {
    let request = v1::QueryUsageRequest {
        workspace: workspace.into(),
        group_by: v1::UsageGrouping::Caller.into(),
        ..v1::QueryUsageRequest::default()
    };
    let reported = QuotaServiceClient::new(nodes.channel(node)).query_usage(request).await.expect("reported");
    let rows = reported.into_inner().reports.into_iter().flat_map(|report| report.rows);
    rows.filter(|row| row.caller == "default").map(|row| row.granted_requests).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_used_is_added_up_over_the_owners_of_a_workspace() {
    let etcd = Etcd::single().await;
    let mut nodes = Nodes::start(&etcd, 2).await;
    let request = v1::CreateWorkspaceRequest {
        workspace_id: "used".into(),
        workspace: Some(v1::Workspace { preset: "intercom".into(), ..v1::Workspace::default() }),
        ..v1::CreateWorkspaceRequest::default()
    };
    AdminServiceClient::new(nodes.channel(0)).create_workspace(request).await.expect("a new workspace");
    // Each node in turn is the only one, so the workspace moves; a node that stops writes what it counted.
    for stops in 0..2 {
        for node in 0..2 {
            acquire(&nodes, node, "used").await.expect("granted");
        }
        nodes.stop(stops).await;
        nodes.serves(1 - stops).await;
        acquire(&nodes, 1 - stops, "used").await.expect("granted");
        nodes.start_again(stops).await;
    }
    nodes.stop(0).await;
    assert_eq!(granted(&nodes, 1, "used").await, 6);
    nodes.have_not_panicked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_holds_at_every_node_and_opens_nothing_at_any_once_it_is_deleted() {
    let etcd = Etcd::single().await;
    let nodes = Nodes::start(&etcd, 2).await;
    let root = create_token(&nodes, 0, "", "root", v1::Role::Admin).await;
    // The first token closes every node.
    until_it_shows(&nodes, 1, "", Code::Unauthenticated).await;
    until_it_shows(&nodes, 1, &root, Code::Ok).await;
    let guest = create_token(&nodes, 1, &root, "guest", v1::Role::Observer).await;
    until_it_shows(&nodes, 0, &guest, Code::Ok).await;
    let request = v1::DeleteTokenRequest { name: "tokens/guest".into(), ..v1::DeleteTokenRequest::default() };
    AdminServiceClient::new(nodes.channel(0))
        .delete_token(bearing(&root, request))
        .await
        .expect("it is deleted");
    assert_eq!(shows(&nodes, 0, &guest).await, Code::Unauthenticated);
    until_it_shows(&nodes, 1, &guest, Code::Unauthenticated).await;
    nodes.have_not_panicked();
}

/// Writes a document of the cluster into etcd, past every node.
async fn edit(etcd: &Etcd, key: &str, value: Vec<u8>) {
    let request = TxnRequest {
        puts: vec![(format!("/apportion/try/{key}").into_bytes(), value)],
        ..TxnRequest::default()
    };
    assert!(etcd.client().txn(request).await.expect("etcd answers").is_done);
}

/// What etcd holds under a key of the cluster.
async fn stored(etcd: &Etcd, key: &str) -> Vec<u8> {
    let key = format!("/apportion/try/{key}").into_bytes();
    let found = etcd.client().range(key, Vec::new(), 1, 0).await.expect("etcd answers").entries;
    found.into_iter().next().expect("it is there").value
}

/// Waits until a request for a lease of a workspace has this code at a node.
async fn until_it_answers(nodes: &Nodes, node: usize, workspace: &str, wanted: Code) -> String {
    let started = Instant::now();
    loop {
        let status = acquire(nodes, node, workspace).await.err();
        let code = status.as_ref().map_or(Code::Ok, Status::code);
        let message = status.map(|status| status.message().to_owned()).unwrap_or_default();
        if code == wanted {
            return message;
        }
        assert!(started.elapsed() < 5 * SOON, "{workspace} at node {node}: {code:?}: {message}");
        pass(Duration::from_millis(10)).await;
    }
}

/// Waits until a page of a node holds this text.
async fn until_it_reads(nodes: &Nodes, node: usize, page: &str, text: &str) {
    let started = Instant::now();
    while !nodes.server(node).page(page).await.contains(text) {
        assert!(started.elapsed() < 5 * SOON, "{page} of node {node} does not say {text}");
        pass(Duration::from_millis(50)).await;
    }
}

/// Waits until the page of one of three nodes, the owner, holds this text.
async fn until_one_reads(nodes: &Nodes, page: &str, text: &str) {
    let started = Instant::now();
    loop {
        let mut saying = 0;
        for node in 0..3 {
            saying += usize::from(nodes.server(node).page(page).await.contains(text));
        }
        if saying == 1 {
            return;
        }
        assert!(started.elapsed() < 10 * SOON, "{saying} nodes say {text}");
        pass(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_is_edited_in_etcd_closes_its_workspace_alone_and_stops_no_node() {
    let etcd = Etcd::single().await;
    let mut nodes = Nodes::start(&etcd, 3).await;
    let request = v1::CreateWorkspaceRequest {
        workspace_id: "edited".into(),
        workspace: Some(v1::Workspace { preset: "intercom".into(), ..v1::Workspace::default() }),
        ..v1::CreateWorkspaceRequest::default()
    };
    AdminServiceClient::new(nodes.channel(0)).create_workspace(request).await.expect("a new workspace");
    acquire(&nodes, 1, "edited").await.expect("it is served");
    let good = stored(&etcd, "workspace/edited").await;
    nodes.stop(2).await;

    // While nodes run, and before one starts.
    edit(&etcd, "workspace/edited", b"\xff".to_vec()).await;
    for node in 0..2 {
        let why = until_it_answers(&nodes, node, "edited", Code::Unavailable).await;
        assert!(why.contains("workspace/edited cannot be read"), "{why}");
    }
    nodes.start_again(2).await;
    let why = until_it_answers(&nodes, 2, "edited", Code::Unavailable).await;
    assert!(why.contains("workspace/edited cannot be read"), "{why}");
    for node in 0..3 {
        acquire(&nodes, node, "default").await.expect("every other workspace is served");
        until_it_reads(&nodes, node, "/readyz", "edited is closed").await;
        assert!(nodes.server(node).page("/readyz").await.starts_with("HTTP/1.1 200"));
    }
    let trouble = "apportion_trouble{workspace=\"edited\",reason=\"WORKSPACE_CLOSED\"} 1";
    until_one_reads(&nodes, "/metrics", trouble).await;

    // It opens once the document can be used again.
    edit(&etcd, "workspace/edited", good).await;
    for node in 0..3 {
        until_it_answers(&nodes, node, "edited", Code::Ok).await;
    }
    nodes.have_not_panicked();
}
