//! A request for a lease that this node decides, or passes on, until an owner has decided.

use super::caller::LeaseCaller;
use super::cluster::{Cluster, Pauses};
use super::forwarded::ForwardResult;
use super::here::Here;
use super::journey::Journey;
use super::lease::{DecidedLease, PassedLease};
use super::messages::{held, is_not_owner, refused, wire_acquire};
use super::refresh::may_be_unseen;
use crate::engine::{Acquire, Acquired, PendingAcquire};
use crate::error::Error;
use crate::owners::{Owner, Route};
use crate::peer::{CallSubject, PeerLink, PeerReply};
use apportion_core::time::Span;
use apportion_proto::peer_v1::{self, PassCallsRequest, PassCallsResponse};
use apportion_proto::peer_v1::{pass_calls_request as request, pass_calls_response as response};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a request without any deadline waits for an owner.
const OWNER_TIMEOUT: Duration = Duration::from_secs(10);
/// The least time that any request waits for one.
const LEAST_WAIT: Duration = Duration::from_millis(50);

/// What came of one attempt.
pub(super) enum Attempt<T> {
    /// An owner has decided.
    Decided(Result<T, Error>),
    /// Another owner is known now.
    Moved,
    /// Nobody has decided: it is to be tried again after a pause.
    Undecided,
}

/// A request, with what it takes to make it again.
pub(super) struct AnywhereRequest {
    pub(super) here: Here,
    pub(super) cluster: Arc<Cluster>,
    pub(super) by: Arc<dyn LeaseCaller>,
    pub(super) shard: u16,
    pub(super) request: Acquire,
    pub(super) longest_wait: Option<Span>,
    pub(super) journey: Journey,
    /// When this node got it.
    pub(super) received: Instant,
}

impl AnywhereRequest {
    /// The answer of the owner. `pending`: it waits at this node already.
    ///
    /// # Errors
    /// The owner's; [`Error::NotOwner`] where there was none in time, and [`Error::Draining`] where this node stops before.
    pub(super) async fn answer(self, pending: Option<PendingAcquire>) -> Result<DecidedLease, Error> {
        let cluster = Arc::clone(&self.cluster);
        let _waits = Arc::clone(&cluster.waiting);
        tokio::select! {
            biased;
            answer = self.decided(pending) => answer,
            () = cluster.stopping.cancelled() => Err(Error::Draining),
        }
    }

    async fn decided(mut self, pending: Option<PendingAcquire>) -> Result<DecidedLease, Error> {
        let mut pauses = Pauses::until(self.received + self.patience());
        let mut attempt = match pending {
            Some(pending) => decided_here(pending.await),
            None => self.attempt().await,
        };
        loop {
            match attempt {
                Attempt::Decided(decided) => return decided,
                // The node that passed it on makes it again.
                _ if self.journey.was_passed() => return Err(Error::NotOwner { shard: self.shard }),
                Attempt::Moved => {}
                Attempt::Undecided => {
                    if !pauses.next(&self.cluster).await {
                        return Err(Error::NotOwner { shard: self.shard });
                    }
                }
            }
            attempt = self.attempt().await;
        }
    }

    /// How long it waits for an owner.
    fn patience(&self) -> Duration {
        let wait = self.request.max_wait.into_iter().chain(self.longest_wait).min();
        wait.map_or(OWNER_TIMEOUT, |wait| Duration::from_nanos(wait.as_ns()).max(LEAST_WAIT))
    }

    async fn attempt(&mut self) -> Attempt<DecidedLease> {
        match self.cluster.routes.route(self.shard) {
            Route::Local { epoch } if self.journey.is_met_by(epoch) => self.attempt_here().await,
            Route::Peer(owner) => match self.journey.to(&owner) {
                Some(journey) => self.attempt_there(owner, journey).await,
                None => Attempt::Undecided,
            },
            Route::Local { .. } | Route::Nobody => Attempt::Undecided,
        }
    }

    async fn attempt_here(&self) -> Attempt<DecidedLease> {
        let (acquired, kept) = match self.acquire_here() {
            (Err(error), _) if may_be_unseen(&error) => {
                match self.cluster.refresher.refresh(&self.request.workspace).await {
                    Ok(()) => self.acquire_here(),
                    Err(error) => return Attempt::Decided(Err(error)),
                }
            }
            acquired => acquired,
        };
        match acquired {
            Err(error) => decided_here(Err(error)),
            Ok(Acquired::Granted(lease)) => Attempt::Decided(Ok(DecidedLease::kept(lease, kept))),
            Ok(Acquired::Pending(pending)) => match decided_here(pending.await) {
                Attempt::Decided(Ok(DecidedLease::Here { lease, .. })) => {
                    Attempt::Decided(Ok(DecidedLease::kept(lease, kept)))
                }
                attempt => attempt,
            },
        }
    }

