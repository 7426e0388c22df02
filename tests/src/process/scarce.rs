//! A workspace of which one permit is left in half an hour: whoever asks after the first waits.

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use prost_types::Duration;

use super::load::Client;
use super::server::Server;

/// The id of such a workspace.
pub const SCARCE: &str = "scarce";

/// Creates it in a server that asks for no credential, with a team `other` beside the team `default`, and takes its permit.
pub async fn create(server: &Server) {
    let mut admin = AdminServiceClient::new(server.channel());
    let window = Some(Duration { seconds: 1_800, nanos: 0 });
    let limit = v1::Limit { limit_id: "all".into(), permits: 1, window, ..v1::Limit::default() };
    let nothing = Some(v1::PriorityShares::default());
    let workspace =
        v1::Workspace { limits: vec![limit], holdback: nothing, floors: nothing, ..v1::Workspace::default() };
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

/// A request for a permit of it that waits so long.
pub fn ask(seconds: i64) -> v1::AcquireLeaseRequest {
    let max_wait = Some(Duration { seconds, nanos: 0 });
    v1::AcquireLeaseRequest { workspace: SCARCE.into(), max_wait, ..v1::AcquireLeaseRequest::default() }
}
