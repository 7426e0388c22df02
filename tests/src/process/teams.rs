//! Creates and finds teams of the workspace `default`: changes that must not be lost once they are acknowledged.

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use tonic::{Code, Status};

use super::server::Server;

/// Creates a team of that name.
///
/// # Errors
/// The status of the server.
pub async fn create(server: &Server, team: &str) -> Result<(), Status> {
    let request = v1::CreateTeamRequest {
        parent: "workspaces/default".into(),
        team_id: team.into(),
        team: Some(v1::Team::default()),
        ..v1::CreateTeamRequest::default()
    };
    AdminServiceClient::new(server.channel()).create_team(request).await.map(|_| ())
}

/// Whether a team exists. Panics on any other error than NOT_FOUND.
pub async fn exists(server: &Server, team: &str) -> bool {
    let request = v1::GetTeamRequest { name: format!("workspaces/default/teams/{team}") };
    match AdminServiceClient::new(server.channel()).get_team(request).await {
        Ok(_) => true,
        Err(status) if status.code() == Code::NotFound => false,
        Err(status) => panic!("{team}: {status}"),
    }
}
