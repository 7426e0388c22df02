//! What a workspace looks like to its owner.

use super::cluster::{Cluster, Pauses};
use super::forwarded::ForwardResult;
use super::journey::Journey;
use super::messages::refused;
use super::refresh::may_be_unseen;
use crate::engine::{Engine, Snapshot};
use crate::error::Error;
use crate::owners::{Owner, Route};
use apportion_core::ids::WorkspaceId;
use apportion_proto::peer_v1::peer_service_client::PeerServiceClient;
use apportion_proto::peer_v1::{self, ShowWorkspaceRequest, show_workspace_response::Outcome};
use apportion_proto::v1;
use std::time::{Duration, Instant};

/// How long a snapshot waits for an owner, and for its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A workspace at one instant, as its owner sees it.
#[derive(Clone, Debug)]
pub enum WorkspaceView {
    /// This node owns it.
    Here(Box<Snapshot>),
    /// Another node owns it.
    There(Box<v1::WorkspaceSnapshot>),
}

/// What a workspace looks like, wherever its owner is.
///
/// # Errors
/// [`Error::UnknownWorkspace`]; [`Error::NotOwner`] where no owner answers in time.
pub(super) async fn show(
    engine: &Engine,
    cluster: &Cluster,
    workspace: &WorkspaceId,
) -> Result<WorkspaceView, Error> {
    let shard = engine.shard_of(workspace);
    let mut pauses = Pauses::until(Instant::now() + PATIENCE);
    loop {
        let seen = match cluster.routes.route(shard) {
            Route::Local { .. } => {
                let shown = show_here(engine, cluster, workspace).await;
                Some(shown.map(|now| WorkspaceView::Here(Box::new(now))))
            }
            Route::Peer(owner) => match Journey::START.to(&owner) {
                Some(journey) => show_there(cluster, shard, workspace, &owner, journey).await,
                None => None,
            },
            Route::Nobody => None,
        };
        if let Some(seen) = seen {
            return seen;
        }
        if !pauses.next(cluster).await {
            return Err(Error::NotOwner { shard });
        }
    }
}

/// What a workspace of this node looks like.
///
/// # Errors
/// [`Error::UnknownWorkspace`], or why the store could not be asked for it.
pub(super) async fn show_here(
    engine: &Engine,
    cluster: &Cluster,
    workspace: &WorkspaceId,
) -> Result<Snapshot, Error> {
    match engine.snapshot(workspace) {
        Err(error) if may_be_unseen(&error) => {
            cluster.refresher.refresh(workspace).await?;
            engine.snapshot(workspace)
        }
        shown => shown,
    }
}

/// What another node says of a workspace; none where it is not the owner or cannot be reached.
async fn show_there(
    cluster: &Cluster,
    shard: u16,
    workspace: &WorkspaceId,
    owner: &Owner,
    journey: peer_v1::Journey,
) -> Option<Result<WorkspaceView, Error>> {
    let channel = cluster.peers.channel(&owner.peer_address).ok()?;
    let request = ShowWorkspaceRequest { workspace: workspace.to_string(), journey: Some(journey) };
    let mut request = tonic::Request::new(request);
    request.set_timeout(PATIENCE);
    let Ok(response) = PeerServiceClient::new(channel).show_workspace(request).await else {
        cluster.note(ForwardResult::Lost);
        return None;
    };
    match response.into_inner().outcome? {
        Outcome::Snapshot(snapshot) => {
            cluster.note(ForwardResult::Done);
            Some(Ok(WorkspaceView::There(Box::new(snapshot))))
        }
        Outcome::Refusal(refusal) => {
            cluster.note(ForwardResult::Refused);
            Some(Err(refused(refusal)))
        }
        Outcome::NotOwner(not_owner) => {
            cluster.note(ForwardResult::NotOwner);
            cluster.correct(shard, not_owner.owner);
            None
        }
    }
}
