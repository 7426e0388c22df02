//! What would become of a request, as the owner of its workspace sees it.

use super::cluster::Cluster;
use super::here::Here;
use super::owned::{Question, Said};
use super::refresh::may_be_unseen;
use crate::engine::Acquire;
use crate::error::Error;
use apportion_core::explanation::Explanation;
use apportion_core::request::Reason;
use apportion_proto::peer_v1::peer_service_client::PeerServiceClient;
use apportion_proto::peer_v1::{self, ExplainOwnedLeaseRequest, explain_owned_lease_response::Outcome};
use apportion_proto::v1;
use std::time::Duration;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// An explanation of the owner.
#[derive(Clone, Debug)]
pub enum LeaseView {
    /// This node owns the workspace.
    Here(Box<Explanation>),
    /// Another node owns it.
    There(Box<v1::LeaseExplanation>),
}

/// The question what would become of a request.
pub(super) struct WhatIf<'a> {
    pub(super) here: &'a Here,
    pub(super) cluster: &'a Cluster,
    pub(super) acquire: &'a Acquire,
    /// The same as it came.
    pub(super) wire: &'a v1::ExplainLeaseRequest,
}

impl Question for WhatIf<'_> {
    type Answer = LeaseView;

    async fn here(&self) -> Result<LeaseView, Error> {
        let explained = explain_here(self.here, self.cluster, self.acquire).await;
        explained.map(|it| LeaseView::Here(Box::new(it)))
    }

    async fn there(
        &self,
        mut client: PeerServiceClient<Channel>,
        journey: peer_v1::Journey,
        patience: Duration,
    ) -> Result<Option<Said<LeaseView>>, Status> {
        let request = ExplainOwnedLeaseRequest { request: Some(self.wire.clone()), journey: Some(journey) };
        let mut request = Request::new(request);
        request.set_timeout(patience);
        let response = client.explain_owned_lease(request).await?.into_inner();
        Ok(response.outcome.map(|outcome| match outcome {
            Outcome::Explanation(explanation) => Said::Answer(LeaseView::There(Box::new(explanation))),
            Outcome::Refusal(refusal) => Said::Refusal(refusal),
            Outcome::NotOwner(not_owner) => Said::NotOwner(not_owner),
        }))
    }
}

/// The answer of this node, one of a cluster. A workspace or a team that it may not have seen yet is looked up in the store first.
///
/// # Errors
/// As [`Here::explain`], or why the store could not be asked.
pub(super) async fn explain_here(
    here: &Here,
    cluster: &Cluster,
    acquire: &Acquire,
) -> Result<Explanation, Error> {
    let explained = here.explain(acquire.clone()).await;
    let is_unseen = match &explained {
        Ok(explained) => explained.obstacle.as_ref().is_some_and(|it| it.reason == Reason::UnknownTeam),
        Err(error) => may_be_unseen(error),
    };
    if !is_unseen {
        return explained;
    }
    cluster.refresher.refresh(&acquire.workspace).await?;
    here.explain(acquire.clone()).await
}
