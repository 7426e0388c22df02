//! Observations of the provider's responses, as clients report them.

use super::field::{optional_name, out_of_range, permits};
use super::time::{instant, optional_span, span};
use crate::engine::{ReportedObservation, ReportedReset};
use crate::error::FieldError;
use apportion_core::permits::Permits;
use apportion_core::policy::WINDOW_MAX;
use apportion_core::time::Span;
use apportion_proto::v1;
use apportion_proto::v1::observation::Reset as WireReset;

/// The precision of a reset that names none.
const PRECISION_DEFAULT: Span = Span::from_secs(1);
/// The longest age, and the coarsest precision.
const HOUR: Span = Span::from_secs(3600);

impl TryFrom<&v1::Observation> for ReportedObservation {
    type Error = FieldError;

    fn try_from(wire: &v1::Observation) -> Result<Self, FieldError> {
        let number =
            |path: &str, n: Option<u32>| n.map(|n| permits(path, n, Permits::ZERO, Permits::MAX)).transpose();
        let longest = |path: &str, wire: Option<&prost_types::Duration>, most: Span| {
            optional_span(path, wire, Span::ZERO, most)
        };
        let limit = optional_name("limit", &wire.limit)?;
        check_status(wire.status)?;
        Ok(Self {
            limit,
            permits: number("limit_permits", wire.limit_permits)?,
            remaining: number("remaining_permits", wire.remaining_permits)?,
            reset: wire.reset.as_ref().map(reset).transpose()?,
            reset_precision: longest("reset_precision", wire.reset_precision.as_ref(), HOUR)?
                .unwrap_or(PRECISION_DEFAULT),
            is_throttled: wire.throttled,
            retry_after: longest("retry_after", wire.retry_after.as_ref(), WINDOW_MAX)?,
            age: longest("age", wire.age.as_ref(), HOUR)?.unwrap_or(Span::ZERO),
        })
    }
}

/// The HTTP status of the response; 0: not reported.
fn check_status(status: u32) -> Result<(), FieldError> {
    match status {
        0 | 100..=599 => Ok(()),
        _ => Err(out_of_range("status", status, "between 100 and 599")),
    }
}

fn reset(wire: &WireReset) -> Result<ReportedReset, FieldError> {
    Ok(match wire {
        WireReset::ResetTime(time) => ReportedReset::At(instant("reset_time", time)?),
        WireReset::ResetAfter(after) => {
            ReportedReset::After(span("reset_after", after, Span::ZERO, WINDOW_MAX)?)
        }
    })
}
