//! The calls of services: acquire, settle, exchange, watch, and the signals of a workspace.

use super::gate::Gate;
use super::lease_calls::LeaseCalls;
use super::signals::SignalsCalls;
use super::usage::UsageCalls;
use super::watchers::Watchers;
use super::{deadline, exchange, explanation, hint, watch};
use crate::convert::settle::{batch, outcome};
use crate::engine::{Acquire, LeaseReport};
use crate::error::Error;
use crate::leases::{LeaseRouter, Requested};
use crate::status::ErrorScope;
use crate::store::Store;
use apportion_proto::v1;
use futures_util::future::join_all;
use std::sync::Arc;
use tonic::{Request, Response, Status, Streaming};

/// The service for callers of a provider.
#[derive(Clone, Debug)]
pub(crate) struct QuotaCalls {
    calls: LeaseCalls,
    bounds: StreamBounds,
    watchers: Arc<Watchers>,
    signals: SignalsCalls,
    usage: UsageCalls,
}

/// What streams may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamBounds {
    /// Waiting acquires of one Exchange; more are refused.
    pub in_flight: usize,
    /// Watchers of all workspaces together.
    pub watchers: usize,
}

impl QuotaCalls {
    /// The service of leases behind a gate, and of the store that holds the workspaces.
    pub(crate) fn new(
        leases: LeaseRouter,
        gate: Arc<Gate>,
        store: Arc<dyn Store>,
        bounds: StreamBounds,
    ) -> Self {
        let calls = LeaseCalls::new(leases, gate);
        let (watchers, usage) =
            (Arc::new(Watchers::new(bounds.watchers)), UsageCalls::new(Arc::clone(&store)));
        Self { calls, bounds, watchers, signals: SignalsCalls::new(store), usage }
    }
}

/// The status of an error before the request is known to be about a workspace.
fn unscoped(error: impl Into<Error>) -> Status {
    error.into().status(&ErrorScope::default())
}

#[tonic::async_trait]
impl v1::quota_service_server::QuotaService for QuotaCalls {
    async fn acquire_lease(
        &self,
        request: Request<v1::AcquireLeaseRequest>,
    ) -> Result<Response<v1::AcquireLeaseResponse>, Status> {
        let who = self.calls.identify(&request).await.map_err(unscoped)?;
        let acquire = Acquire::try_from(request.get_ref()).map_err(unscoped)?;
        let scope = ErrorScope::of_team(&acquire.workspace, &acquire.team);
        let status = |error: Error| self.calls.hinted(error.status(&scope), &scope);
        let longest_wait = deadline::longest_wait(request.metadata());
        let lease = match self.calls.leases.acquire(&who, acquire, longest_wait).map_err(status)? {
            Requested::Granted(lease) => lease,
            Requested::Waits(waiting) => self.calls.wait(&who, waiting).await.map_err(status)?,
        };
        let lease = Some(lease.wire().map_err(status)?);
        Ok(hint::response(v1::AcquireLeaseResponse { lease }, || self.calls.owner_hint(&scope)))
    }

    async fn settle_lease(
        &self,
        request: Request<v1::SettleLeaseRequest>,
    ) -> Result<Response<v1::SettleLeaseResponse>, Status> {
        let who = self.calls.identify(&request).await.map_err(unscoped)?;
        let report = LeaseReport::try_from(request.get_ref()).map_err(unscoped)?;
        let scope = || ErrorScope::of_team(&report.workspace, &report.team);
        let settled = self.calls.leases.settle(&who, &report, request.get_ref()).result().await;
        let settled = Some(settled.map_err(|error| self.calls.hinted(error.status(&scope()), &scope()))?);
        let hint = || self.calls.leases.owner_hint(&report.workspace);
        Ok(hint::response(v1::SettleLeaseResponse { settled }, hint))
    }

    async fn batch_settle_leases(
        &self,
        request: Request<v1::BatchSettleLeasesRequest>,
    ) -> Result<Response<v1::BatchSettleLeasesResponse>, Status> {
        let who = self.calls.identify(&request).await.map_err(unscoped)?;
        let reports = batch(request.get_ref()).map_err(unscoped)?;
        let wires = &request.get_ref().requests;
        let settling = reports.into_iter().zip(wires).map(|(report, wire)| {
            let begun = report.map(|report| self.calls.leases.settle(&who, &report, wire));
            async {
                let settled = match begun {
                    Ok(settling) => settling.result().await,
                    Err(error) => Err(error.into()),
                };
                outcome(settled.map_err(|error: Error| error.failure(&ErrorScope::default()).refusal()))
            }
        });
        let outcomes = join_all(settling).await;
        Ok(Response::new(v1::BatchSettleLeasesResponse { outcomes }))
    }

    type ExchangeStream = exchange::Answers;

    async fn exchange(
        &self,
        request: Request<Streaming<v1::ExchangeRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let who = self.calls.identify(&request).await.map_err(unscoped)?;
        let answers = exchange::start(self.calls.clone(), self.bounds.in_flight, who, request.into_inner());
        Ok(Response::new(answers))
    }

    type WatchWorkspaceStream = watch::Snapshots;

    async fn watch_workspace(
        &self,
        request: Request<v1::WatchWorkspaceRequest>,
    ) -> Result<Response<Self::WatchWorkspaceStream>, Status> {
        let who = self.calls.identify(&request).await.map_err(unscoped)?;
        let snapshots = watch::start(&self.calls.leases, &self.watchers, who, request.get_ref()).await;
        let (workspace, snapshots) = snapshots.map_err(unscoped)?;
        Ok(hint::response(snapshots, || self.calls.leases.owner_hint(&workspace)))
    }

    async fn explain_lease(
        &self,
        request: Request<v1::ExplainLeaseRequest>,
    ) -> Result<Response<v1::ExplainLeaseResponse>, Status> {
        let who = self.calls.identify(&request).await.map_err(unscoped)?;
        let explanation = explanation::explain(&self.calls.leases, &who, request.get_ref()).await;
        let explanation = Some(explanation.map_err(unscoped)?);
        Ok(Response::new(v1::ExplainLeaseResponse { explanation }))
    }

    async fn query_usage(
        &self,
        request: Request<v1::QueryUsageRequest>,
    ) -> Result<Response<v1::QueryUsageResponse>, Status> {
        let who = self.calls.identify(&request).await.map_err(unscoped)?;
        let now = self.calls.leases.clock().now();
        self.usage.of(&who, request.get_ref(), now).await.map(Response::new).map_err(unscoped)
    }

    async fn get_signals(
        &self,
        request: Request<v1::GetSignalsRequest>,
    ) -> Result<Response<v1::GetSignalsResponse>, Status> {
        let who = self.calls.identify(&request).await.map_err(unscoped)?;
        let signals = self.signals.of(&who, request.get_ref()).await;
        signals.map(Response::new).map_err(unscoped)
    }
}
