//! Calls that this node decides: what their caller may do, and the engine.

use super::caller::LeaseCaller;
use crate::convert::settle::settled;
use crate::engine::{Acquire, Acquired, Engine, LeaseReport};
use crate::error::Error;
use apportion_core::explanation::Explanation;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::Span;
use apportion_proto::v1;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Explanations that are computed at once: each copies a workspace.
const EXPLANATIONS_MAX: usize = 2;
/// When to retry beyond that.
const EXPLANATION_RETRY: Span = Span::from_secs(1);

/// The engine of this node.
#[derive(Clone, Debug)]
pub(super) struct Here(pub(super) Arc<Engine>, Arc<Semaphore>);

impl Here {
    /// The engine of this node.
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self(engine, Arc::new(Semaphore::new(EXPLANATIONS_MAX)))
    }

    /// What would become of a request, and why. Computed beside the threads that answer calls.
    ///
    /// # Errors
    /// [`Error::ServerFull`] where too many explanations are under way, or as [`Engine::explain`].
    pub(super) async fn explain(&self, request: Acquire) -> Result<Explanation, Error> {
        let turn = turn(&self.1)?;
        let engine = Arc::clone(&self.0);
        let explained = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            engine.explain(request)
        });
        explained.await.unwrap_or(Err(Error::Internal("the explanation failed")))
    }

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

/// The right to compute an explanation.
fn turn(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
    let (what, most) = ("explanations at once", EXPLANATIONS_MAX as u64);
    let full = Error::ServerFull { what, most, retry_after: EXPLANATION_RETRY };
    Arc::clone(turns).try_acquire_owned().map_err(|_| full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_explanations_than_are_computed_at_once_are_refused() {
        let turns = Arc::new(Semaphore::new(EXPLANATIONS_MAX));
        let taken: Vec<_> = (0..EXPLANATIONS_MAX).map(|_| turn(&turns).expect("a turn")).collect();
        let refused = turn(&turns).expect_err("too many");
        assert_eq!(refused.to_string(), "too many explanations at once: at most 2");
        drop(taken);
        assert!(turn(&turns).is_ok(), "a turn is free again");
    }
}
