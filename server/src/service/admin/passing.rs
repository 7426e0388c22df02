//! Calls about a workspace go to its owner, which writes a change and puts it in force before it answers.

use crate::error::Error;
use crate::leases::{LeaseRouter, SingleCall, SingleRequest};
use crate::service::authorize::Identity;
use crate::service::deadline;
use crate::service::passed::{AssertedIdentity, assert_caller};
use crate::status::ErrorScope;
use prost::Message;
use std::time::Duration;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

/// The answer of the owner of the workspace of a call; none where this node is to carry it out. A call that another node passed on is
/// not passed on again.
pub(super) async fn pass<R, T>(
    leases: &LeaseRouter,
    who: &Identity,
    scope: &ErrorScope,
    path: &'static str,
    request: &Request<R>,
) -> Option<Result<Response<T>, Status>>
where
    R: Message + Clone + Send + Sync + 'static,
    T: Message + Default + Send + 'static,
{
    let cluster = leases.cluster()?;
    let shard = leases.shard_of(scope.workspace.as_ref()?);
    if request.extensions().get::<AssertedIdentity>().is_some() {
        return (!cluster.owns(shard)).then(|| Err(Error::NotOwner { shard }.status(scope)));
    }
    let mut headers = MetadataMap::new();
    assert_caller(&mut headers, who);
    let timeout = deadline::longest_wait(request.metadata());
    let timeout = timeout.map(|timeout| Duration::from_nanos(timeout.as_ns()));
    let message = request.get_ref().clone();
    match cluster.single(shard, SingleRequest { path, headers, message, timeout }).await {
        SingleCall::Here => None,
        SingleCall::Answered(answer) => Some(*answer),
        SingleCall::NoOwner => Some(Err(Error::NotOwner { shard }.status(scope))),
    }
}