    /// What the engine of this node makes of it, and how long it was kept before.
    fn acquire_here(&self) -> (Result<Acquired, Error>, Span) {
        let kept = self.kept();
        let left = self.longest_wait.map(|wait| wait.less(kept));
        let max_wait = self.request.max_wait.map(|wait| wait.less(kept));
        let request = Acquire { max_wait, ..self.request.clone() };
        (self.here.acquire(&*self.by, request, left), kept)
    }

    async fn attempt_there(&mut self, owner: Arc<Owner>, journey: peer_v1::Journey) -> Attempt<DecidedLease> {
        if self.request.request_id.is_none() {
            self.request.request_id = self.cluster.name_request();
        }
        let subject = CallSubject {
            shard: self.shard,
            workspace: self.request.workspace.clone(),
            team: self.request.team.clone(),
            caller: self.request.caller.clone(),
        };
        let kept = self.kept();
        let id = self.request.request_id.as_ref().map_or("", |id| id.as_str());
        let message = PassCallsRequest {
            id: 0,
            journey: Some(journey),
            caller: self.by.assertion(),
            longest_wait_ns: self.longest_wait.map(|wait| wait.less(kept).as_ns()),
            call: Some(request::Call::Acquire(wire_acquire(&self.request, id, kept))),
        };
        let link = self.cluster.peers.link(&owner.peer_address, self.shard);
        match pass(&self.cluster, self.shard, &link, subject.clone(), message).await {
            Ok(response) => match response.response {
                Some(response::Response::Granted(lease)) => {
                    let lease = PassedLease { lease: held(lease, kept), subject, link };
                    Attempt::Decided(Ok(DecidedLease::There(Box::new(lease))))
                }
                _ => Attempt::Decided(Err(Error::Internal("another node gave an answer of another kind"))),
            },
            Err(attempt) => attempt.into_other(),
        }
    }

    /// How long this node has kept it.
    fn kept(&self) -> Span {
        Span::from_ns(u64::try_from(self.received.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

fn decided_here(decided: Result<crate::engine::Granted, Error>) -> Attempt<DecidedLease> {
    match decided {
        Err(error) if is_not_owner(&error) => Attempt::Undecided,
        decided => Attempt::Decided(decided.map(|lease| DecidedLease::kept(lease, Span::ZERO))),
    }
}

impl Attempt<std::convert::Infallible> {
    /// The same of a call with any answer.
    pub(super) fn into_other<T>(self) -> Attempt<T> {
        match self {
            Self::Decided(Err(error)) => Attempt::Decided(Err(error)),
            Self::Decided(Ok(never)) => match never {},
            Self::Moved => Attempt::Moved,
            Self::Undecided => Attempt::Undecided,
        }
    }
}

/// Passes one call on.
///
/// # Errors
/// What came of the attempt, where the owner did not carry the call out.
pub(super) async fn pass(
    cluster: &Cluster,
    shard: u16,
    link: &Arc<PeerLink>,
    subject: CallSubject,
    message: PassCallsRequest,
) -> Result<PassCallsResponse, Attempt<std::convert::Infallible>> {
    let reply = match link.send(subject, message) {
        Ok(call) => call.await,
        Err(error) => {
            cluster.note(ForwardResult::Full);
            return Err(Attempt::Decided(Err(error)));
        }
    };
    let mut response = match reply {
        PeerReply::Answered(response) => *response,
        PeerReply::Lost => {
            cluster.note(ForwardResult::Lost);
            return Err(Attempt::Undecided);
        }
        PeerReply::Moved => {
            cluster.note(ForwardResult::Lost);
            return Err(Attempt::Moved);
        }
    };
    cluster.correct(shard, response.owner.take());
    match response.response {
        Some(response::Response::NotOwner(not_owner)) => {
            cluster.note(ForwardResult::NotOwner);
            let is_news = cluster.correct(shard, not_owner.owner);
            Err(if is_news { Attempt::Moved } else { Attempt::Undecided })
        }
        Some(response::Response::Refusal(refusal)) => {
            cluster.note(ForwardResult::Refused);
            Err(Attempt::Decided(Err(refused(refusal))))
        }
        answer => {
            cluster.note(ForwardResult::Done);
            Ok(PassCallsResponse { response: answer, ..response })
        }
    }
}
