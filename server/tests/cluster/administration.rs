//! Changes of policy through any node, and who may speak for whom.

use crate::nodes::{Nodes, acquire, reason};
use apportion_proto::{peer_v1, v1};
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

/// A request with a token.
fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value: MetadataValue<_> = format!("Bearer {token}").parse().expect("printable");
    request.metadata_mut().insert("authorization", value);
    request
}

fn weigh(weight: u32) -> v1::UpdateTeamRequest {
    let team = v1::Team {
        name: "workspaces/default/teams/default".into(),
        weight: Some(weight),
        ..Default::default()
    };
    v1::UpdateTeamRequest { team: Some(team), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_through_any_node_is_in_force_at_the_owner_and_audited_once_with_its_caller() {
    const ROOT: &str = "root-secret-of-tests";
    let nodes = Nodes::start_with(2, Some(ROOT)).await;
    nodes.admin(1).update_team(with_token(ROOT, weigh(7))).await.expect("changed");
    let get = v1::GetTeamRequest { name: "workspaces/default/teams/default".into() };
    let of = async |node| nodes.admin(node).get_team(with_token(ROOT, get.clone())).await.expect("shown");
    for node in [0, 1] {
        assert_eq!(of(node).await.into_inner().team.map(|team| team.weight), Some(Some(7)));
    }
    let list = v1::ListAuditEntriesRequest { resource: get.name.clone(), ..Default::default() };
    let entries =
        nodes.admin(0).list_audit_entries(with_token(ROOT, list)).await.expect("listed").into_inner();
    let updates: Vec<_> = entries.audit_entries.iter().filter(|entry| entry.method == "UpdateTeam").collect();
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].actor, "tokens/environment");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_waits_for_an_owner_and_is_refused_without_one() {
    let nodes = Nodes::start(2).await;
    nodes.orphan();
    let mut short = Request::new(weigh(3));
    short.set_timeout(std::time::Duration::from_millis(200));
    assert_eq!(reason(nodes.admin(1).update_team(short).await), "NOT_OWNER");
    let mut admin = nodes.admin(1);
    let change = tokio::spawn(async move { admin.update_team(weigh(4)).await });
    tokio::task::yield_now().await;
    nodes.give(0, 2);
    change.await.expect("no panic").expect("changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_port_for_nodes_takes_another_ones_word_for_who_calls() {
    let nodes = Nodes::start_with(1, Some("root-secret-of-tests")).await;
    let caller = peer_v1::AssertedCaller { name: "x".into(), role: v1::Role::Admin.into(), scopes: vec![] };
    let forged = || {
        let mut request = Request::new(v1::ListTokensRequest::default());
        let value = MetadataValue::from_bytes(&prost::Message::encode_to_vec(&caller));
        request.metadata_mut().insert_bin("apportion-caller-bin", value);
        request
    };
    let status = nodes.admin(0).list_tokens(forged()).await.expect_err("refused");
    assert_eq!(status.code(), Code::Unauthenticated);
    let channel = |address: String| Endpoint::from_shared(format!("http://{address}")).expect("an address");
    // The public port does not know the contract between nodes.
    let public = channel(nodes.client_address(0)).connect().await.expect("it listens");
    let mut as_peer = peer_v1::peer_service_client::PeerServiceClient::new(public);
    let shown = as_peer.show_workspace(peer_v1::ShowWorkspaceRequest::default()).await;
    assert_eq!(shown.expect_err("refused").code(), Code::Unimplemented);
    // On the port for nodes it is taken, and nothing without it.
    let peers: Channel = channel(nodes.peer_address(0)).connect().await.expect("it listens");
    let mut admin = v1::admin_service_client::AdminServiceClient::new(peers);
    admin.list_tokens(forged()).await.expect("listed");
    let status = admin.list_tokens(v1::ListTokensRequest::default()).await.expect_err("refused");
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_token_opens_nothing_through_the_node_that_deleted_it() {
    const ROOT: &str = "root-secret-of-tests";
    let nodes = Nodes::start_with(2, Some(ROOT)).await;
    let status = nodes.quota(1).acquire_lease(acquire(1)).await.expect_err("refused");
    assert_eq!(status.code(), Code::Unauthenticated);
    let scopes = vec![v1::Scope { workspace: "default".into(), team: "other".into() }];
    let token = v1::Token { role: v1::Role::Client.into(), scopes, ..Default::default() };
    let create = v1::CreateTokenRequest { token_id: "a".into(), token: Some(token), ..Default::default() };
    let secret =
        nodes.admin(1).create_token(with_token(ROOT, create)).await.expect("created").into_inner().secret;
    // The owner knows no such token. It takes the word of the first node for who calls, and checks what that caller may do.
    let status = nodes.quota(1).acquire_lease(with_token(&secret, acquire(1))).await.expect_err("refused");
    assert_eq!(status.code(), Code::PermissionDenied);
    let delete = v1::DeleteTokenRequest { name: "tokens/a".into(), ..Default::default() };
    nodes.admin(1).delete_token(with_token(ROOT, delete)).await.expect("deleted");
    let status = nodes.quota(1).acquire_lease(with_token(&secret, acquire(1))).await.expect_err("refused");
    assert_eq!(status.code(), Code::Unauthenticated);
}
