//! To make or change a workspace or team: the same for single commands and for `apply`.

use crate::connection::{Client, refused};
use apportion_proto::v1;
use prost_types::FieldMask;

/// How something is written.
pub(super) struct ResourceWrite {
    /// The fields to change; `None` creates the resource.
    pub(super) update_mask: Option<FieldMask>,
    pub(super) validate_only: bool,
    pub(super) allow_overcommit: bool,
}

impl ResourceWrite {
    /// Writes a workspace. Returns it and the warnings of the server.
    pub(super) async fn workspace(
        self,
        client: &mut Client,
        value: v1::Workspace,
    ) -> Result<(v1::Workspace, Vec<String>), String> {
        let Self { update_mask, validate_only, allow_overcommit } = self;
        let workspace_id = value.name.trim_start_matches("workspaces/").into();
        let workspace = Some(value);
        let done = if update_mask.is_some() {
            let request =
                v1::UpdateWorkspaceRequest { workspace, update_mask, validate_only, allow_overcommit };
            let done = client.update_workspace(request).await.map(tonic::Response::into_inner);
            done.map(|done| (done.workspace, done.warnings))
        } else {
            let request =
                v1::CreateWorkspaceRequest { workspace_id, workspace, validate_only, allow_overcommit };
            let done = client.create_workspace(request).await.map(tonic::Response::into_inner);
            done.map(|done| (done.workspace, done.warnings))
        };
        let (workspace, warnings) = done.map_err(|status| refused(&status))?;
        Ok((workspace.unwrap_or_default(), warnings))
    }

    /// Writes a team. Returns it and the warnings of the server.
    pub(super) async fn team(
        self,
        client: &mut Client,
        value: v1::Team,
    ) -> Result<(v1::Team, Vec<String>), String> {
        let Self { update_mask, validate_only, allow_overcommit } = self;
        let (parent, team_id) = value.name.split_once("/teams/").unwrap_or_default();
        let (parent, team_id) = (parent.into(), team_id.into());
        let team = Some(value);
        let done = if update_mask.is_some() {
            let request = v1::UpdateTeamRequest { team, update_mask, validate_only, allow_overcommit };
            let done = client.update_team(request).await.map(tonic::Response::into_inner);
            done.map(|done| (done.team, done.warnings))
        } else {
            let request = v1::CreateTeamRequest { parent, team_id, team, validate_only, allow_overcommit };
            let done = client.create_team(request).await.map(tonic::Response::into_inner);
            done.map(|done| (done.team, done.warnings))
        };
        let (team, warnings) = done.map_err(|status| refused(&status))?;
        Ok((team.unwrap_or_default(), warnings))
    }
}
