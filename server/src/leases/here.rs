//! Calls that this node decides: what their caller may do, and the engine.

use super::caller::LeaseCaller;
use crate::convert::settle::settled;
use crate::engine::{Acquire, Acquired, Engine, LeaseReport};
use crate::error::Error;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::Span;
use apportion_proto::v1;
use std::sync::Arc;

/// The engine of this node.
#[derive(Clone, Debug)]
pub(super) struct Here(pub(super) Arc<Engine>);

impl Here {
    /// Requests a lease. `longest_wait` caps how long the request may wait.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`], or as [`Engine::acquire`].
    pub(super) fn acquire<C: LeaseCaller + ?Sized>(
        &self,
        by: &C,
        request: Acquire,
        longest_wait: Option<Span>,
    ) -> Result<Acquired, Error> {
        self.check(by, &request.workspace, &request.team)?;
        self.0.acquire(request, longest_wait)
    }

    /// Applies a report of a lease.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`], or as [`Engine::settle`].
    pub(super) fn settle<C: LeaseCaller + ?Sized>(
        &self,
        by: &C,
        report: &LeaseReport<'_>,
    ) -> Result<v1::Settled, Error> {
        self.check(by, &report.workspace, &report.team)?;
        self.0.settle(report).map(settled)
    }

    fn check<C: LeaseCaller + ?Sized>(
        &self,
        by: &C,
        workspace: &WorkspaceId,
        team: &TeamId,
    ) -> Result<(), Error> {
        let alone = by.may_lease(workspace, std::slice::from_ref(team));
        // Only a scope of a team above it needs the path.
        alone.or_else(|_| by.may_lease(workspace, &self.0.path_of(workspace, team)))
    }
}
