//! The calls of people and automation: who shares what, who may, and who changed it.

mod audit;
mod backup;
mod list;
mod room;
mod teams;
mod tokens;
mod workspaces;

pub(crate) use room::Policies;
pub(crate) use room::check;

use super::authorize::{Act, Identity, act_of};
use super::gate;
use crate::convert::names;
use crate::status::{Error, Place};
use crate::store::Embedded;
use apportion_proto::v1;
use backup::Backups;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The name of the service in the contract.
const SERVICE: &str = "apportion.v1.AdminService";

/// The service for those who say who shares what.
#[derive(Clone)]
pub(crate) struct Admin {
    room: Arc<Policies>,
    backups: Backups,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

impl Admin {
    /// The service of a room of policies, and of the store that they are kept in.
    pub(crate) fn new(room: Arc<Policies>, store: Arc<Embedded>) -> Self {
        Self { room, backups: Backups::new(store) }
    }

    fn who<R>(&self, request: &Request<R>) -> Result<Arc<Identity>, Error> {
        self.room.gate.identity(request, || self.room.engine.clock().now())
    }

    /// Says who calls, whether they may, and does it where blocking harms nobody. Whoever goes away meanwhile stops nothing.
    async fn call<R: Send + 'static, T: Send + 'static>(
        &self,
        request: Request<R>,
        method: &str,
        place: impl Fn(&R) -> Place,
        act: fn(&Policies, &Identity, &R) -> Result<T, Error>,
    ) -> Result<Response<T>, Status> {
        let who = gate::slowed(self.who(&request)).await;
        let who = who.map_err(|error| error.status(&Place::default()))?;
        let place = place(request.get_ref());
        may(&who, method).map_err(|error| error.status(&place))?;
        let (room, request) = (Arc::clone(&self.room), request.into_inner());
        let done = tokio::task::spawn_blocking(move || act(&room, &who, &request)).await;
        let done = done.unwrap_or(Err(Error::Internal("a change failed")));
        done.map(Response::new).map_err(|error| error.status(&place))
    }
}

/// Whether the method may be called at all. What may be looked at, it says itself.
fn may(who: &Identity, method: &str) -> Result<(), Error> {
    match act_of(SERVICE, method).ok_or(Error::PermissionDenied)? {
        Act::Look => Ok(()),
        act => gate::check(who, act, None, &[]),
    }
}

fn workspace(id: &str) -> Place {
    place(&format!("workspaces/{id}"))
}

/// The place that a name tells of, as far as it is one.
fn place(name: &str) -> Place {
    if let Ok((workspace, team)) = names::team("", name) {
        return Place { workspace: Some(workspace), team: Some(team) };
    }
    Place { workspace: names::workspace("", name).ok(), team: None }
}

#[tonic::async_trait]
impl v1::admin_service_server::AdminService for Admin {
    async fn create_workspace(
        &self,
        request: Request<v1::CreateWorkspaceRequest>,
    ) -> Result<Response<v1::CreateWorkspaceResponse>, Status> {
        let place = |request: &v1::CreateWorkspaceRequest| workspace(&request.workspace_id);
        self.call(request, "CreateWorkspace", place, Policies::create_workspace).await
    }

    async fn get_workspace(
        &self,
        request: Request<v1::GetWorkspaceRequest>,
    ) -> Result<Response<v1::GetWorkspaceResponse>, Status> {
        let place = |request: &v1::GetWorkspaceRequest| place(&request.name);
        self.call(request, "GetWorkspace", place, Policies::show_workspace).await
    }

    async fn list_workspaces(
        &self,
        request: Request<v1::ListWorkspacesRequest>,
    ) -> Result<Response<v1::ListWorkspacesResponse>, Status> {
        let place = |_: &v1::ListWorkspacesRequest| Place::default();
        self.call(request, "ListWorkspaces", place, Policies::list_workspaces).await
    }

