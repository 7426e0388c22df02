//! Policies for tests: a workspace with one limit, and requests for its teams.

use crate::served::Served;
use apportion_proto::v1;

pub(crate) fn limit(id: &str, permits: u32, seconds: i64) -> v1::Limit {
    let window = Some(prost_types::Duration { seconds, nanos: 0 });
    v1::Limit { limit_id: id.into(), permits, window, ..v1::Limit::default() }
}

pub(crate) fn workspace(permits: u32) -> v1::Workspace {
    v1::Workspace { limits: vec![limit("l", permits, 10)], ..v1::Workspace::default() }
}

pub(crate) fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask { paths: paths.iter().map(|path| String::from(*path)).collect() })
}

pub(crate) fn team_request(id: &str, team: v1::Team) -> v1::CreateTeamRequest {
    let (parent, team_id, team) = ("workspaces/w".into(), id.into(), Some(team));
    v1::CreateTeamRequest { parent, team_id, team, ..Default::default() }
}

pub(crate) async fn with_workspace(permits: u32) -> (Served, v1::Workspace) {
    let served = Served::start().await;
    let request = v1::CreateWorkspaceRequest {
        workspace_id: "w".into(),
        workspace: Some(workspace(permits)),
        ..Default::default()
    };
    let made = served.admin().create_workspace(request).await.expect("created").into_inner();
    (served, made.workspace.expect("it comes back"))
}
