//! Responses as the library takes them, and what it reads.

use apportion_client::Observation;
use apportion_client::signals::{ProviderResponse, Signals, interpret};
use apportion_conformance::signals::observation;
use apportion_conformance::v1;
use apportion_conformance::v1::driver_response::Result as Outcome;
use apportion_conformance::v1::failure::Kind;
use apportion_proto::v1::observation::Reset;
use http::{HeaderMap, HeaderName, HeaderValue};
use prost::Message;
use prost_types::{Duration, Timestamp};

use crate::failure::{self, unsupported};

const SECOND_NS: i64 = 1_000_000_000;

/// Gives a response to the library.
pub(crate) fn read<T>(
    response: &v1::Response,
    reader: impl FnOnce(&ProviderResponse<'_>) -> T,
) -> Result<T, Outcome> {
    let mut headers = HeaderMap::new();
    for header in &response.headers {
        let name = HeaderName::try_from(&header.name).map_err(|error| failure::of(Kind::Other, error))?;
        // What HTTP cannot carry stands for what it can, and nobody reads.
        let value = HeaderValue::from_bytes(header.value.as_bytes());
        headers.append(name, value.unwrap_or_else(|_| unreadable()));
    }
    let status = u16::try_from(response.status).map_err(|_| unsupported("no such status"))?;
    Ok(reader(&ProviderResponse { status, headers: &headers, body: response.body.as_deref() }))
}

fn unreadable() -> HeaderValue {
    HeaderValue::from_bytes(&[0x80]).expect("an opaque byte")
}

pub(crate) fn interpreted(asked: v1::Interpret) -> Result<Outcome, Outcome> {
    let signals = Signals::decode(asked.signals.as_slice());
    let signals = signals.map_err(|error| failure::of(Kind::Other, error))?;
    let response = asked.response.unwrap_or_default();
    let read = read(&response, |response| interpret(&signals, response))?;
    Ok(Outcome::Observations(v1::Observations {
        observations: read.observations.into_iter().map(observation).collect(),
        is_uncounted: read.is_uncounted,
    }))
}

/// An observation as a user makes it, unchecked.
pub(crate) fn by_hand(seen: v1::Observation) -> Observation {
    let after = seen.reset_after_ns.map(|ns| Reset::ResetAfter(span(ns)));
    let at = seen.reset_time_unix_ns.map(|ns| Timestamp { seconds: span(ns).seconds, nanos: span(ns).nanos });
    Observation {
        limit: seen.limit,
        status: seen.status,
        limit_permits: seen.limit_permits,
        remaining_permits: seen.remaining_permits,
        reset: at.map(Reset::ResetTime).or(after),
        reset_precision: seen.reset_precision_ns.map(span),
        throttled: seen.throttled,
        retry_after: seen.retry_after_ns.map(span),
        age: seen.age_ms.map(|ms| span(i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000_000))),
    }
}

fn span(ns: i64) -> Duration {
    Duration { seconds: ns / SECOND_NS, nanos: i32::try_from(ns % SECOND_NS).unwrap_or(0) }
}
