//! Acquire and settle for a caller whose credential is known: what the unary calls and the streams share.

use super::authorize::{Action, Identity};
use super::gate::{self, Gate};
use super::hint;
use super::passed::encode;
use crate::error::Error;
use crate::leases::{DecidedLease, LeaseCaller, LeaseRouter, WaitingRequest};
use crate::status::ErrorScope;
use apportion_core::ids::{TeamId, WorkspaceId};
use prost::bytes::Bytes;
use std::sync::Arc;
use tonic::{Code, Request, Status};

/// The leases behind the gate.
#[derive(Clone, Debug)]
pub(super) struct LeaseCalls {
    pub(super) leases: LeaseRouter,
    gate: Arc<Gate>,
}

impl LeaseCaller for Identity {
    fn may_lease(&self, workspace: &WorkspaceId, path: &[TeamId]) -> Result<(), Error> {
        gate::check(self, Action::Lease, Some(workspace), path)
    }

    fn assertion(&self) -> Bytes {
        self.asserted(encode)
    }
}

impl LeaseCalls {
    pub(super) fn new(leases: LeaseRouter, gate: Arc<Gate>) -> Self {
        Self { leases, gate }
    }

    /// The caller. A guess that was not checked is answered late.
    ///
    /// # Errors
    /// As [`Gate::identity`].
    pub(super) async fn identify<T>(&self, request: &Request<T>) -> Result<Arc<Identity>, Error> {
        gate::slowed(self.gate.identity(request, || self.leases.clock().now())).await
    }

    /// Who owns the workspace of a call.
    pub(super) fn owner_hint(&self, scope: &ErrorScope) -> Option<String> {
        self.leases.owner_hint(scope.workspace.as_ref()?)
    }

    /// The status of a call that no owner took, with the owner that is known by now.
    pub(super) fn hinted(&self, status: Status, scope: &ErrorScope) -> Status {
        if status.code() == Code::Unavailable { hint::status(status, self.owner_hint(scope)) } else { status }
    }

    /// Waits for the answer, but no longer than the credential is valid.
    ///
    /// # Errors
    /// The answer's, or [`gate::WITHDRAWN`].
    pub(super) async fn wait(&self, who: &Identity, waiting: WaitingRequest) -> Result<DecidedLease, Error> {
        tokio::select! {
            biased;
            () = who.ended(|| self.leases.clock().now()) => Err(gate::WITHDRAWN),
            answer = waiting => answer,
        }
    }
}
