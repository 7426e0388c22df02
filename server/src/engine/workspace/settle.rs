//! A report of a lease arrives: unused permits go back, and observations change what is known of the limits.

use super::state::Workspace;
use crate::engine::lease_name::{LeaseName, LeaseRef};
use crate::engine::report::LeaseReport;
use crate::engine::wait_stats::WaitStats;
use crate::error::Error;
use apportion_core::allocator::{Allocator, SettleError, Settled};
use apportion_core::ids::{CallerId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::request::{LeaseId, Usage};
use std::sync::Arc;

/// The result for a lease that has expired: nothing comes back.
const EXPIRED: Settled = Settled { returned: Permits::ZERO, accepted: Permits::ZERO, is_open: false };

impl Workspace {
    /// Applies a report.
    ///
    /// # Errors
    /// [`Error::Settle`] where the lease is not its sender's or the report says more than was granted;
    /// [`Error::UnknownLimit`]; or why the workspace is closed.
    pub(in crate::engine) fn settle(self: &Arc<Self>, report: &LeaseReport<'_>) -> Result<Settled, Error> {
        let mut guard = self.lock();
        let now = self.now();
        let state = &mut *guard;
        let named = LeaseName::read(report.lease_id, &self.environment.secret, &self.id, state.life);
        let allocator = state.service.allocator()?;
        let lease = match named.ok_or(SettleError::NotYours)? {
            LeaseRef::Lease(id) => Some(id),
            LeaseRef::Expired => None,
        };
        let observations = report.observations(allocator.policy(), lease, now)?;
        let by = (&report.team, &report.caller);
        let settled = lease.map_or(Ok(EXPIRED), |id| {
            allocator.settle(
                now,
                id,
                by,
                Usage { used: report.used, returned: report.returned, is_final: report.is_final },
            )
        });
        let settled = match settled {
            Ok(settled) => settled,
            Err(error) => {
                self.flush(state, now, None);
                return Err(error.into());
            }
        };
        if let Some(id) = lease {
            count_returned(allocator, &mut state.stats, (id, by), settled.accepted);
        }
        for observation in &observations {
            if let Some(finding) = allocator.observe(now, observation) {
                self.publish_finding(allocator, &observation.limit, &finding, now);
            }
        }
        // Returned permits and observations can change who is served now; a report of used permits alone cannot.
        if !settled.accepted.is_zero() || !observations.is_empty() {
            allocator.decide(now);
        }
        self.flush(state, now, None);
        Ok(settled)
    }
}

/// Counts permits of a lease that came back from its caller, as used by nobody.
pub(super) fn count_returned(
    allocator: &mut Allocator,
    stats: &mut WaitStats,
    (lease, (team, caller)): (LeaseId, (&TeamId, &CallerId)),
    permits: Permits,
) {
    if !permits.is_zero()
        && let Some(c) = allocator.priority_of(lease)
    {
        stats.returned(team, caller, c, permits);
    }
}
