//! Calls that other nodes pass on to this one, the owner of their workspaces. Served on the peer port only.
//!
//! Who calls is what the other node says: its certificate is of the cluster's own authority, or it is on this machine. What the caller
//! may do is checked here, as for a call that came directly. Modules stand in reading order, bottom first.

mod asserted;
mod waiting;

mod stream;

#[cfg(test)]
mod tests;

pub(crate) use asserted::{AssertedIdentity, accept, assert_caller, encode};

use super::explanation::{explained, wire_explanation};
use super::snapshot::wire_snapshot;
use crate::convert::names::workspace_id;
use crate::error::Error;
use crate::leases::{Cluster, Journey, LeaseRouter, wire_refusal};
use apportion_core::ids::WorkspaceId;
use apportion_proto::peer_v1::peer_service_server::PeerService;
use apportion_proto::peer_v1::show_workspace_response::Outcome;
use apportion_proto::peer_v1::{self, PassCallsRequest, ShowWorkspaceRequest, ShowWorkspaceResponse};
use apportion_proto::peer_v1::{
    ExplainOwnedLeaseRequest, ExplainOwnedLeaseResponse, explain_owned_lease_response as explained_response,
};
use std::sync::Arc;
use stream::PassedCalls;
use tonic::{Request, Response, Status, Streaming};

/// The service for other nodes.
#[derive(Clone, Debug)]
pub(crate) struct PeerCalls {
    leases: LeaseRouter,
    cluster: Arc<Cluster>,
}

impl PeerCalls {
    /// The service of a node of a cluster.
    pub(crate) fn new(leases: LeaseRouter, cluster: Arc<Cluster>) -> Self {
        Self { leases, cluster }
    }

    async fn show(&self, request: &ShowWorkspaceRequest) -> Result<Outcome, Error> {
        let workspace = workspace_id("workspace", &request.workspace)?;
        if let Some(not_owner) = self.not_owner(&workspace, request.journey.as_ref()) {
            return Ok(Outcome::NotOwner(not_owner));
        }
        let snapshot = self.leases.snapshot_here(&self.cluster, &workspace).await?;
        Ok(Outcome::Snapshot(wire_snapshot(&workspace, &snapshot, 0)))
    }

    async fn explain(&self, request: ExplainOwnedLeaseRequest) -> Result<explained_response::Outcome, Error> {
        let acquire = explained(&request.request.unwrap_or_default())?;
        if let Some(not_owner) = self.not_owner(&acquire.workspace, request.journey.as_ref()) {
            return Ok(explained_response::Outcome::NotOwner(not_owner));
        }
        let explanation = self.leases.explain_here(acquire).await?;
        Ok(explained_response::Outcome::Explanation(wire_explanation(&explanation)))
    }

    /// Who owns the shard of a workspace, if this node does not.
    fn not_owner(
        &self,
        workspace: &WorkspaceId,
        journey: Option<&peer_v1::Journey>,
    ) -> Option<peer_v1::NotOwner> {
        let not_owner = self.leases.shard_owner(workspace);
        let shard = u16::try_from(not_owner.shard).unwrap_or_default();
        (Journey::read(journey).is_none() || !self.cluster.owns(shard)).then_some(not_owner)
    }
}

#[tonic::async_trait]
impl PeerService for PeerCalls {
    type PassCallsStream = PassedCalls<Streaming<PassCallsRequest>>;

    async fn pass_calls(
        &self,
        request: Request<Streaming<PassCallsRequest>>,
    ) -> Result<Response<Self::PassCallsStream>, Status> {
        let (leases, cluster) = (self.leases.clone(), Arc::clone(&self.cluster));
        Ok(Response::new(PassedCalls::new(leases, cluster, request.into_inner())))
    }

    async fn show_workspace(
        &self,
        request: Request<ShowWorkspaceRequest>,
    ) -> Result<Response<ShowWorkspaceResponse>, Status> {
        let shown = self.show(request.get_ref()).await;
        let outcome = shown.unwrap_or_else(|error| Outcome::Refusal(wire_refusal(&error)));
        Ok(Response::new(ShowWorkspaceResponse { outcome: Some(outcome) }))
    }

    async fn explain_owned_lease(
        &self,
        request: Request<ExplainOwnedLeaseRequest>,
    ) -> Result<Response<ExplainOwnedLeaseResponse>, Status> {
        let explained = self.explain(request.into_inner()).await;
        let refusal = |error: Error| explained_response::Outcome::Refusal(wire_refusal(&error));
        let outcome = Some(explained.unwrap_or_else(refusal));
        Ok(Response::new(ExplainOwnedLeaseResponse { outcome }))
    }
}
