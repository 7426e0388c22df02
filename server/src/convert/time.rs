//! Durations and instants on the wire ↔ spans and instants of the core.

use super::field::out_of_range;
use crate::error::FieldError;
use apportion_core::time::{Span, Timestamp};

const NS_PER_SECOND: u64 = 1_000_000_000;
/// The latest instant taken from the wire, in the year 2262: 2^63 - 1 ns after the epoch.
pub(crate) const LATEST: Timestamp = Timestamp::from_ns((1 << 63) - 1);

/// A duration of the wire from `least` to `most`, in nanoseconds.
///
/// # Errors
/// [`FieldError`] where it is malformed, negative or out of that range.
pub(crate) fn span(
    path: &str,
    duration: &prost_types::Duration,
    least: Span,
    most: Span,
) -> Result<Span, FieldError> {
    let prost_types::Duration { seconds, nanos } = *duration;
    if i64::from(nanos).unsigned_abs() >= NS_PER_SECOND {
        return Err(FieldError::new(
            path,
            format!("nanos must be between -999999999 and 999999999, got {nanos}"),
        ));
    }
    if (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0) {
        return Err(FieldError::new(path, "seconds and nanoseconds have different signs"));
    }
    let ns = i128::from(seconds) * i128::from(NS_PER_SECOND) + i128::from(nanos);
    u64::try_from(ns).ok().map(Span::from_ns).filter(|span| (least..=most).contains(span)).ok_or_else(|| {
        let (least, most) = (std_duration(least), std_duration(most));
        out_of_range(path, format!("{seconds}s and {nanos}ns"), &format!("between {least:?} and {most:?}"))
    })
}

/// A span as messages show it: its `Debug` is short and has a unit.
fn std_duration(span: Span) -> std::time::Duration {
    std::time::Duration::from_nanos(span.as_ns())
}

/// A duration of the wire from `least` to `most`, or `None` where it is absent.
///
/// # Errors
/// As [`span`].
pub(crate) fn optional_span(
    path: &str,
    duration: Option<&prost_types::Duration>,
    least: Span,
    most: Span,
) -> Result<Option<Span>, FieldError> {
    duration.map(|duration| span(path, duration, least, most)).transpose()
}

/// A span as a duration of the wire, exact.
pub(crate) fn duration(span: Span) -> prost_types::Duration {
    let (seconds, nanos) = seconds_and_nanos(span.as_ns());
    prost_types::Duration { seconds, nanos }
}

/// An instant of the wire, from 1970 to [`LATEST`].
///
/// # Errors
/// [`FieldError`] where it is malformed or out of that range.
pub(crate) fn instant(path: &str, timestamp: &prost_types::Timestamp) -> Result<Timestamp, FieldError> {
    let prost_types::Timestamp { seconds, nanos } = *timestamp;
    if !(0..NS_PER_SECOND).contains(&u64::try_from(nanos).unwrap_or(NS_PER_SECOND)) {
        return Err(FieldError::new(path, format!("nanos must be between 0 and 999999999, got {nanos}")));
    }
    let ns = i128::from(seconds) * i128::from(NS_PER_SECOND) + i128::from(nanos);
    u64::try_from(ns)
        .ok()
        .map(Timestamp::from_ns)
        .filter(|instant| *instant <= LATEST)
        .ok_or_else(|| out_of_range(path, format!("{seconds}s since 1970"), "between 1970 and 2262"))
}

/// An instant of the core as a timestamp of the wire, exact.
pub(crate) fn timestamp(instant: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = seconds_and_nanos(instant.as_ns());
    prost_types::Timestamp { seconds, nanos }
}

/// Both parts fit: 2^64 ns are less than 2^35 s.
fn seconds_and_nanos(ns: u64) -> (i64, i32) {
    let seconds = i64::try_from(ns / NS_PER_SECOND).unwrap_or(i64::MAX);
    let nanos = i32::try_from(ns % NS_PER_SECOND).unwrap_or(i32::MAX);
    (seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_or_malformed_duration_is_refused() {
        let most = Span::from_secs(3600);
        for (seconds, nanos) in [(-1, 0), (0, -1), (1, -1), (-1, 1), (0, 1_000_000_000), (i64::MIN, i32::MIN)]
        {
            let duration = prost_types::Duration { seconds, nanos };
            assert!(span("max_wait", &duration, Span::ZERO, most).is_err(), "{seconds} s {nanos} ns");
        }
        let duration = prost_types::Duration { seconds: 3600, nanos: 1 };
        let error = span("max_wait", &duration, Span::ZERO, most).expect_err("above the bound");
        let told = "max_wait: must be between 0ns and 3600s, got 3600s and 1ns";
        assert_eq!(error.to_string(), told);
    }

    #[test]
    fn an_instant_before_1970_or_after_2262_is_refused() {
        for (seconds, nanos) in [(-1, 0), (0, -1), (9_223_372_036, 854_775_808), (i64::MAX, 0), (0, i32::MAX)]
        {
            let timestamp = prost_types::Timestamp { seconds, nanos };
            assert!(instant("reset_time", &timestamp).is_err(), "{seconds} s {nanos} ns");
        }
    }

    #[test]
    fn every_span_and_instant_comes_back_as_it_went_out() {
        for ns in [0, 1, 999_999_999, 1_000_000_000, 86_400_000_000_001, LATEST.as_ns()] {
            let out = duration(Span::from_ns(ns));
            assert_eq!(span("x", &out, Span::ZERO, Span::MAX), Ok(Span::from_ns(ns)));
            assert_eq!(instant("x", &timestamp(Timestamp::from_ns(ns))), Ok(Timestamp::from_ns(ns)));
        }
        assert_eq!(duration(Span::MAX).seconds, 18_446_744_073);
    }
}
