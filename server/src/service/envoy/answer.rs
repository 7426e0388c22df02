//! Decisions as RLS answers them. Only a decision is an answer: what could not be decided is an error, with which Envoy deals as
//! its configuration says.

use crate::error::Error;
use apportion_core::policy::LimitPolicy;
use apportion_core::time::Span;
use apportion_envoy::ratelimit::rate_limit_response::{Code, DescriptorStatus, RateLimit, rate_limit::Unit};
use apportion_envoy::ratelimit::{HeaderValue, RateLimitResponse};
use apportion_proto::v1;
use prost_types::value::Kind;
use prost_types::{Struct, Value};

const NS_PER_SECOND: u64 = 1_000_000_000;

/// What was decided on one descriptor.
#[derive(Debug)]
pub(super) enum Decision {
    /// It may go on. Permits left in the window, and how long that lasts.
    Granted { left: u32, until_window_end: Option<prost_types::Duration> },
    /// Permits came back, as far as they had been taken.
    GivenBack,
    /// It is over the limit, for this reason.
    OverLimit { error: Error, reason: v1::Reason },
}

/// The reason of an error that is a decision: the request is over the limit. None where nothing was decided, so that Envoy does what
/// it does without an answer.
///
/// A team that its Envoy may not name is over the limit too: an error could let its requests pass.
pub(super) fn over_limit(error: &Error) -> Option<v1::Reason> {
    use v1::Reason as R;
    let reason = error.reason();
    match reason {
        R::DeadlineTooShort
        | R::WindowExhausted
        | R::TeamCapReached
        | R::LimitChanged
        | R::ProviderCooldown
        | R::CallerQueueFull
        | R::TeamQueueFull
        | R::WorkspaceQueueFull
        | R::TooManyCallers
        | R::TooManyRequestIds
        | R::UnknownTeam
        | R::TeamHasParts
        | R::TooLarge
        | R::TeamPaused
        | R::PermissionDenied
        | R::ServerFull => Some(reason),
        R::Unspecified
        | R::Malformed
        | R::RequestIdReused
        | R::LeaseEnded
        | R::StoreLost
        | R::NotOwner
        | R::UnknownWorkspace
        | R::UnknownLimit
        | R::SettledTooMuch
        | R::NotYourLease
        | R::Cancelled
        | R::Draining
        | R::ClockUnsteady
        | R::Unauthenticated
        | R::UnknownToken
        | R::UnknownDomain
        | R::UnknownNode
        | R::NoCluster
        | R::WorkspaceClosed
        | R::AlreadyExists
        | R::StaleEtag
        | R::PolicyConflict
        | R::PolicyOvercommitted
        | R::StillNeeded
        | R::TooManyResources
        | R::BadPageToken
        | R::NoAdministrator
        | R::Internal => None,
    }
}

/// The answer to a request whose descriptors were decided on like this, in their order. `limit` is the shortest of the workspace.
pub(super) fn answer(decisions: &[Decision], limit: Option<&LimitPolicy>) -> RateLimitResponse {
    let over = decisions.iter().find_map(|decision| match decision {
        Decision::OverLimit { error, reason } => Some((error, *reason)),
        _ => None,
    });
    let (response_headers_to_add, dynamic_metadata) = match over {
        Some((error, reason)) => (retry_after(error), Some(metadata(error, reason))),
        None => (Vec::new(), None),
    };
    RateLimitResponse {
        overall_code: if over.is_some() { Code::OverLimit } else { Code::Ok }.into(),
        statuses: decisions.iter().map(|decision| status(decision, limit)).collect(),
        response_headers_to_add,
        dynamic_metadata,
    }
}

fn status(decision: &Decision, limit: Option<&LimitPolicy>) -> DescriptorStatus {
    match decision {
        Decision::Granted { left, until_window_end } => DescriptorStatus {
            code: Code::Ok.into(),
            current_limit: limit.map(current_limit),
            limit_remaining: *left,
            duration_until_reset: *until_window_end,
        },
        Decision::GivenBack => DescriptorStatus { code: Code::Ok.into(), ..DescriptorStatus::default() },
        Decision::OverLimit { error, .. } => DescriptorStatus {
            code: Code::OverLimit.into(),
            current_limit: limit.map(current_limit),
            limit_remaining: 0,
            duration_until_reset: error.retry_after().map(crate::convert::time::duration),
        },
    }
}

