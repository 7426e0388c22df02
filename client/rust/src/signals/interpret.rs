//! The steps of an interpretation, as `docs/signals.md` defines them.

use super::text::header;
use super::time::{self, Time};
use super::{body, list, text};
use crate::observation::PERMITS_MAX;
use apportion_proto::v1::observation::Reset;
use apportion_proto::v1::{
    CountForm, CountSource, HeaderMatch, LimitSignal, Observation, ResponseMatch, Signals, ThrottleEffect,
    ThrottleSignal, TimeForm, TimeSource,
};
use http::HeaderMap;
use prost_types::{Duration, Timestamp};

/// The statuses that can be reported.
const STATUSES: std::ops::RangeInclusive<u16> = 100..=599;

/// A response of a provider, as an interpreter sees it.
#[derive(Clone, Copy, Debug)]
pub struct ProviderResponse<'a> {
    /// The status.
    pub status: u16,
    /// The header lines.
    pub headers: &'a HeaderMap,
    /// The body, if it was read. Needed only for what [`wants_body`] says.
    pub body: Option<&'a [u8]>,
}

impl<'a> ProviderResponse<'a> {
    /// Creates a response whose body was not read.
    pub fn new(status: http::StatusCode, headers: &'a HeaderMap) -> Self {
        Self { status: status.as_u16(), headers, body: None }
    }
}

/// What a response says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Interpretation {
    /// One observation for each limit that it speaks of.
    pub observations: Vec<Observation>,
    /// Whether it says that its request did not count.
    pub is_uncounted: bool,
}

/// Interprets a response by signals. What cannot be read is absent.
pub fn interpret(signals: &Signals, response: &ProviderResponse<'_>) -> Interpretation {
    let mut observations: Vec<Observation> = Vec::new();
    for signal in &signals.limits {
        if observations.iter().all(|known| known.limit != signal.limit) {
            observations.extend(of_limit(signal, response));
        }
    }
    if let Some(throttle) =
        signals.throttles.iter().find(|throttle| matches(throttle.response.as_ref(), response))
    {
        refuse(throttle, retry_after(signals, response), &mut observations);
    }
    let status = if STATUSES.contains(&response.status) { response.status.into() } else { 0 };
    for observation in &mut observations {
        observation.status = status;
    }
    let is_uncounted = signals.uncounted.iter().any(|rule| matches(Some(rule), response));
    Interpretation { observations, is_uncounted }
}

/// Returns whether what a response means depends on its body. At most 4096 bytes of one are looked at.
pub fn wants_body(signals: &Signals, response: &ProviderResponse<'_>) -> bool {
    let rules = signals.throttles.iter().filter_map(|throttle| throttle.response.as_ref());
    // The first that matches decides, and does so without the body if it has no condition on it.
    rules.into_iter().find(|rule| matches_head(rule, response)).is_some_and(|rule| !rule.body.is_empty())
}

fn of_limit(signal: &LimitSignal, response: &ProviderResponse<'_>) -> Option<Observation> {
    if !headers_hold(&signal.headers, response) {
        return None;
    }
    let limit_permits = signal.limit_permits.as_ref().and_then(|source| limit_count(source, response));
    let remaining_permits =
        signal.remaining_permits.as_ref().and_then(|source| remaining_count(source, response));
    let reset = signal.reset.as_ref().and_then(|source| read_time(source, response)).map(reset);
    if limit_permits.is_none() && remaining_permits.is_none() && reset.is_none() {
        return None;
    }
    let precision = signal.reset.as_ref().and_then(|source| source.precision);
    Some(Observation {
        limit: signal.limit.clone(),
        limit_permits,
        remaining_permits,
        reset_precision: precision.filter(|_| reset.is_some()),
        reset,
        ..Observation::default()
    })
}

