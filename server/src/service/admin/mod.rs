//! The calls of administrators: workspaces, teams, domains, tokens, the nodes of a cluster, the audit log and backups.

mod list;

mod change_error;
mod check;
mod stored;

mod passing;
mod policies;

mod audit;
mod backup;
mod cluster;
mod domains;
mod teams;
mod tokens;
mod workspaces;

mod followed;

pub(crate) use check::check;
pub(crate) use policies::Policies;
pub(crate) use stored::usable_policy;

use super::authorize::{Action, Identity, action_of};
use super::gate;
use crate::convert::names;
use crate::error::Error;
use crate::leases::LeaseRouter;
use crate::membership::{ClusterView, Membership};
use crate::status::ErrorScope;
use crate::store::Store;
use apportion_proto::v1;
use backup::Backups;
use prost::Message;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The name of the service in the contract.
const SERVICE: &str = "apportion.v1.AdminService";

/// The service for administrators.
#[derive(Clone)]
pub(crate) struct Admin {
    policies: Arc<Policies>,
    leases: LeaseRouter,
    /// The part of this server in its cluster, where it is a node of one.
    membership: Option<Arc<Membership>>,
    backups: Backups,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

impl Admin {
    /// The service of these policies, and of the store that holds them. `leases` knows who owns which workspace, `membership` the
    /// nodes.
    pub(crate) fn new(
        policies: Arc<Policies>,
        store: Arc<dyn Store>,
        leases: LeaseRouter,
        membership: Option<Arc<Membership>>,
    ) -> Self {
        Self { policies, leases, membership, backups: Backups::new(store) }
    }

    fn who<R>(&self, request: &Request<R>) -> Result<Arc<Identity>, Error> {
        self.policies.gate.identity(request, || self.policies.engine.clock().now())
    }

    /// Identifies the caller, authorizes the call, and runs it on a thread that may block, or has the owner of its workspace carry it
    /// out. A caller that goes away stops nothing.
    async fn call<R, T>(
        &self,
        request: Request<R>,
        path: &'static str,
        scope: impl Fn(&R) -> ErrorScope,
        act: fn(&Policies, &Identity, &R) -> Result<T, Error>,
    ) -> Result<Response<T>, Status>
    where
        R: Message + Clone + Send + Sync + 'static,
        T: Message + Default + Send + 'static,
    {
        let scope = scope(request.get_ref());
        let who = self.admit(&request, path.rsplit('/').next().unwrap_or_default(), &scope).await?;
        if let Some(answer) = passing::pass(&self.leases, &who, &scope, path, &request).await {
            return answer;
        }
        let request = request.into_inner();
        self.run(&scope, move |policies| act(policies, &who, &request)).await
    }

    /// Identifies the caller of a call about the nodes of a cluster, authorizes the call, and runs it on a thread that may block, with
    /// the cluster as this node sees it. Any node carries it out.
    async fn call_in_cluster<R: Send + 'static, T: Send + 'static>(
        &self,
        request: Request<R>,
        method: &str,
        act: fn(&Policies, &ClusterView, &Identity, &R) -> Result<T, Error>,
    ) -> Result<Response<T>, Status> {
        let scope = ErrorScope::default();
        let who = self.admit(&request, method, &scope).await?;
        let membership = self.membership.as_ref().ok_or_else(|| Error::NoCluster.status(&scope))?;
        let view = membership.view().await.ok_or_else(|| Error::Draining.status(&scope))?;
        let request = request.into_inner();
        self.run(&scope, move |policies| act(policies, &view, &who, &request)).await
    }

    /// The caller, who may make the call.
    async fn admit<R>(
        &self,
        request: &Request<R>,
        method: &str,
        scope: &ErrorScope,
    ) -> Result<Arc<Identity>, Status> {
        let who = gate::slowed(self.who(request)).await;
        let who = who.map_err(|error| error.status(&ErrorScope::default()))?;
        may(&who, method).map_err(|error| error.status(scope))?;
        Ok(who)
    }

    async fn run<T: Send + 'static>(
        &self,
        scope: &ErrorScope,
        act: impl FnOnce(&Policies) -> Result<T, Error> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let policies = Arc::clone(&self.policies);
        let done = tokio::task::spawn_blocking(move || act(&policies)).await;
        let done = done.unwrap_or(Err(Error::Internal("the change panicked")));
        done.map(Response::new).map_err(|error| error.status(scope))
    }
}

/// Whether the caller may call the method at all. A method that reads checks the resource itself.
fn may(who: &Identity, method: &str) -> Result<(), Error> {
    match action_of(SERVICE, method).ok_or(Error::PermissionDenied)? {
        Action::Read => Ok(()),
        action => gate::check(who, action, None, &[]),
    }
}

