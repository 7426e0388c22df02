//! Reads observations from HTTP responses, in the format of Intercom's headers. Reports only what was read.
//!
//! The headers are `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-RateLimit-Reset` in Unix seconds, and `Retry-After`.

use crate::observation::{PERMITS_MAX, RESET_MAX_S, SPAN_MAX_S};
use apportion_proto::v1::{Observation, observation::Reset};
use http::{HeaderMap, StatusCode};
use prost_types::{Duration, Timestamp};

/// Returns the observation of one response.
///
/// Headers that are absent, malformed or out of bounds are left out. Without a `body`, every 429 counts as a throttle. With one, a
/// 429 about a cap on jobs does not. `Retry-After` is read in seconds only, because a date would need the provider's clock.
pub fn observe(status: StatusCode, headers: &HeaderMap, body: Option<&str>) -> Observation {
    let is_job_cap = body.is_some_and(is_job_cap);
    Observation {
        status: u32::from(status.as_u16()),
        limit_permits: permits(headers, "x-ratelimit-limit"),
        remaining_permits: permits(headers, "x-ratelimit-remaining"),
        reset: integer(headers, "x-ratelimit-reset", RESET_MAX_S)
            .map(|seconds| Reset::ResetTime(Timestamp { seconds, nanos: 0 })),
        throttled: status == StatusCode::TOO_MANY_REQUESTS && !is_job_cap,
        // The delay of a job cap concerns jobs. Reporting it would stop all requests.
        retry_after: integer(headers, "retry-after", SPAN_MAX_S)
            .filter(|_| !is_job_cap)
            .map(|seconds| Duration { seconds, nanos: 0 }),
        ..Observation::default()
    }
}

/// Returns the observation of one response from its status and headers, without its body. See [`observe`].
///
/// Always returns `Some`; the type is the one that the layer of the `tower` module takes.
pub fn observe_response<B>(response: &http::Response<B>) -> Option<Observation> {
    Some(observe(response.status(), response.headers(), None))
}

/// Whether a 429 is about a cap on jobs ("… of 1 pending message data export jobs") and not about the window.
fn is_job_cap(body: &str) -> bool {
    body.contains(" pending ") && body.contains(" jobs")
}

fn permits(headers: &HeaderMap, name: &str) -> Option<u32> {
    integer(headers, name, i64::from(PERMITS_MAX)).and_then(|count| u32::try_from(count).ok())
}

/// A whole number from 0 to `max`; none if the header is absent, malformed or out of bounds.
fn integer(headers: &HeaderMap, name: &str, max: i64) -> Option<i64> {
    let value: i64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    (0..=max).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_rate_limit_headers_are_read() {
        let lines = [
            ("x-ratelimit-limit", "166"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1487332520"),
        ];
        let seen = observe(StatusCode::OK, &headers(&lines), None);
        assert_eq!((seen.status, seen.limit_permits, seen.remaining_permits), (200, Some(166), Some(0)));
        assert_eq!(seen.reset, Some(Reset::ResetTime(Timestamp { seconds: 1_487_332_520, nanos: 0 })));
        assert!(!seen.throttled);
    }

    #[test]
    fn absent_malformed_and_absurd_headers_are_not_reported() {
        let lines =
            [("x-ratelimit-limit", "many"), ("x-ratelimit-remaining", "-1"), ("retry-after", "99999999999")];
        let seen = observe(StatusCode::OK, &headers(&lines), None);
        assert_eq!(
            (seen.limit_permits, seen.remaining_permits, seen.reset, seen.retry_after),
            (None, None, None, None)
        );
    }

    #[test]
    fn a_429_is_a_throttle_unless_its_body_is_about_jobs() {
        let throttled =
            |body| observe(StatusCode::TOO_MANY_REQUESTS, &headers(&[("retry-after", "3")]), body);
        assert!(throttled(None).throttled);
        assert!(throttled(Some("Exceeded rate limit of 166 in 10_seconds")).throttled);
        let jobs = throttled(Some("Exceeded rate limit of 1 pending message data export jobs"));
        assert!(!jobs.throttled);
        assert_eq!(jobs.retry_after, None, "it concerns jobs, not the window");
    }
}
