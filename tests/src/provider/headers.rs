//! Responses in the format of Intercom: the headers and the bodies. Knows no sockets.

use serde_json::{Value, json};

use super::report::Cause;
use super::rules::Rules;
use super::verdict::Verdict;

/// The header with the limit of the window.
pub const LIMIT: &str = "x-ratelimit-limit";
/// The header with what is left of it.
pub const REMAINING: &str = "x-ratelimit-remaining";
/// The header with the end of the window, in Unix time.
pub const RESET: &str = "x-ratelimit-reset";
/// The header with the time that a lock-out still lasts, in seconds.
pub const RETRY_AFTER: &str = "retry-after";

/// The headers of a response.
pub fn headers(rules: &Rules, verdict: &Verdict) -> Vec<(&'static str, u64)> {
    let second = 1_000_000_000;
    let down = rules.reset_rounded_down;
    let reset = if down { verdict.reset_ns / second } else { verdict.reset_ns.div_ceil(second) };
    let mut headers = vec![(LIMIT, verdict.limit), (REMAINING, verdict.remaining), (RESET, reset)];
    headers.extend(verdict.locked_ns.map(|left| (RETRY_AFTER, left.div_ceil(second))));
    headers
}

/// The body of a response.
pub fn body(rules: &Rules, verdict: &Verdict) -> Value {
    let message = match verdict.throttled {
        None => return json!({"type": "list", "data": [], "total_count": 0}),
        Some(Cause::JobCap) => "Exceeded rate limit of 1 pending message data export jobs".into(),
        Some(Cause::Limit | Cause::Locked | Cause::Forced) => {
            format!("Exceeded rate limit of {} in {}", verdict.limit, period(rules.window_ms))
        }
    };
    json!({
        "type": "error.list",
        "request_id": format!("{:020x}", verdict.number),
        "errors": [{"code": "rate_limit_exceeded", "message": message}],
    })
}

fn period(window_ms: u64) -> String {
    if window_ms.is_multiple_of(1000) {
        format!("{}_seconds", window_ms / 1000)
    } else {
        format!("{window_ms}_milliseconds")
    }
}