    async fn update_workspace(
        &self,
        request: Request<v1::UpdateWorkspaceRequest>,
    ) -> Result<Response<v1::UpdateWorkspaceResponse>, Status> {
        let place = |request: &v1::UpdateWorkspaceRequest| {
            place(request.workspace.as_ref().map_or("", |held| &held.name))
        };
        self.call(request, "UpdateWorkspace", place, Policies::update_workspace).await
    }

    async fn delete_workspace(
        &self,
        request: Request<v1::DeleteWorkspaceRequest>,
    ) -> Result<Response<v1::DeleteWorkspaceResponse>, Status> {
        let place = |request: &v1::DeleteWorkspaceRequest| place(&request.name);
        self.call(request, "DeleteWorkspace", place, Policies::delete_workspace).await
    }

    async fn create_team(
        &self,
        request: Request<v1::CreateTeamRequest>,
    ) -> Result<Response<v1::CreateTeamResponse>, Status> {
        let place =
            |request: &v1::CreateTeamRequest| place(&format!("{}/teams/{}", request.parent, request.team_id));
        self.call(request, "CreateTeam", place, Policies::create_team).await
    }

    async fn get_team(
        &self,
        request: Request<v1::GetTeamRequest>,
    ) -> Result<Response<v1::GetTeamResponse>, Status> {
        let place = |request: &v1::GetTeamRequest| place(&request.name);
        self.call(request, "GetTeam", place, Policies::show_team).await
    }

    async fn list_teams(
        &self,
        request: Request<v1::ListTeamsRequest>,
    ) -> Result<Response<v1::ListTeamsResponse>, Status> {
        let place = |request: &v1::ListTeamsRequest| place(&request.parent);
        self.call(request, "ListTeams", place, Policies::list_teams).await
    }

    async fn update_team(
        &self,
        request: Request<v1::UpdateTeamRequest>,
    ) -> Result<Response<v1::UpdateTeamResponse>, Status> {
        let place =
            |request: &v1::UpdateTeamRequest| place(request.team.as_ref().map_or("", |held| &held.name));
        self.call(request, "UpdateTeam", place, Policies::update_team).await
    }

    async fn delete_team(
        &self,
        request: Request<v1::DeleteTeamRequest>,
    ) -> Result<Response<v1::DeleteTeamResponse>, Status> {
        let place = |request: &v1::DeleteTeamRequest| place(&request.name);
        self.call(request, "DeleteTeam", place, Policies::delete_team).await
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>, Status> {
        let place = |_: &v1::CreateTokenRequest| Place::default();
        self.call(request, "CreateToken", place, Policies::create_token).await
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::ListTokensResponse>, Status> {
        let place = |_: &v1::ListTokensRequest| Place::default();
        self.call(request, "ListTokens", place, Policies::list_tokens).await
    }

    async fn delete_token(
        &self,
        request: Request<v1::DeleteTokenRequest>,
    ) -> Result<Response<v1::DeleteTokenResponse>, Status> {
        let place = |_: &v1::DeleteTokenRequest| Place::default();
        self.call(request, "DeleteToken", place, Policies::delete_token).await
    }

    async fn list_audit_entries(
        &self,
        request: Request<v1::ListAuditEntriesRequest>,
    ) -> Result<Response<v1::ListAuditEntriesResponse>, Status> {
        let place = |_: &v1::ListAuditEntriesRequest| Place::default();
        self.call(request, "ListAuditEntries", place, Policies::list_audit_entries).await
    }

    type BackupStoreStream = backup::Pieces;

    async fn backup_store(
        &self,
        request: Request<v1::BackupStoreRequest>,
    ) -> Result<Response<Self::BackupStoreStream>, Status> {
        let who = gate::slowed(self.who(&request)).await;
        let who = who.map_err(|error| error.status(&Place::default()))?;
        let said = |error: Error| error.status(&Place::default());
        may(&who, "BackupStore").map_err(said)?;
        self.backups.start(&self.room, who).await.map(Response::new).map_err(said)
    }
}

#[cfg(test)]
mod tests;
