//! Requests for leases, and leases as they go out.

use super::field::{name_or, optional_name, permits};
use super::priority::{optional_priority, wire_priority};
use super::recent::RecentNames;
use super::time::{duration, optional_span};
use crate::engine::Acquire;
use crate::error::FieldError;
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_core::permits::Permits;
use apportion_core::request::Lease;
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;

/// The workspace, team or caller of a request that names none.
pub(crate) const DEFAULT_NAME: &str = "default";
/// The longest time that a request may wait on the server.
pub(crate) const MAX_WAIT: Span = Span::from_secs(3600);

impl Acquire {
    /// Checks the next request of a stream.
    ///
    /// # Errors
    /// [`FieldError`] of the first field at fault.
    pub fn next(request: &v1::AcquireLeaseRequest, recent: &mut RecentNames) -> Result<Self, FieldError> {
        let workspace = recent.workspaces.name_or("workspace", &request.workspace, DEFAULT_NAME);
        let team = recent.teams.name_or("team", &request.team, DEFAULT_NAME);
        let caller = recent.callers.name_or("caller", &request.caller, DEFAULT_NAME);
        Self::checked(request, || Ok((workspace?, team?, caller?)))
    }

    fn checked(
        request: &v1::AcquireLeaseRequest,
        names: impl FnOnce() -> Result<(WorkspaceId, TeamId, CallerId), FieldError>,
    ) -> Result<Self, FieldError> {
        let wanted = permits("permits", request.permits.unwrap_or(1), Permits::ONE, Permits::MAX)?;
        let least = match request.min_permits {
            Some(least) => permits("min_permits", least, Permits::ONE, wanted)?,
            None => wanted,
        };
        let (workspace, team, caller) = names()?;
        Ok(Self {
            workspace,
            team,
            caller,
            priority: optional_priority("priority", request.priority)?,
            permits: wanted,
            min_permits: least,
            max_wait: optional_span("max_wait", request.max_wait.as_ref(), Span::ZERO, MAX_WAIT)?,
            request_id: optional_name("request_id", &request.request_id)?,
        })
    }
}

impl TryFrom<&v1::AcquireLeaseRequest> for Acquire {
    type Error = FieldError;

    fn try_from(request: &v1::AcquireLeaseRequest) -> Result<Self, FieldError> {
        Self::checked(request, || {
            Ok((
                name_or("workspace", &request.workspace, DEFAULT_NAME)?,
                name_or("team", &request.team, DEFAULT_NAME)?,
                name_or("caller", &request.caller, DEFAULT_NAME)?,
            ))
        })
    }
}

/// A lease as it goes out, for a request that the server received at `received_at`; none where the lease had expired by then.
///
/// Only durations go out. The client counts them from its sending, which was before `received_at`, so what it takes for the end is
/// never after `ends_at`. A repeat that came after the grant gets what is left. The version of the signals is for the caller to set.
pub(crate) fn granted(lease: &Lease, lease_id: String, received_at: Timestamp) -> Option<v1::Lease> {
    let from = lease.granted_at.max(received_at);
    let (held, valid_for) = (from.since(received_at), lease.ends_at.since(from));
    (valid_for > Span::ZERO).then(|| v1::Lease {
        lease_id,
        permits: lease.permits.get(),
        priority: wire_priority(lease.priority).into(),
        held: (held > Span::ZERO).then(|| duration(held)),
        valid_for: Some(duration(valid_for)),
        until_window_end: Some(duration(lease.window_ends_at.since(from))),
        left_permits: lease.left.get(),
        contended: lease.contended,
        ..v1::Lease::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use apportion_core::priority::Priority;
    use apportion_core::request::LeaseId;

    fn refused(request: &v1::AcquireLeaseRequest) -> String {
        Acquire::try_from(request).expect_err("it is refused").to_string()
    }

    #[test]
    fn a_request_with_no_field_set_asks_for_one_permit_for_default() {
        let acquire = Acquire::try_from(&v1::AcquireLeaseRequest::default()).expect("it is allowed");
        assert_eq!(acquire.workspace.as_str(), "default");
        assert_eq!(acquire.max_wait, None);
        assert_eq!((acquire.team.as_str(), acquire.caller.as_str()), ("default", "default"));
        assert_eq!((acquire.permits.get(), acquire.min_permits.get()), (1, 1));
        assert_eq!((acquire.priority, acquire.request_id), (None, None));
    }

    #[test]
    fn a_request_that_names_no_least_takes_all_or_nothing() {
        let request = v1::AcquireLeaseRequest { permits: Some(7), ..Default::default() };
        assert_eq!(Acquire::try_from(&request).expect("it is allowed").min_permits.get(), 7);
    }

    #[test]
    fn a_fault_names_the_field_and_what_is_allowed() {
        let request = v1::AcquireLeaseRequest { permits: Some(0), ..Default::default() };
        assert_eq!(refused(&request), "permits: must be between 1 and 268435456, got 0");
        let request =
            v1::AcquireLeaseRequest { permits: Some(3), min_permits: Some(4), ..Default::default() };
        assert_eq!(refused(&request), "min_permits: must be between 1 and 3, got 4");
        let request = v1::AcquireLeaseRequest { priority: 9, ..Default::default() };
        assert_eq!(
            refused(&request),
            "priority: 9 is no priority, allowed are CRITICAL (1), DEFAULT (2) and SHEDDABLE (3)"
        );
        let request = v1::AcquireLeaseRequest { team: "a/b".into(), ..Default::default() };
        assert!(refused(&request).starts_with("team: the character '/' at byte 1 is not allowed: letters"));
    }

    fn lease(granted_at: u64, ends_at: u64) -> Lease {
        Lease {
            id: LeaseId(1),
            permits: Permits::ONE,
            priority: Priority::Critical,
            granted_at: Timestamp::from_ns(granted_at),
            ends_at: Timestamp::from_ns(ends_at),
            window_ends_at: Timestamp::from_ns(ends_at + 600),
            left: Permits::ZERO,
            contended: true,
        }
    }

    #[test]
    fn the_time_held_and_the_time_left_end_with_the_lease() {
        let told = granted(&lease(2_000, 9_000), "x".into(), Timestamp::from_ns(500)).expect("it lives");
        assert_eq!(told.held.map(|held| held.nanos), Some(1_500));
        assert_eq!(told.valid_for.map(|left| left.nanos), Some(7_000));
        assert_eq!(told.until_window_end.map(|left| left.nanos), Some(7_600));
    }

    #[test]
    fn a_repeat_after_the_grant_gets_what_is_left() {
        let told = granted(&lease(2_000, 9_000), "x".into(), Timestamp::from_ns(8_000)).expect("it lives");
        assert_eq!((told.held, told.valid_for.map(|left| left.nanos)), (None, Some(1_000)));
        assert_eq!(granted(&lease(2_000, 9_000), "x".into(), Timestamp::from_ns(9_000)), None);
    }
}
