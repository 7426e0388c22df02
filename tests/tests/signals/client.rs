//! What the Rust client reads, in the terms of the second path.

use crate::interpret::{Observed, Reading};
use apportion_client::signals::{ProviderResponse, Signals, interpret};
use apportion_proto::v1::{Observation, observation::Reset};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// Interprets a response with the client.
pub(crate) fn read_by_client(signals: &Signals, response: &Value) -> Reading {
    let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
    let headers = headers(response);
    let body = response["body"].as_str().map(str::as_bytes);
    let read = interpret(signals, &ProviderResponse { status, headers: &headers, body });
    Reading {
        observations: read.observations.into_iter().map(observed).collect(),
        is_uncounted: read.is_uncounted,
    }
}

fn headers(response: &Value) -> HeaderMap {
    let lines = response["headers"].as_array().into_iter().flatten();
    lines.filter_map(|line| Some((line[0].as_str()?, line[1].as_str()?))).filter_map(line).collect()
}

fn line((name, value): (&str, &str)) -> Option<(HeaderName, HeaderValue)> {
    // What HTTP cannot carry stands for what it can, and no client reads.
    let value = HeaderValue::from_bytes(value.as_bytes())
        .unwrap_or_else(|_| HeaderValue::from_bytes(&[0x80]).expect("an opaque byte"));
    Some((name.parse().ok()?, value))
}

fn observed(read: Observation) -> Observed {
    let (reset_time, reset_after) = match read.reset {
        Some(Reset::ResetTime(at)) => (Some(nanoseconds(at.seconds, at.nanos)), None),
        Some(Reset::ResetAfter(span)) => (None, Some(nanoseconds(span.seconds, span.nanos))),
        None => (None, None),
    };
    let span = |span: Option<prost_types::Duration>| span.map(|span| nanoseconds(span.seconds, span.nanos));
    Observed {
        limit: read.limit,
        status: read.status,
        limit_permits: read.limit_permits.map(u64::from),
        remaining_permits: read.remaining_permits.map(u64::from),
        reset_time,
        reset_after,
        reset_precision: span(read.reset_precision),
        is_throttled: read.throttled,
        retry_after: span(read.retry_after),
    }
}

fn nanoseconds(seconds: i64, nanos: i32) -> u128 {
    u128::try_from(i128::from(seconds) * 1_000_000_000 + i128::from(nanos)).expect("it is not negative")
}
