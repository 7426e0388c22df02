//! A report of a lease that this node applies, or passes on, until an owner has taken it.
//!
//! Counts are cumulative, so a report that was on its way when a stream was lost is sent again.

use super::anywhere::{Attempt, pass};
use super::caller::LeaseCaller;
use super::cluster::{Cluster, Pauses};
use super::here::Here;
use super::journey::Journey;
use super::messages::{aged, is_not_owner};
use super::refresh::may_be_unseen;
use crate::engine::LeaseReport;
use crate::error::Error;
use crate::owners::{Owner, Route};
use crate::peer::CallSubject;
use apportion_core::time::Span;
use apportion_proto::peer_v1::{self, PassCallsRequest};
use apportion_proto::peer_v1::{pass_calls_request as request, pass_calls_response as response};
use apportion_proto::v1;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a report waits for an owner.
const PATIENCE: Duration = Duration::from_secs(10);

/// A report, with what it takes to send it again.
pub(super) struct AnywhereReport {
    pub(super) here: Here,
    pub(super) cluster: Arc<Cluster>,
    pub(super) by: Arc<dyn LeaseCaller>,
    pub(super) subject: CallSubject,
    pub(super) wire: v1::SettleLeaseRequest,
    pub(super) journey: Journey,
    /// When this node got it.
    pub(super) received: Instant,
}

impl AnywhereReport {
    /// The result.
    ///
    /// # Errors
    /// The owner's, or [`Error::NotOwner`] where there was none in time.
    pub(super) async fn result(self) -> Result<v1::Settled, Error> {
        let mut pauses = Pauses::until(self.received + PATIENCE);
        loop {
            match self.attempt().await {
                Attempt::Decided(decided) => return decided,
                // The node that passed it on sends it again.
                _ if self.journey.was_passed() => return Err(Error::NotOwner { shard: self.subject.shard }),
                Attempt::Moved => {}
                Attempt::Undecided => {
                    if !pauses.next(&self.cluster).await {
                        return Err(Error::NotOwner { shard: self.subject.shard });
                    }
                }
            }
        }
    }

    async fn attempt(&self) -> Attempt<v1::Settled> {
        match self.cluster.routes.route(self.subject.shard) {
            Route::Local { epoch } if self.journey.is_met_by(epoch) => self.attempt_here().await,
            Route::Peer(owner) => match self.journey.to(&owner) {
                Some(journey) => self.attempt_there(&owner, journey).await,
                None => Attempt::Undecided,
            },
            Route::Local { .. } | Route::Nobody => Attempt::Undecided,
        }
    }

    async fn attempt_here(&self) -> Attempt<v1::Settled> {
        let settled = match self.settle_here() {
            Err(error) if may_be_unseen(&error) => {
                match self.cluster.refresher.refresh(&self.subject.workspace).await {
                    Ok(()) => self.settle_here(),
                    Err(error) => Err(error),
                }
            }
            settled => settled,
        };
        match settled {
            Err(error) if is_not_owner(&error) => Attempt::Undecided,
            settled => Attempt::Decided(settled),
        }
    }

    fn settle_here(&self) -> Result<v1::Settled, Error> {
        let wire = self.aged();
        let report = LeaseReport::try_from(&wire)?;
        self.here.settle(&*self.by, &report)
    }

    async fn attempt_there(&self, owner: &Owner, journey: peer_v1::Journey) -> Attempt<v1::Settled> {
        let message = PassCallsRequest {
            id: 0,
            journey: Some(journey),
            caller: self.by.assertion(),
            longest_wait_ns: None,
            call: Some(request::Call::Settle(self.aged())),
        };
        let link = self.cluster.peers.link(&owner.peer_address, self.subject.shard);
        match pass(&self.cluster, self.subject.shard, &link, self.subject.clone(), message).await {
            Ok(response) => match response.response {
                Some(response::Response::Settled(settled)) => Attempt::Decided(Ok(settled)),
                _ => Attempt::Decided(Err(Error::Internal("another node gave an answer of another kind"))),
            },
            Err(attempt) => attempt.into_other(),
        }
    }

    /// The report, with observations as old as they are now.
    fn aged(&self) -> v1::SettleLeaseRequest {
        let kept = u64::try_from(self.received.elapsed().as_nanos()).unwrap_or(u64::MAX);
        aged(&self.wire, Span::from_ns(kept))
    }
}