fn workspace(id: &str) -> ErrorScope {
    scope(&format!("workspaces/{id}"))
}

/// The scope of a resource name; empty where it is malformed.
fn scope(name: &str) -> ErrorScope {
    if let Ok((workspace, team)) = names::team("", name) {
        return ErrorScope { workspace: Some(workspace), team: Some(team) };
    }
    ErrorScope { workspace: names::workspace("", name).ok(), team: None }
}

#[tonic::async_trait]
impl v1::admin_service_server::AdminService for Admin {
    async fn create_workspace(
        &self,
        request: Request<v1::CreateWorkspaceRequest>,
    ) -> Result<Response<v1::CreateWorkspaceResponse>, Status> {
        let scope = |request: &v1::CreateWorkspaceRequest| workspace(&request.workspace_id);
        self.call(request, "/apportion.v1.AdminService/CreateWorkspace", scope, Policies::create_workspace)
            .await
    }

    async fn get_workspace(
        &self,
        request: Request<v1::GetWorkspaceRequest>,
    ) -> Result<Response<v1::GetWorkspaceResponse>, Status> {
        let scope = |request: &v1::GetWorkspaceRequest| scope(&request.name);
        self.call(request, "/apportion.v1.AdminService/GetWorkspace", scope, Policies::show_workspace).await
    }

    async fn list_workspaces(
        &self,
        request: Request<v1::ListWorkspacesRequest>,
    ) -> Result<Response<v1::ListWorkspacesResponse>, Status> {
        let scope = |_: &v1::ListWorkspacesRequest| ErrorScope::default();
        self.call(request, "/apportion.v1.AdminService/ListWorkspaces", scope, Policies::list_workspaces)
            .await
    }

    async fn update_workspace(
        &self,
        request: Request<v1::UpdateWorkspaceRequest>,
    ) -> Result<Response<v1::UpdateWorkspaceResponse>, Status> {
        let scope = |request: &v1::UpdateWorkspaceRequest| {
            scope(request.workspace.as_ref().map_or("", |held| &held.name))
        };
        self.call(request, "/apportion.v1.AdminService/UpdateWorkspace", scope, Policies::update_workspace)
            .await
    }

    async fn delete_workspace(
        &self,
        request: Request<v1::DeleteWorkspaceRequest>,
    ) -> Result<Response<v1::DeleteWorkspaceResponse>, Status> {
        let scope = |request: &v1::DeleteWorkspaceRequest| scope(&request.name);
        self.call(request, "/apportion.v1.AdminService/DeleteWorkspace", scope, Policies::delete_workspace)
            .await
    }

    async fn create_team(
        &self,
        request: Request<v1::CreateTeamRequest>,
    ) -> Result<Response<v1::CreateTeamResponse>, Status> {
        let scope =
            |request: &v1::CreateTeamRequest| scope(&format!("{}/teams/{}", request.parent, request.team_id));
        self.call(request, "/apportion.v1.AdminService/CreateTeam", scope, Policies::create_team).await
    }

    async fn get_team(
        &self,
        request: Request<v1::GetTeamRequest>,
    ) -> Result<Response<v1::GetTeamResponse>, Status> {
        let scope = |request: &v1::GetTeamRequest| scope(&request.name);
        self.call(request, "/apportion.v1.AdminService/GetTeam", scope, Policies::show_team).await
    }

    async fn list_teams(
        &self,
        request: Request<v1::ListTeamsRequest>,
    ) -> Result<Response<v1::ListTeamsResponse>, Status> {
        let scope = |request: &v1::ListTeamsRequest| scope(&request.parent);
        self.call(request, "/apportion.v1.AdminService/ListTeams", scope, Policies::list_teams).await
    }

    async fn update_team(
        &self,
        request: Request<v1::UpdateTeamRequest>,
    ) -> Result<Response<v1::UpdateTeamResponse>, Status> {
        let scope =
            |request: &v1::UpdateTeamRequest| scope(request.team.as_ref().map_or("", |held| &held.name));
        self.call(request, "/apportion.v1.AdminService/UpdateTeam", scope, Policies::update_team).await
    }

    async fn delete_team(
        &self,
        request: Request<v1::DeleteTeamRequest>,
    ) -> Result<Response<v1::DeleteTeamResponse>, Status> {
        let scope = |request: &v1::DeleteTeamRequest| scope(&request.name);
        self.call(request, "/apportion.v1.AdminService/DeleteTeam", scope, Policies::delete_team).await
    }

    async fn create_domain(
        &self,
        request: Request<v1::CreateDomainRequest>,
    ) -> Result<Response<v1::CreateDomainResponse>, Status> {
        let scope = |_: &v1::CreateDomainRequest| ErrorScope::default();
        self.call(request, "/apportion.v1.AdminService/CreateDomain", scope, Policies::create_domain).await
    }

