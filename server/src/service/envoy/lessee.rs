//! Whoever Envoy leases for: one team and caller of a workspace, under the credential of that Envoy.

use crate::engine::{Acquire, LeaseReport};
use crate::error::Error;
use crate::leases::Requested;
use crate::service::authorize::Identity;
use crate::service::lease_calls::LeaseCalls;
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_core::permits::Permits;
use apportion_core::priority::Priority;
use apportion_core::request::{Reason, Refusal};
use apportion_core::time::Span;
use apportion_proto::v1;
use std::sync::Arc;
use std::time::Instant;

/// One team and caller, and the credential under which Envoy leases for them.
#[derive(Clone, Copy)]
pub(super) struct Lessee<'a> {
    pub(super) calls: &'a LeaseCalls,
    pub(super) who: &'a Arc<Identity>,
    pub(super) workspace: &'a WorkspaceId,
    pub(super) team: &'a TeamId,
    pub(super) caller: &'a CallerId,
    pub(super) priority: Option<Priority>,
}

impl Lessee<'_> {
    /// Acquires a lease of `least` to `most` permits. Waits for `max_wait` at most, and no longer than until `answer_by`.
    ///
    /// # Errors
    /// As the engine's.
    pub(super) async fn acquire(
        &self,
        (least, most): (Permits, Permits),
        max_wait: Span,
        answer_by: Option<Instant>,
    ) -> Result<v1::Lease, Error> {
        let request = Acquire {
            workspace: self.workspace.clone(),
            team: self.team.clone(),
            caller: self.caller.clone(),
            priority: self.priority,
            permits: most,
            min_permits: least,
            max_wait: Some(max_wait),
            request_id: None,
        };
        let left = answer_by.map(|at| at.saturating_duration_since(Instant::now()));
        let longest = left.map(|left| Span::from_ns(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX)));
        let waiting = match self.calls.leases.acquire(self.who, request, longest)? {
            Requested::Granted(lease) => return lease.wire(),
            Requested::Waits(waiting) => self.calls.wait(self.who, waiting),
        };
        // The engine waits a little longer than "now or never", for a block to be booked.
        match left {
            Some(left) => tokio::time::timeout(left, waiting).await.map_err(|_| self.too_late())??.wire(),
            None => waiting.await?.wire(),
        }
    }

    /// The refusal of a request that Envoy does not wait for any longer.
    fn too_late(&self) -> Error {
        let refusal = Refusal { reason: Reason::DeadlineTooShort, retry_at: None, limit: None };
        Error::Refused { refusal, now: self.calls.leases.clock().now() }
    }

    /// Reports how many of the permits of a lease came back so far. A report that fails changes nothing: the permits count as used.
    pub(super) async fn give_back(&self, lease_id: &str, permits: u32, returned: u32) {
        let wire = v1::SettleLeaseRequest {
            workspace: self.workspace.to_string(),
            team: self.team.to_string(),
            caller: self.caller.to_string(),
            lease_id: lease_id.to_owned(),
            returned_permits: returned,
            is_final: returned == permits,
            ..v1::SettleLeaseRequest::default()
        };
        let settled = match LeaseReport::try_from(&wire) {
            Ok(report) => self.calls.leases.settle(self.who, &report, &wire).result().await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = settled {
            tracing::debug!(%error, "permits did not come back");
        }
    }
}

/// Whether a request for a team fails because there is no such team to lease for.
pub(super) fn is_unknown(error: &Error) -> bool {
    matches!(error.reason(), v1::Reason::UnknownTeam | v1::Reason::TeamHasParts)
}
