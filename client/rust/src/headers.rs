//! What a response of the provider says about a limit, read as Intercom writes it. Reports only what was read.

use apportion_proto::v1::{Observation, observation::Reset};
use http::{HeaderMap, StatusCode};
use prost_types::{Duration, Timestamp};

/// Most permits that the contract lets an observation report.
const PERMITS_MAX: u32 = 1 << 28;

/// Most seconds of a `Retry-After` that the contract lets an observation report: 366 days.
const RETRY_AFTER_MAX_S: i64 = 366 * 86_400;

/// Last second of a reset that the contract lets an observation report: the start of 2262.
const RESET_MAX_S: i64 = 9_214_646_400;

/// The observation of one response. With no body every 429 counts as a throttle, as the contract wants of who cannot tell.
/// `Retry-After` is read in seconds only; as a date it would need the provider's clock.
pub fn observe(status: StatusCode, headers: &HeaderMap, body: Option<&str>) -> Observation {
    let is_job_cap = body.is_some_and(is_job_cap);
    Observation {
        status: u32::from(status.as_u16()),
        limit_permits: permits(headers, "x-ratelimit-limit"),
        remaining_permits: permits(headers, "x-ratelimit-remaining"),
        reset: whole(headers, "x-ratelimit-reset", RESET_MAX_S)
            .map(|seconds| Reset::ResetTime(Timestamp { seconds, nanos: 0 })),
        throttled: status == StatusCode::TOO_MANY_REQUESTS && !is_job_cap,
        // That of a job cap is about jobs: reported, it would silence everybody.
        retry_after: whole(headers, "retry-after", RETRY_AFTER_MAX_S)
            .filter(|_| !is_job_cap)
            .map(|seconds| Duration { seconds, nanos: 0 }),
        ..Observation::default()
    }
}

/// The observation of one response by its status and headers alone, whatever its body: see [`observe`].
pub fn of_response<B>(response: &http::Response<B>) -> Option<Observation> {
    Some(observe(response.status(), response.headers(), None))
}

/// Whether a 429 is about a cap on jobs ("… of 1 pending message data export jobs"): the window is not exhausted then.
fn is_job_cap(body: &str) -> bool {
    body.contains(" pending ") && body.contains(" jobs")
}

fn permits(headers: &HeaderMap, name: &str) -> Option<u32> {
    whole(headers, name, i64::from(PERMITS_MAX)).and_then(|count| u32::try_from(count).ok())
}

/// A whole number from 0 to `most`; none where the header is absent, malformed or beyond.
fn whole(headers: &HeaderMap, name: &str, most: i64) -> Option<i64> {
    let value: i64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    (0..=most).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_three_headers_of_intercom_are_read() {
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
    fn what_is_absent_malformed_or_absurd_is_not_reported() {
        let lines =
            [("x-ratelimit-limit", "many"), ("x-ratelimit-remaining", "-1"), ("retry-after", "99999999999")];
        let seen = observe(StatusCode::OK, &headers(&lines), None);
        assert_eq!(
            (seen.limit_permits, seen.remaining_permits, seen.reset, seen.retry_after),
            (None, None, None, None)
        );
    }

    #[test]
    fn a_429_throttles_unless_its_body_speaks_of_jobs() {
        let throttled =
            |body| observe(StatusCode::TOO_MANY_REQUESTS, &headers(&[("retry-after", "3")]), body);
        assert!(throttled(None).throttled);
        assert!(throttled(Some("Exceeded rate limit of 166 in 10_seconds")).throttled);
        let jobs = throttled(Some("Exceeded rate limit of 1 pending message data export jobs"));
        assert!(!jobs.throttled);
        assert_eq!(jobs.retry_after, None, "it is about jobs, not about the window");
    }
}
