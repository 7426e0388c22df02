//! Acquire and settle for a caller whose credential allows it: what the unary calls and the streams share.

use super::authorize::{Action, Identity};
use super::gate::{self, Gate};
use crate::convert::lease::granted;
use crate::convert::settle::settled;
use crate::engine::{Acquire, Acquired, Engine, Granted, LeaseReport, PendingAcquire};
use crate::error::Error;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::request::{Reason, Refusal};
use apportion_core::time::Span;
use apportion_proto::v1;
use std::sync::Arc;
use tonic::Request;

/// The engine behind the gate.
#[derive(Clone, Debug)]
pub(super) struct LeaseCalls {
    pub(super) engine: Arc<Engine>,
    gate: Arc<Gate>,
}

impl LeaseCalls {
    pub(super) fn new(engine: Arc<Engine>, gate: Arc<Gate>) -> Self {
        Self { engine, gate }
    }

    /// The caller. A guess that was not checked is answered late.
    ///
    /// # Errors
    /// As [`Gate::identity`].
    pub(super) async fn identify<T>(&self, request: &Request<T>) -> Result<Arc<Identity>, Error> {
        gate::slowed(self.gate.identity(request, || self.engine.clock().now())).await
    }

    fn may(&self, who: &Identity, workspace: &WorkspaceId, team: &TeamId) -> Result<(), Error> {
        let alone = gate::check(who, Action::Lease, Some(workspace), std::slice::from_ref(team));
        // Only a scope of a team above it needs the path.
        alone.or_else(|_| {
            gate::check(who, Action::Lease, Some(workspace), &self.engine.path_of(workspace, team))
        })
    }

    /// Requests a lease. `longest_wait` caps how long the request may wait.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`], or as [`Engine::acquire`].
    pub(super) fn acquire(
        &self,
        who: &Identity,
        request: Acquire,
        longest_wait: Option<Span>,
    ) -> Result<Acquired, Error> {
        self.may(who, &request.workspace, &request.team)?;
        self.engine.acquire(request, longest_wait)
    }

    /// Waits for the answer, but no longer than the credential is valid.
    ///
    /// # Errors
    /// The answer's, or [`gate::WITHDRAWN`].
    pub(super) async fn wait(&self, who: &Identity, pending: PendingAcquire) -> Result<Granted, Error> {
        tokio::select! {
            biased;
            () = who.ended(|| self.engine.clock().now()) => Err(gate::WITHDRAWN),
            answer = pending => answer,
        }
    }

    /// Applies a report of a lease.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`], or as [`Engine::settle`].
    pub(super) fn settle(&self, who: &Identity, report: &LeaseReport<'_>) -> Result<v1::Settled, Error> {
        self.may(who, &report.workspace, &report.team)?;
        self.engine.settle(report).map(settled)
    }
}

/// A lease as it goes over the wire.
///
/// # Errors
/// The refusal with which a lease is answered that has expired meanwhile.
pub(super) fn wire_lease(lease: &Granted) -> Result<v1::Lease, Error> {
    let expired = Refusal { reason: Reason::LeaseEnded, retry_at: None, limit: None };
    granted(&lease.lease, lease.name.to_string(), lease.received_at)
        .map(|wire| v1::Lease { signals_version: lease.signals_version, ..wire })
        .ok_or(Error::Refused { refusal: expired, now: lease.received_at })
}