/// The limit of a status. A window of a length without a name, such as 10 s, has no unit.
fn current_limit(limit: &LimitPolicy) -> RateLimit {
    let unit = match (limit.window.as_ns() / NS_PER_SECOND, limit.window.as_ns() % NS_PER_SECOND) {
        (1, 0) => Unit::Second,
        (60, 0) => Unit::Minute,
        (3_600, 0) => Unit::Hour,
        (86_400, 0) => Unit::Day,
        (604_800, 0) => Unit::Week,
        _ => Unit::Unknown,
    };
    RateLimit { name: limit.id.to_string(), requests_per_unit: limit.permits.get(), unit: unit.into() }
}

/// When to retry, in whole seconds, rounded up.
fn retry_after(error: &Error) -> Vec<HeaderValue> {
    let seconds = |span: Span| span.as_ns().div_ceil(NS_PER_SECOND).max(1);
    let header = |span| HeaderValue { key: "retry-after".into(), value: seconds(span).to_string() };
    error.retry_after().map(header).into_iter().collect()
}

/// Why a request is over the limit, for the access log and other filters.
fn metadata(error: &Error, reason: v1::Reason) -> Struct {
    let text = |text: String| Value { kind: Some(Kind::StringValue(text)) };
    let reason = reason.as_str_name().trim_start_matches("REASON_").to_owned();
    let fields = [("reason".to_owned(), text(reason)), ("message".to_owned(), text(error.to_string()))];
    Struct { fields: fields.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apportion_core::ids::LimitId;
    use apportion_core::permits::Permits;
    use apportion_core::policy::Margins;
    use apportion_core::request::{Reason, Refusal};
    use apportion_core::time::Timestamp;

    fn limit(window: u64) -> LimitPolicy {
        LimitPolicy {
            id: LimitId::new("per-window").expect("a name"),
            permits: Permits::new(166).expect("a number"),
            window: Span::from_secs(window),
            phase: Span::ZERO,
            margins: Margins::DEFAULT,
        }
    }

    fn refused(reason: Reason, after_ms: u64) -> Decision {
        let retry_at = Some(Timestamp::ZERO + Span::from_ms(after_ms));
        let error =
            Error::Refused { refusal: Refusal { reason, retry_at, limit: None }, now: Timestamp::ZERO };
        let reason = over_limit(&error).expect("it is a decision");
        Decision::OverLimit { error, reason }
    }

    #[test]
    fn statuses_stand_in_order_and_one_over_the_limit_suffices() {
        let granted = Decision::Granted { left: 5, until_window_end: None };
        let decisions = [granted, refused(Reason::WindowExhausted, 2_100), Decision::GivenBack];
        let answer = answer(&decisions, Some(&limit(60)));
        let codes: Vec<_> = answer.statuses.iter().map(DescriptorStatus::code).collect();
        assert_eq!(
            (answer.overall_code(), codes),
            (Code::OverLimit, vec![Code::Ok, Code::OverLimit, Code::Ok])
        );
        let limits: Vec<_> = answer
            .statuses
            .iter()
            .map(|status| status.current_limit.as_ref().map(|limit| limit.unit()))
            .collect();
        assert_eq!(limits, [Some(Unit::Minute), Some(Unit::Minute), None]);
        assert_eq!((answer.statuses[0].limit_remaining, answer.statuses[1].limit_remaining), (5, 0));
        let HeaderValue { key, value } = &answer.response_headers_to_add[0];
        assert_eq!((&**key, &**value), ("retry-after", "3"));
        let reason = answer.dynamic_metadata.expect("it says why").fields["reason"].kind.clone();
        assert_eq!(reason, Some(Kind::StringValue("WINDOW_EXHAUSTED".into())));
    }

    #[test]
    fn what_may_go_on_has_no_headers_and_a_window_without_a_name_no_unit() {
        let answer = answer(&[Decision::Granted { left: 0, until_window_end: None }], Some(&limit(10)));
        assert_eq!((answer.overall_code(), answer.response_headers_to_add.len()), (Code::Ok, 0));
        let shown = answer.statuses[0].current_limit.clone().expect("a limit");
        assert_eq!((shown.unit(), shown.requests_per_unit, &*shown.name), (Unit::Unknown, 166, "per-window"));
    }

    #[test]
    fn what_was_not_decided_is_no_answer() {
        for error in
            [Error::StoreLost, Error::NotOwner { shard: 1 }, Error::Draining, Error::UnknownWorkspace]
        {
            assert_eq!(over_limit(&error), None, "{error}");
        }
        assert_eq!(over_limit(&Error::PermissionDenied), Some(v1::Reason::PermissionDenied));
    }
}