/// Adds to the observations what a refusal means.
fn refuse(throttle: &ThrottleSignal, retry_after: Option<Duration>, observations: &mut Vec<Observation>) {
    let throttled = match throttle.effect() {
        ThrottleEffect::Unrelated => return,
        ThrottleEffect::Paused => false,
        ThrottleEffect::Exhausted | ThrottleEffect::Unspecified => true,
    };
    let retry_after = retry_after.or(throttle.default_retry_after);
    if !throttled && retry_after.is_none() {
        return;
    }
    let known = observations.iter().position(|known| known.limit == throttle.limit);
    let at = known.unwrap_or_else(|| {
        observations.push(Observation { limit: throttle.limit.clone(), ..Observation::default() });
        observations.len() - 1
    });
    (observations[at].throttled, observations[at].retry_after) = (throttled, retry_after);
}

fn retry_after(signals: &Signals, response: &ProviderResponse<'_>) -> Option<Duration> {
    signals.retry_after.iter().find_map(|source| match read_time(source, response)? {
        Time::Span(ns) => Some(duration(ns)),
        Time::Instant(at) => {
            // The clock of the provider: this machine's may be wrong.
            let now = time::http_date(&header(response.headers, "date")?)?;
            match time::span(at.saturating_sub(now).into())? {
                Time::Span(ns) => Some(duration(ns)),
                Time::Instant(_) => None,
            }
        }
    })
}

fn matches(rule: Option<&ResponseMatch>, response: &ProviderResponse<'_>) -> bool {
    rule.is_some_and(|rule| matches_head(rule, response) && body::all_hold(&rule.body, response.body))
}

fn matches_head(rule: &ResponseMatch, response: &ProviderResponse<'_>) -> bool {
    (rule.statuses.is_empty() || rule.statuses.contains(&response.status.into()))
        && headers_hold(&rule.headers, response)
}

fn headers_hold(conditions: &[HeaderMatch], response: &ProviderResponse<'_>) -> bool {
    conditions.iter().all(|condition| {
        let value = header(response.headers, &condition.header);
        value.is_some_and(|value| {
            condition.values.is_empty() || condition.values.iter().any(|one| one.eq_ignore_ascii_case(&value))
        })
    })
}

fn limit_count(source: &CountSource, response: &ProviderResponse<'_>) -> Option<u32> {
    count(source, response, |_, limit| limit)
}

fn remaining_count(source: &CountSource, response: &ProviderResponse<'_>) -> Option<u32> {
    count(source, response, |used, limit| limit.saturating_sub(used))
}

/// Reads a count, or what is made of the two that `used/limit` has.
fn count(source: &CountSource, response: &ProviderResponse<'_>, of: impl Fn(u64, u64) -> u64) -> Option<u32> {
    let value = header(response.headers, &source.header)?;
    let text = selected(&value, &source.parameter, &source.item)?;
    let count = match CountForm::try_from(source.form).ok()? {
        CountForm::Unspecified | CountForm::Integer => text::digits(text)?,
        CountForm::UsedOfLimit => {
            let (used, limit) = text.split_once('/')?;
            of(text::digits(used)?, text::digits(limit)?)
        }
    };
    u32::try_from(count).ok().filter(|count| *count <= PERMITS_MAX)
}

fn read_time(source: &TimeSource, response: &ProviderResponse<'_>) -> Option<Time> {
    let value = header(response.headers, &source.header)?;
    time::read(selected(&value, &source.parameter, &source.item)?, TimeForm::try_from(source.form).ok()?)
}

/// The whole value of a header, or the number that is a parameter of an item in it.
fn selected<'a>(value: &'a str, parameter: &str, item: &str) -> Option<&'a str> {
    if parameter.is_empty() { Some(value) } else { list::number(value, item, parameter) }
}

fn reset(time: Time) -> Reset {
    match time {
        Time::Instant(ns) => {
            let Duration { seconds, nanos } = duration(ns);
            Reset::ResetTime(Timestamp { seconds, nanos })
        }
        Time::Span(ns) => Reset::ResetAfter(duration(ns)),
    }
}

fn duration(ns: u64) -> Duration {
    let whole = std::time::Duration::from_nanos(ns);
    // 64 bits of nanoseconds are fewer than 2^35 seconds.
    Duration {
        seconds: i64::try_from(whole.as_secs()).unwrap_or(i64::MAX),
        nanos: whole.subsec_nanos().cast_signed(),
    }
}
