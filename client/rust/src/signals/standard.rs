//! The signals that a client uses before it knows those of its workspace.

use apportion_proto::v1::{
    CountSource, HeaderMatch, LimitSignal, ResponseMatch, Signals, ThrottleEffect, ThrottleSignal, TimeForm,
    TimeSource,
};

/// Returns the signals of most providers: those of the preset `ietf`, and after them the `X-RateLimit` headers.
pub fn standard() -> Signals {
    let count = |header: &str| CountSource { header: header.into(), ..CountSource::default() };
    let item = |header: &str, parameter: &str| CountSource { parameter: parameter.into(), ..count(header) };
    let time = |header: &str, form: TimeForm| TimeSource {
        header: header.into(),
        form: form.into(),
        ..TimeSource::default()
    };
    let limit = |limit_permits, remaining_permits, reset| LimitSignal {
        limit_permits: Some(limit_permits),
        remaining_permits: Some(remaining_permits),
        reset: Some(reset),
        ..LimitSignal::default()
    };
    let in_policy = TimeSource { parameter: "t".into(), ..time("RateLimit", TimeForm::Seconds) };
    Signals {
        limits: vec![
            limit(item("RateLimit-Policy", "q"), item("RateLimit", "r"), in_policy),
            limit(
                count("RateLimit-Limit"),
                count("RateLimit-Remaining"),
                time("RateLimit-Reset", TimeForm::Seconds),
            ),
            limit(
                count("X-RateLimit-Limit"),
                count("X-RateLimit-Remaining"),
                time("X-RateLimit-Reset", TimeForm::UnixSeconds),
            ),
        ],
        throttles: vec![
            throttle(429, &[], ThrottleEffect::Exhausted),
            throttle(503, &["Retry-After"], ThrottleEffect::Paused),
        ],
        retry_after: vec![time("Retry-After", TimeForm::Seconds), time("Retry-After", TimeForm::HttpDate)],
        uncounted: Vec::new(),
    }
}

fn throttle(status: u32, present: &[&str], effect: ThrottleEffect) -> ThrottleSignal {
    let headers = present.iter().map(|header| HeaderMatch { header: (*header).into(), values: Vec::new() });
    let response = ResponseMatch { statuses: vec![status], headers: headers.collect(), body: Vec::new() };
    ThrottleSignal { response: Some(response), effect: effect.into(), ..ThrottleSignal::default() }
}
