//! The policy of the tests with Envoy: the workspace `default` with short windows, two teams of weight 3 and 1, an urgent one, and the
//! domain `mesh`.

use crate::process::server::Server;
use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use std::time::Duration;

/// The permits of one window.
pub const LIMIT: u32 = 400;
/// The length of a window.
pub const WINDOW: Duration = Duration::from_secs(4);

/// Makes the policy, before anything is granted. A request of RLS waits for so long.
pub async fn prepare(server: &Server, max_wait: Duration) {
    let mut admin = AdminServiceClient::new(server.channel());
    let span = |span: Duration| prost_types::Duration::try_from(span).ok();
    let limit =
        v1::Limit { limit_id: "window".into(), permits: LIMIT, window: span(WINDOW), ..Default::default() };
    let workspace =
        v1::Workspace { name: "workspaces/default".into(), limits: vec![limit], ..Default::default() };
    let request = v1::UpdateWorkspaceRequest { workspace: Some(workspace), ..Default::default() };
    admin.update_workspace(request).await.expect("the limit is changed");
    let critical = v1::Priority::Critical.into();
    let urgent = v1::Team { priority: critical, highest_priority: critical, ..v1::Team::default() };
    let heavy = v1::Team { weight: Some(3), ..v1::Team::default() };
    for (team_id, team) in [("sync", heavy), ("crm", v1::Team::default()), ("support", urgent)] {
        let parent = "workspaces/default".into();
        let request =
            v1::CreateTeamRequest { parent, team_id: team_id.into(), team: Some(team), ..Default::default() };
        admin.create_team(request).await.expect("the team is made");
    }
    let domain = v1::Domain {
        workspace: "workspaces/default".into(),
        max_wait: span(max_wait),
        ..v1::Domain::default()
    };
    let request =
        v1::CreateDomainRequest { domain_id: "mesh".into(), domain: Some(domain), ..Default::default() };
    admin.create_domain(request).await.expect("the domain is made");
}
