//! Single calls, such as changes of policy, that are carried out by the owner of their workspace.
//!
//! A call that may have been carried out is not made again: its caller decides, who knows what a repeat does.

use super::cluster::{Cluster, Pauses};
use super::forwarded::ForwardResult;
use crate::owners::Route;
use apportion_proto::v1;
use hyper::http::uri::PathAndQuery;
use prost::Message;
use std::io;
use std::time::{Duration, Instant};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;

/// How long a call without a deadline waits for an owner and for its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What becomes of a single call.
pub(crate) enum SingleCall<T> {
    /// This node owns the workspace, and is to carry it out.
    Here,
    /// The owner has answered.
    Answered(Box<Result<Response<T>, Status>>),
    /// No owner was there in time.
    NoOwner,
}

/// A call that may be made at another node.
#[derive(Clone, Debug)]
pub(crate) struct SingleRequest<R> {
    pub(crate) path: &'static str,
    pub(crate) headers: MetadataMap,
    pub(crate) message: R,
    pub(crate) timeout: Option<Duration>,
}

impl Cluster {
    /// Makes a call at the owner of a shard, unless this node owns it.
    pub(crate) async fn single<R, T>(&self, shard: u16, request: SingleRequest<R>) -> SingleCall<T>
    where
        R: Message + Clone + Send + Sync + 'static,
        T: Message + Default + Send + 'static,
    {
        let deadline = Instant::now() + request.timeout.unwrap_or(PATIENCE);
        let mut pauses = Pauses::until(deadline);
        loop {
            let owner = match self.routes.route(shard) {
                Route::Local { .. } => return SingleCall::Here,
                Route::Peer(owner) => Some(owner),
                Route::Nobody => None,
            };
            if let Some(channel) = owner.and_then(|owner| self.peers.channel(&owner.peer_address).ok()) {
                let answer = make(channel, request.clone(), deadline).await;
                match answer.as_ref().err() {
                    None => self.note(ForwardResult::Done),
                    Some(status) if was_not_carried_out(status) => self.note(ForwardResult::NotOwner),
                    Some(_) => self.note(ForwardResult::Refused),
                }
                if !answer.as_ref().is_err_and(was_not_carried_out) {
                    return SingleCall::Answered(Box::new(answer));
                }
            }
            if !pauses.next(self).await {
                return SingleCall::NoOwner;
            }
        }
    }
}

async fn make<R, T>(
    channel: Channel,
    request: SingleRequest<R>,
    deadline: Instant,
) -> Result<Response<T>, Status>
where
    R: Message + Send + Sync + 'static,
    T: Message + Default + Send + 'static,
{
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let mut made = tonic::Request::new(request.message);
    *made.metadata_mut() = request.headers;
    made.set_timeout(deadline.saturating_duration_since(Instant::now()));
    grpc.unary(made, PathAndQuery::from_static(request.path), ProstCodec::<R, T>::default()).await
}

/// Whether it is certain that nobody carried the call out, so that it may be made again.
fn was_not_carried_out(status: &Status) -> bool {
    if status.code() != Code::Unavailable {
        return false;
    }
    let reasons = [v1::Reason::NotOwner, v1::Reason::Draining].map(|reason| reason.as_str_name());
    let is_reason = |reason: &str| reasons.iter().any(|name| name.trim_start_matches("REASON_") == reason);
    let details = status.get_error_details();
    if details.error_info().is_some_and(|said| is_reason(&said.reason)) {
        return true;
    }
    let first: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(status);
    let mut causes = std::iter::successors(first, |error| error.source());
    causes.any(|error| {
        error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    })
}