    async fn get_domain(
        &self,
        request: Request<v1::GetDomainRequest>,
    ) -> Result<Response<v1::GetDomainResponse>, Status> {
        let scope = |_: &v1::GetDomainRequest| ErrorScope::default();
        self.call(request, "/apportion.v1.AdminService/GetDomain", scope, Policies::show_domain).await
    }

    async fn list_domains(
        &self,
        request: Request<v1::ListDomainsRequest>,
    ) -> Result<Response<v1::ListDomainsResponse>, Status> {
        let scope = |_: &v1::ListDomainsRequest| ErrorScope::default();
        self.call(request, "/apportion.v1.AdminService/ListDomains", scope, Policies::list_domains).await
    }

    async fn update_domain(
        &self,
        request: Request<v1::UpdateDomainRequest>,
    ) -> Result<Response<v1::UpdateDomainResponse>, Status> {
        let scope = |_: &v1::UpdateDomainRequest| ErrorScope::default();
        self.call(request, "/apportion.v1.AdminService/UpdateDomain", scope, Policies::update_domain).await
    }

    async fn delete_domain(
        &self,
        request: Request<v1::DeleteDomainRequest>,
    ) -> Result<Response<v1::DeleteDomainResponse>, Status> {
        let scope = |_: &v1::DeleteDomainRequest| ErrorScope::default();
        self.call(request, "/apportion.v1.AdminService/DeleteDomain", scope, Policies::delete_domain).await
    }

    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>, Status> {
        let scope = |_: &v1::CreateTokenRequest| ErrorScope::default();
        self.call(request, "/apportion.v1.AdminService/CreateToken", scope, Policies::create_token).await
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::ListTokensResponse>, Status> {
        let scope = |_: &v1::ListTokensRequest| ErrorScope::default();
        self.call(request, "/apportion.v1.AdminService/ListTokens", scope, Policies::list_tokens).await
    }

    async fn delete_token(
        &self,
        request: Request<v1::DeleteTokenRequest>,
    ) -> Result<Response<v1::DeleteTokenResponse>, Status> {
        let scope = |_: &v1::DeleteTokenRequest| ErrorScope::default();
        self.call(request, "/apportion.v1.AdminService/DeleteToken", scope, Policies::delete_token).await
    }

    async fn list_audit_entries(
        &self,
        request: Request<v1::ListAuditEntriesRequest>,
    ) -> Result<Response<v1::ListAuditEntriesResponse>, Status> {
        let scope = |_: &v1::ListAuditEntriesRequest| ErrorScope::default();
        self.call(request, "/apportion.v1.AdminService/ListAuditEntries", scope, Policies::list_audit_entries)
            .await
    }

    async fn get_cluster(
        &self,
        request: Request<v1::GetClusterRequest>,
    ) -> Result<Response<v1::GetClusterResponse>, Status> {
        self.call_in_cluster(request, "GetCluster", Policies::show_cluster).await
    }

    async fn drain_node(
        &self,
        request: Request<v1::DrainNodeRequest>,
    ) -> Result<Response<v1::DrainNodeResponse>, Status> {
        self.call_in_cluster(request, "DrainNode", Policies::drain_node).await
    }

    async fn undrain_node(
        &self,
        request: Request<v1::UndrainNodeRequest>,
    ) -> Result<Response<v1::UndrainNodeResponse>, Status> {
        self.call_in_cluster(request, "UndrainNode", Policies::undrain_node).await
    }

    async fn move_workspace(
        &self,
        request: Request<v1::MoveWorkspaceRequest>,
    ) -> Result<Response<v1::MoveWorkspaceResponse>, Status> {
        self.call_in_cluster(request, "MoveWorkspace", Policies::move_workspace).await
    }

    async fn release_workspace(
        &self,
        request: Request<v1::ReleaseWorkspaceRequest>,
    ) -> Result<Response<v1::ReleaseWorkspaceResponse>, Status> {
        self.call_in_cluster(request, "ReleaseWorkspace", Policies::release_workspace).await
    }

    type BackupStoreStream = backup::BackupStream;

    async fn backup_store(
        &self,
        request: Request<v1::BackupStoreRequest>,
    ) -> Result<Response<Self::BackupStoreStream>, Status> {
        let who = gate::slowed(self.who(&request)).await;
        let who = who.map_err(|error| error.status(&ErrorScope::default()))?;
        let status = |error: Error| error.status(&ErrorScope::default());
        may(&who, "BackupStore").map_err(status)?;
        self.backups.start(&self.policies, who).await.map(Response::new).map_err(status)
    }
}

#[cfg(test)]
mod tests;
