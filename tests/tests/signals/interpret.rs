//! The steps of an interpretation, one after the other.

use crate::body;
use crate::items;
use crate::text::{digits, header};
use crate::times::{Time, time};
use apportion_proto::v1::{
    CountForm, CountSource, HeaderMatch, ResponseMatch, Signals, ThrottleEffect, TimeForm, TimeSource,
};
use serde_json::Value;

/// What was read of a response.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) observations: Vec<Observed>,
    pub(crate) is_uncounted: bool,
}

/// An observation, with times in nanoseconds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Observed {
    pub(crate) limit: String,
    pub(crate) status: u32,
    pub(crate) limit_permits: Option<u64>,
    pub(crate) remaining_permits: Option<u64>,
    pub(crate) reset_time: Option<u128>,
    pub(crate) reset_after: Option<u128>,
    pub(crate) reset_precision: Option<u128>,
    pub(crate) is_throttled: bool,
    pub(crate) retry_after: Option<u128>,
}

/// Interprets a response.
pub(crate) fn interpret(signals: &Signals, response: &Value) -> Reading {
    let mut observations: Vec<Observed> = Vec::new();
    for signal in &signals.limits {
        let is_new = observations.iter().all(|known| known.limit != signal.limit);
        if !is_new || !headers_hold(&signal.headers, response) {
            continue;
        }
        let reset = signal.reset.as_ref().and_then(|source| read_time(source, response));
        let precision = signal.reset.as_ref().and_then(|source| source.precision.as_ref()).map(nanoseconds);
        let read = Observed {
            limit: signal.limit.clone(),
            limit_permits: signal
                .limit_permits
                .as_ref()
                .and_then(|source| read_count(source, response, false)),
            remaining_permits: signal
                .remaining_permits
                .as_ref()
                .and_then(|source| read_count(source, response, true)),
            reset_time: reset.and_then(|reset| if let Time::Instant(ns) = reset { Some(ns) } else { None }),
            reset_after: reset.and_then(|reset| if let Time::Span(ns) = reset { Some(ns) } else { None }),
            reset_precision: reset.and(precision),
            ..Observed::default()
        };
        if read != (Observed { limit: signal.limit.clone(), ..Observed::default() }) {
            observations.push(read);
        }
    }
    throttle(signals, response, &mut observations);
    let status = response["status"].as_u64().and_then(|status| u32::try_from(status).ok());
    for observation in &mut observations {
        observation.status = status.filter(|status| (100..=599).contains(status)).unwrap_or_default();
    }
    Reading { observations, is_uncounted: signals.uncounted.iter().any(|rule| matches(rule, response)) }
}

fn throttle(signals: &Signals, response: &Value, observations: &mut Vec<Observed>) {
    let matching = |signal: &&apportion_proto::v1::ThrottleSignal| {
        signal.response.as_ref().is_some_and(|rule| matches(rule, response))
    };
    let Some(signal) = signals.throttles.iter().find(matching) else { return };
    let is_throttled = match signal.effect() {
        ThrottleEffect::Unrelated => return,
        ThrottleEffect::Paused => false,
        ThrottleEffect::Exhausted | ThrottleEffect::Unspecified => true,
    };
    let said = signals.retry_after.iter().find_map(|source| pause(source, response));
    let retry_after = said.or_else(|| signal.default_retry_after.as_ref().map(nanoseconds));
    if !is_throttled && retry_after.is_none() {
        return;
    }
    let at = observations.iter().position(|known| known.limit == signal.limit).unwrap_or_else(|| {
        observations.push(Observed { limit: signal.limit.clone(), ..Observed::default() });
        observations.len() - 1
    });
    observations[at].is_throttled = is_throttled;
    observations[at].retry_after = retry_after;
}

/// How long to wait, in nanoseconds.
fn pause(source: &TimeSource, response: &Value) -> Option<u128> {
    match read_time(source, response)? {
        Time::Span(ns) => Some(ns),
        Time::Instant(at) => {
            let Time::Instant(now) = time(&header(response, "Date")?, TimeForm::HttpDate)? else {
                return None;
            };
            let ns = at.saturating_sub(now);
            (ns <= 366 * 86_400 * 1_000_000_000).then_some(ns)
        }
    }
}

fn matches(rule: &ResponseMatch, response: &Value) -> bool {
    let is_of_status = |status: &u32| response["status"].as_u64() == Some(u64::from(*status));
    (rule.statuses.is_empty() || rule.statuses.iter().any(is_of_status))
        && headers_hold(&rule.headers, response)
        && body::all_hold(&rule.body, response["body"].as_str())
}

fn headers_hold(conditions: &[HeaderMatch], response: &Value) -> bool {
    conditions.iter().all(|condition| {
        header(response, &condition.header).is_some_and(|value| {
            condition.values.is_empty() || condition.values.iter().any(|one| one.eq_ignore_ascii_case(&value))
        })
    })
}

fn selected(response: &Value, name: &str, parameter: &str, item: &str) -> Option<String> {
    let value = header(response, name)?;
    if parameter.is_empty() { Some(value) } else { items::parameter(&value, item, parameter) }
}

fn read_count(source: &CountSource, response: &Value, is_remaining: bool) -> Option<u64> {
    let text = selected(response, &source.header, &source.parameter, &source.item)?;
    let count = match CountForm::try_from(source.form).ok()? {
        CountForm::Unspecified | CountForm::Integer => digits(&text)?,
        CountForm::UsedOfLimit => {
            let (used, limit) = text.split_once('/')?;
            let (used, limit) = (digits(used)?, digits(limit)?);
            if is_remaining { limit.saturating_sub(used) } else { limit }
        }
    };
    (count <= 1 << 28).then_some(count)
}

fn read_time(source: &TimeSource, response: &Value) -> Option<Time> {
    let text = selected(response, &source.header, &source.parameter, &source.item)?;
    time(&text, TimeForm::try_from(source.form).ok()?)
}

/// A duration that was checked to be positive.
fn nanoseconds(duration: &prost_types::Duration) -> u128 {
    u128::try_from(i128::from(duration.seconds) * 1_000_000_000 + i128::from(duration.nanos))
        .unwrap_or_default()
}
