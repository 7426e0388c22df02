//! What only the owner of a workspace knows: asked of this node's engine, or of the node that owns the shard.

use super::cluster::{Cluster, Pauses};
use super::forwarded::ForwardResult;
use super::journey::Journey;
use super::messages::refused;
use crate::error::Error;
use crate::owners::{Owner, Route};
use apportion_proto::peer_v1::peer_service_client::PeerServiceClient;
use apportion_proto::{peer_v1, v1};
use std::future::Future;
use std::time::{Duration, Instant};
use tonic::Status;
use tonic::transport::Channel;

/// How long a question waits for an owner, and for its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What another node says to a question.
pub(super) enum Said<T> {
    Answer(T),
    Refusal(v1::Refusal),
    NotOwner(peer_v1::NotOwner),
}

/// A question that only an owner can answer.
pub(super) trait Question: Sync {
    type Answer: Send;

    /// The answer of this node.
    fn here(&self) -> impl Future<Output = Result<Self::Answer, Error>> + Send;

    /// What another node says. Nothing where its message is empty.
    fn there(
        &self,
        client: PeerServiceClient<Channel>,
        journey: peer_v1::Journey,
        patience: Duration,
    ) -> impl Future<Output = Result<Option<Said<Self::Answer>>, Status>> + Send;
}

/// The answer of the owner, wherever it is.
///
/// # Errors
/// The owner's; [`Error::NotOwner`] where no owner answers in time.
pub(super) async fn ask<Q: Question>(
    cluster: &Cluster,
    shard: u16,
    question: &Q,
) -> Result<Q::Answer, Error> {
    let mut pauses = Pauses::until(Instant::now() + PATIENCE);
    loop {
        let answer = match cluster.routes.route(shard) {
            Route::Local { .. } => Some(question.here().await),
            Route::Peer(owner) => match Journey::START.to(&owner) {
                Some(journey) => ask_there(cluster, shard, question, &owner, journey).await,
                None => None,
            },
            Route::Nobody => None,
        };
        if let Some(answer) = answer {
            return answer;
        }
        if !pauses.next(cluster).await {
            return Err(Error::NotOwner { shard });
        }
    }
}

/// What another node says; none where it is not the owner or cannot be reached.
async fn ask_there<Q: Question>(
    cluster: &Cluster,
    shard: u16,
    question: &Q,
    owner: &Owner,
    journey: peer_v1::Journey,
) -> Option<Result<Q::Answer, Error>> {
    let channel = cluster.peers.channel(&owner.peer_address).ok()?;
    let said = question.there(PeerServiceClient::new(channel), journey, PATIENCE).await;
    let Ok(said) = said else {
        cluster.note(ForwardResult::Lost);
        return None;
    };
    match said? {
        Said::Answer(answer) => {
            cluster.note(ForwardResult::Done);
            Some(Ok(answer))
        }
        Said::Refusal(refusal) => {
            cluster.note(ForwardResult::Refused);
            Some(Err(refused(refusal)))
        }
        Said::NotOwner(not_owner) => {
            cluster.note(ForwardResult::NotOwner);
            cluster.correct(shard, not_owner.owner);
            None
        }
    }
}
