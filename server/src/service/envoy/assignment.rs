//! What RLQS sends: a bucket of tokens that is full once and filled after its end, requests that are all denied, or nothing any more.

use apportion_core::time::Span;
use apportion_envoy::quota::rate_limit_quota_response::BucketAction;
use apportion_envoy::quota::rate_limit_quota_response::bucket_action::{
    AbandonAction, BucketAction as Kind, QuotaAssignmentAction,
};
use apportion_envoy::quota::rate_limit_strategy::{BlanketRule, Strategy};
use apportion_envoy::quota::{BucketId, RateLimitQuotaResponse, RateLimitStrategy, TokenBucket};

/// What Envoy says a bucket is.
pub(super) type BucketKey = std::collections::BTreeMap<String, String>;

const NS_PER_SECOND: u64 = 1_000_000_000;
/// The interval at which tokens come: longer than any window, so that none comes while an assignment lasts. In whole seconds, as
/// Envoy reads it.
const FILL_INTERVAL_S: i64 = 1_000_000_000;

/// The whole seconds of a span: as long as an assignment lasts for Envoy. None where there is not even one.
pub(super) fn whole_seconds(span: Span) -> Option<u32> {
    u32::try_from(span.as_ns() / NS_PER_SECOND).ok().filter(|seconds| *seconds > 0)
}

/// Lets so many requests pass within so many seconds. Envoy takes a bucket for a new, full one only where something in it has changed:
/// `turn` is one that the last assignment of this bucket did not have.
pub(super) fn tokens(bucket: &BucketKey, permits: u32, seconds: u32, turn: bool) -> RateLimitQuotaResponse {
    let fill_interval = prost_types::Duration { seconds: FILL_INTERVAL_S, nanos: 0 };
    let tokens = TokenBucket {
        max_tokens: permits,
        tokens_per_fill: Some(if turn { 2 } else { 1 }),
        fill_interval: Some(fill_interval),
    };
    assigned(bucket, seconds, Strategy::TokenBucket(tokens))
}

/// Lets no request pass for so many seconds.
pub(super) fn nothing(bucket: &BucketKey, seconds: u32) -> RateLimitQuotaResponse {
    assigned(bucket, seconds, Strategy::BlanketRule(BlanketRule::DenyAll.into()))
}

/// Has Envoy forget a bucket until the next request.
pub(super) fn abandoned(bucket: &BucketKey) -> RateLimitQuotaResponse {
    response(bucket, Kind::AbandonAction(AbandonAction {}))
}

fn assigned(bucket: &BucketKey, seconds: u32, strategy: Strategy) -> RateLimitQuotaResponse {
    let action = QuotaAssignmentAction {
        assignment_time_to_live: Some(prost_types::Duration { seconds: seconds.into(), nanos: 0 }),
        rate_limit_strategy: Some(RateLimitStrategy { strategy: Some(strategy) }),
    };
    response(bucket, Kind::QuotaAssignmentAction(action))
}

fn response(bucket: &BucketKey, kind: Kind) -> RateLimitQuotaResponse {
    let bucket_id = Some(BucketId { bucket: bucket.clone() });
    RateLimitQuotaResponse { bucket_action: vec![BucketAction { bucket_id, bucket_action: Some(kind) }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_lasts_for_whole_seconds_within_its_lease_and_for_one_at_least() {
        assert_eq!(whole_seconds(Span::from_ms(3_999)), Some(3));
        assert_eq!(whole_seconds(Span::from_ms(1_000)), Some(1));
        assert_eq!(whole_seconds(Span::from_ms(999)), None);
    }

    #[test]
    fn two_assignments_of_one_size_differ_and_neither_fills_up_within_a_year() {
        let bucket = BucketKey::from([("team".to_owned(), "sync".to_owned())]);
        let (one, other) = (tokens(&bucket, 5, 3, false), tokens(&bucket, 5, 3, true));
        assert_ne!(one, other);
        assert!(FILL_INTERVAL_S / 2 > 366 * 86_400);
    }
}
