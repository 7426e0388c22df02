//! The calls of services: acquire and settle.

use super::authorize::{Act, Identity};
use super::gate::{self, Gate};
use super::watchers::Watchers;
use super::{deadline, exchange, watch};
use crate::convert::lease::{self, Acquire};
use crate::convert::settle::{self, Settle};
use crate::engine::{Acquired, Engine, Granted, Refused, Report, Request as Wanted, Waiting};
use crate::status::{Error, Place};
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::request::{Reason, Refusal};
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;
use std::cell::Cell;
use std::sync::Arc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

/// When it is of use to ask again after something that passes by itself.
const RETRY: Span = Span::from_secs(1);

/// The service for those who call a provider.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    pub(super) engine: Arc<Engine>,
    pub(super) gate: Arc<Gate>,
    pub(super) bounds: StreamBounds,
    pub(super) watchers: Arc<Watchers>,
}

/// What streams may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamBounds {
    /// Acquires of one Exchange that wait; beyond it they are refused.
    pub in_flight: usize,
    /// Watchers of all workspaces together.
    pub watchers: usize,
}

impl Quota {
    /// The service of an engine behind a gate.
    pub(crate) fn new(engine: Arc<Engine>, gate: Arc<Gate>, bounds: StreamBounds) -> Self {
        Self { engine, gate, bounds, watchers: Arc::new(Watchers::new(bounds.watchers)) }
    }

    pub(super) fn who<T>(&self, request: &Request<T>) -> Result<Arc<Identity>, Error> {
        self.gate.identity(request, || self.engine.clock().now())
    }

    fn may(&self, who: &Identity, workspace: &WorkspaceId, team: &TeamId) -> Result<(), Error> {
        let alone = gate::check(who, Act::Lease, Some(workspace), std::slice::from_ref(team));
        // Only a scope of a team that it is part of needs the way up.
        alone
            .or_else(|_| gate::check(who, Act::Lease, Some(workspace), &self.engine.path_of(workspace, team)))
    }

    /// Asks for a lease: granted at once, or a place to wait at. With `metadata` the deadline of the call counts.
    pub(super) fn begin(
        &self,
        who: &Identity,
        acquire: Acquire,
        metadata: Option<&MetadataMap>,
    ) -> Result<Acquired, Error> {
        self.may(who, &acquire.workspace, &acquire.team)?;
        let ask = acquire.ask(Timestamp::MAX);
        let wanted = Wanted {
            max_wait: acquire.max_wait,
            longest_wait: metadata.and_then(deadline::longest_wait),
            workspace: acquire.workspace,
            ask,
        };
        self.engine.acquire(wanted).map_err(error)
    }

    /// Waits for the answer, but no longer than the credential is valid.
    async fn wait(&self, who: &Identity, waiting: Waiting) -> Result<Granted, Error> {
        tokio::select! {
            biased;
            () = who.ended(|| self.engine.clock().now()) => Err(gate::WITHDRAWN),
            answer = waiting => answer.map_err(error),
        }
    }

    /// Settles what was checked already.
    pub(super) fn settle(&self, who: &Identity, settle: &Settle) -> Result<v1::Settled, Error> {
        self.may(who, &settle.workspace, &settle.team)?;
        let at = Cell::new(0);
        let report = Report {
            workspace: &settle.workspace,
            team: &settle.team,
            caller: &settle.caller,
            lease: &settle.lease_id,
            used: settle.used,
            returned: settle.returned,
            is_final: settle.is_final,
            observe: &|policy, lease, now| {
                let observed = settle.observations.iter().enumerate().map(|(place, reported)| {
                    at.set(place);
                    reported.observed(policy, lease, now).map_err(|unknown| unknown.0)
                });
                observed.collect()
            },
        };
        match self.engine.settle(&report) {
            Ok(settled) => Ok(settle::settled(settled)),
            Err(Refused::UnknownLimit(limit)) => {
                Err(Error::UnknownLimit { limit, field: format!("observations[{}].limit", at.get()) })
            }
            Err(refused) => Err(error(refused)),
        }
    }
}

/// What a client is told of a lease.
pub(super) fn granted(granted: &Granted) -> Result<v1::Lease, Error> {
    let ended = Refusal { reason: Reason::LeaseEnded, retry_at: None, limit: None };
    lease::granted(&granted.lease, granted.name.to_string(), granted.received_at)
        .ok_or(Error::Refused { refusal: ended, now: granted.received_at })
}

