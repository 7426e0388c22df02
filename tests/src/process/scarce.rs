//! A workspace with one permit in half an hour: every request after the first waits.

use super::server::Server;
use super::wire::{Client, seconds};
use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;

/// The id of the workspace.
pub const SCARCE: &str = "scarce";

/// Creates the workspace, on a server without credentials, with a team `other` beside the team `default`, and takes its permit.
pub async fn create(server: &Server) {
    let mut admin = AdminServiceClient::new(server.channel());
    let window = Some(seconds(1_800));
    let limit = v1::Limit { limit_id: "all".into(), permits: 1, window, ..v1::Limit::default() };
    let none = Some(v1::PriorityShares::default());
    let workspace =
        v1::Workspace { limits: vec![limit], holdback: none, floors: none, ..v1::Workspace::default() };
    let request = v1::CreateWorkspaceRequest {
        workspace_id: SCARCE.into(),
        workspace: Some(workspace),
        ..v1::CreateWorkspaceRequest::default()
    };
    admin.create_workspace(request).await.expect("a new workspace");
    let request = v1::CreateTeamRequest {
        parent: format!("workspaces/{SCARCE}"),
        team_id: "other".into(),
        team: Some(v1::Team::default()),
        ..v1::CreateTeamRequest::default()
    };
    admin.create_team(request).await.expect("a new team");
    Client::new(server.channel()).acquire_lease(ask(60)).await.expect("the only permit");
}

/// A request for one of its permits.
pub fn ask(max_wait_s: i64) -> v1::AcquireLeaseRequest {
    let max_wait = Some(seconds(max_wait_s));
    v1::AcquireLeaseRequest { workspace: SCARCE.into(), max_wait, ..v1::AcquireLeaseRequest::default() }
}
