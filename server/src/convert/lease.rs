//! Requests for a lease, and what is granted.

use super::field::{FieldError, name_or, optional_name, permits};
use super::priority::{optional_priority, wire_priority};
use super::time::{duration, optional_span};
use apportion_core::ids::{CallerId, RequestId, TeamId, WorkspaceId};
use apportion_core::permits::Permits;
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Lease};
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;

/// The workspace, team or caller of a request that names none.
pub(crate) const DEFAULT_NAME: &str = "default";
/// The longest time that a request may wait on the server.
pub(crate) const MAX_WAIT: Span = Span::from_secs(3600);

/// A checked request for a lease: everything of an [`Ask`] but its deadline, which needs a clock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Acquire {
    /// The workspace whose budget it is for.
    pub workspace: WorkspaceId,
    /// The team it is for.
    pub team: TeamId,
    /// The service or instance that asks.
    pub caller: CallerId,
    /// When it wants to be served; none: the team's priority.
    pub priority: Option<Priority>,
    /// How many permits it wants, at least 1.
    pub permits: Permits,
    /// The least it would take, from 1 to `permits`.
    pub min_permits: Permits,
    /// How long it may wait, at most [`MAX_WAIT`]; none: it did not say.
    pub max_wait: Option<Span>,
    /// What the client calls this request.
    pub request_id: Option<RequestId>,
}

impl Acquire {
    /// What the core is asked, once it is known until when.
    pub(crate) fn ask(&self, deadline: Timestamp) -> Ask {
        Ask {
            team: self.team.clone(),
            caller: self.caller.clone(),
            priority: self.priority,
            permits: self.permits,
            min_permits: self.min_permits,
            deadline,
            request_id: self.request_id.clone(),
        }
    }
}

impl TryFrom<&v1::AcquireLeaseRequest> for Acquire {
    type Error = FieldError;

    fn try_from(request: &v1::AcquireLeaseRequest) -> Result<Self, FieldError> {
        let wanted = permits("permits", request.permits.unwrap_or(1), Permits::ONE, Permits::MAX)?;
        let least = match request.min_permits {
            Some(least) => permits("min_permits", least, Permits::ONE, wanted)?,
            None => wanted,
        };
        Ok(Self {
            workspace: name_or("workspace", &request.workspace, DEFAULT_NAME)?,
            team: name_or("team", &request.team, DEFAULT_NAME)?,
            caller: name_or("caller", &request.caller, DEFAULT_NAME)?,
            priority: optional_priority("priority", request.priority)?,
            permits: wanted,
            min_permits: least,
            max_wait: optional_span("max_wait", request.max_wait.as_ref(), Span::ZERO, MAX_WAIT)?,
            request_id: optional_name("request_id", &request.request_id)?,
        })
    }
}

/// What a client is told of a lease for a request that the server had at `received_at`; none where the lease had ended by then.
///
/// Only durations go out. The client counts them from its sending, which was before `received_at`, so what it takes for the end is
/// never after `ends_at`. A repeat that came after the grant is told what is left.
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
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use apportion_core::request::LeaseId;

    fn refused(request: &v1::AcquireLeaseRequest) -> String {
        Acquire::try_from(request).expect_err("it is refused").to_string()
    }

    #[test]
    fn a_request_with_no_field_set_asks_for_one_permit_for_default() {
        let acquire = Acquire::try_from(&v1::AcquireLeaseRequest::default()).expect("it is allowed");
        assert_eq!(acquire.workspace.as_str(), "default");
        assert_eq!(acquire.max_wait, None);
        let ask = acquire.ask(Timestamp::from_ns(7));
        assert_eq!((ask.team.as_str(), ask.caller.as_str()), ("default", "default"));
        assert_eq!((ask.permits.get(), ask.min_permits.get()), (1, 1));
        assert_eq!((ask.priority, ask.request_id, ask.deadline), (None, None, Timestamp::from_ns(7)));
    }

    #[test]
    fn a_request_that_names_no_least_takes_all_or_nothing() {
        let request = v1::AcquireLeaseRequest { permits: Some(7), ..Default::default() };
        assert_eq!(Acquire::try_from(&request).expect("it is allowed").min_permits.get(), 7);
    }

    #[test]
    fn a_fault_names_the_field_and_what_is_allowed() {
        let request = v1::AcquireLeaseRequest { permits: Some(0), ..Default::default() };
        assert_eq!(refused(&request), "permits: 0 is out of range, allowed is from 1 to 268435456");
        let request =
            v1::AcquireLeaseRequest { permits: Some(3), min_permits: Some(4), ..Default::default() };
        assert_eq!(refused(&request), "min_permits: 4 is out of range, allowed is from 1 to 3");
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
    fn what_the_server_kept_and_what_is_left_end_with_the_lease() {
        let told = granted(&lease(2_000, 9_000), "x".into(), Timestamp::from_ns(500)).expect("it lives");
        assert_eq!(told.held.map(|held| held.nanos), Some(1_500));
        assert_eq!(told.valid_for.map(|left| left.nanos), Some(7_000));
        assert_eq!(told.until_window_end.map(|left| left.nanos), Some(7_600));
    }

    #[test]
    fn a_repeat_after_the_grant_is_told_what_is_left() {
        let told = granted(&lease(2_000, 9_000), "x".into(), Timestamp::from_ns(8_000)).expect("it lives");
        assert_eq!((told.held, told.valid_for.map(|left| left.nanos)), (None, Some(1_000)));
        assert_eq!(granted(&lease(2_000, 9_000), "x".into(), Timestamp::from_ns(9_000)), None);
    }
}