/// The engine's refusal in the words of the table.
pub(super) fn error(refused: Refused) -> Error {
    match refused {
        Refused::ByRule(refusal, now) => Error::Refused { refusal, now },
        Refused::UnknownWorkspace => Error::UnknownWorkspace,
        Refused::UnknownLimit(limit) => Error::UnknownLimit { limit, field: "limit".into() },
        Refused::SettledTooMuch(error) => Error::Settle(error),
        Refused::NotYourLease => Error::Settle(apportion_core::allocator::SettleError::NotYours),
        Refused::Draining => Error::Draining { retry_after: RETRY },
        Refused::ClockUnsteady => Error::ClockUnsteady { retry_after: RETRY },
        Refused::StoreLost => Error::StoreLost { retry_after: RETRY },
        Refused::Internal => Error::Internal("a decision failed"),
    }
}

fn place(workspace: &WorkspaceId, team: &TeamId) -> Place {
    Place { workspace: Some(workspace.clone()), team: Some(team.clone()) }
}

#[tonic::async_trait]
impl v1::quota_service_server::QuotaService for Quota {
    async fn acquire_lease(
        &self,
        request: Request<v1::AcquireLeaseRequest>,
    ) -> Result<Response<v1::AcquireLeaseResponse>, Status> {
        let nowhere = Place::default();
        let who = gate::slowed(self.who(&request)).await.map_err(|error| error.status(&nowhere))?;
        let acquire =
            Acquire::try_from(request.get_ref()).map_err(|error| Error::from(error).status(&nowhere))?;
        let place = place(&acquire.workspace, &acquire.team);
        let said = |error: Error| error.status(&place);
        let lease = match self.begin(&who, acquire, Some(request.metadata())).map_err(said)? {
            Acquired::Granted(granted) => granted,
            Acquired::Waits(waiting) => self.wait(&who, waiting).await.map_err(said)?,
        };
        Ok(Response::new(v1::AcquireLeaseResponse { lease: Some(granted(&lease).map_err(said)?) }))
    }

    async fn settle_lease(
        &self,
        request: Request<v1::SettleLeaseRequest>,
    ) -> Result<Response<v1::SettleLeaseResponse>, Status> {
        let nowhere = Place::default();
        let who = gate::slowed(self.who(&request)).await.map_err(|error| error.status(&nowhere))?;
        let settle =
            Settle::try_from(request.get_ref()).map_err(|error| Error::from(error).status(&nowhere))?;
        let settled = self.settle(&who, &settle);
        let settled = settled.map_err(|error| error.status(&place(&settle.workspace, &settle.team)))?;
        Ok(Response::new(v1::SettleLeaseResponse { settled: Some(settled) }))
    }

    async fn batch_settle_leases(
        &self,
        request: Request<v1::BatchSettleLeasesRequest>,
    ) -> Result<Response<v1::BatchSettleLeasesResponse>, Status> {
        let nowhere = Place::default();
        let who = gate::slowed(self.who(&request)).await.map_err(|error| error.status(&nowhere))?;
        let batch = settle::batch(request.get_ref()).map_err(|error| Error::from(error).status(&nowhere))?;
        let outcome = |settle: Result<Settle, crate::convert::field::FieldError>| {
            let settle = settle.map_err(|error| Error::from(error).failure(&Place::default()).refusal())?;
            let settled = self.settle(&who, &settle);
            settled.map_err(|error| error.failure(&place(&settle.workspace, &settle.team)).refusal())
        };
        let outcomes = batch.into_iter().map(|settle| wire_outcome(outcome(settle))).collect();
        Ok(Response::new(v1::BatchSettleLeasesResponse { outcomes }))
    }

    type ExchangeStream = exchange::Answers;

    async fn exchange(
        &self,
        request: Request<Streaming<v1::ExchangeRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let who = gate::slowed(self.who(&request)).await.map_err(|error| error.status(&Place::default()))?;
        Ok(Response::new(exchange::start(self.clone(), who, request.into_inner())))
    }

    type WatchWorkspaceStream = watch::Snapshots;

    async fn watch_workspace(
        &self,
        request: Request<v1::WatchWorkspaceRequest>,
    ) -> Result<Response<Self::WatchWorkspaceStream>, Status> {
        let who = gate::slowed(self.who(&request)).await.map_err(|error| error.status(&Place::default()))?;
        watch::start(self, who, request.get_ref())
            .map(Response::new)
            .map_err(|error| error.status(&Place::default()))
    }
}

fn wire_outcome(outcome: Result<v1::Settled, v1::Refusal>) -> v1::SettleOutcome {
    use v1::settle_outcome::Outcome;
    let outcome = match outcome {
        Ok(settled) => Outcome::Settled(settled),
        Err(refusal) => Outcome::Refusal(refusal),
    };
    v1::SettleOutcome { outcome: Some(outcome) }
}
