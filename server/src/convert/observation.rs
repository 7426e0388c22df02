//! What a response of the provider said, as clients report it.

use super::field::{FieldError, optional_name, out_of_range, permits};
use super::time::{instant, optional_span, span};
use apportion_core::ids::LimitId;
use apportion_core::observation::{Observation, Reset};
use apportion_core::permits::Permits;
use apportion_core::policy::{Policy, WINDOW_MAX};
use apportion_core::request::LeaseId;
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;
use apportion_proto::v1::observation::Reset as WireReset;

/// The precision of a reset that names none.
const PRECISION_DEFAULT: Span = Span::from_secs(1);
/// The most of an age or a precision.
const HOUR: Span = Span::from_secs(3600);

/// A checked report. What it says relative to the response becomes an instant with [`Reported::observed`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reported {
    /// The limit it speaks of; none: that with the shortest window.
    pub limit: Option<LimitId>,
    /// The HTTP status, from 100 to 599; none: not told. For metrics only.
    pub status: Option<u32>,
    permits: Option<Permits>,
    remaining: Option<Permits>,
    reset: Option<ReportedReset>,
    precision: Span,
    throttled: bool,
    retry_after: Option<Span>,
    age: Span,
}

/// When the window ends, in the form in which it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ReportedReset {
    At(Timestamp),
    After(Span),
}

/// A limit that the workspace does not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownLimit(pub LimitId);

impl TryFrom<&v1::Observation> for Reported {
    type Error = FieldError;

    fn try_from(wire: &v1::Observation) -> Result<Self, FieldError> {
        let number =
            |path: &str, n: Option<u32>| n.map(|n| permits(path, n, Permits::ZERO, Permits::MAX)).transpose();
        let longest = |path: &str, wire: Option<&prost_types::Duration>, most: Span| {
            optional_span(path, wire, Span::ZERO, most)
        };
        Ok(Self {
            limit: optional_name("limit", &wire.limit)?,
            status: status(wire.status)?,
            permits: number("limit_permits", wire.limit_permits)?,
            remaining: number("remaining_permits", wire.remaining_permits)?,
            reset: wire.reset.as_ref().map(reset).transpose()?,
            precision: longest("reset_precision", wire.reset_precision.as_ref(), HOUR)?
                .unwrap_or(PRECISION_DEFAULT),
            throttled: wire.throttled,
            retry_after: longest("retry_after", wire.retry_after.as_ref(), WINDOW_MAX)?,
            age: longest("age", wire.age.as_ref(), HOUR)?.unwrap_or(Span::ZERO),
        })
    }
}

fn status(status: u32) -> Result<Option<u32>, FieldError> {
    match status {
        0 => Ok(None),
        100..=599 => Ok(Some(status)),
        _ => Err(out_of_range("status", status, "from 100 to 599")),
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

impl Reported {
    /// What the core is told of a response under `lease`, whose report came at `now`.
    ///
    /// # Errors
    /// [`UnknownLimit`] where the policy has no such limit.
    pub fn observed(
        &self,
        policy: &Policy,
        lease: Option<LeaseId>,
        now: Timestamp,
    ) -> Result<Observation, UnknownLimit> {
        let limit = self.limit.as_ref().unwrap_or(&policy.limits[policy.primary_limit()].id);
        if !policy.limits.iter().any(|known| known.id == *limit) {
            return Err(UnknownLimit(limit.clone()));
        }
        let response_at = now - self.age;
        let at = |reset| match reset {
            ReportedReset::At(instant) => instant,
            ReportedReset::After(span) => response_at + span,
        };
        Ok(Observation {
            lease,
            permits: self.permits,
            remaining: self.remaining,
            reset: self.reset.map(|reset| Reset { at: at(reset), within: self.precision }),
            throttled: self.throttled,
            retry_at: self.retry_after.map(|span| response_at + span),
            ..Observation::new(limit.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apportion_core::policy::{LimitPolicy, Margins};

    fn policy() -> Policy {
        let limit = |id: &str, window| LimitPolicy {
            id: LimitId::new(id).expect("a name"),
            permits: Permits::ONE,
            window: Span::from_secs(window),
            phase: Span::ZERO,
            margins: Margins::DEFAULT,
        };
        Policy {
            limits: vec![limit("day", 86_400), limit("short", 10)],
            ..Policy::plain(limit("x", 1), vec![])
        }
    }

    #[test]
    fn an_observation_that_names_no_limit_speaks_of_the_shortest() {
        let reported = Reported::try_from(&v1::Observation::default()).expect("it is allowed");
        let observed = reported.observed(&policy(), None, Timestamp::ZERO).expect("the limit is there");
        assert_eq!(observed, Observation::new(LimitId::new("short").expect("a name")));
    }

    #[test]
    fn an_unknown_limit_is_told() {
        let reported = Reported::try_from(&v1::Observation { limit: "week".into(), ..Default::default() });
        let unknown = reported.expect("a name").observed(&policy(), None, Timestamp::ZERO);
        assert_eq!(unknown, Err(UnknownLimit(LimitId::new("week").expect("a name"))));
    }

    #[test]
    fn spans_count_from_the_response_and_not_from_its_report() {
        let seconds = |seconds| prost_types::Duration { seconds, nanos: 0 };
        let wire = v1::Observation {
            reset: Some(WireReset::ResetAfter(seconds(7))),
            retry_after: Some(seconds(30)),
            age: Some(seconds(2)),
            ..Default::default()
        };
        let now = Timestamp::ZERO + Span::from_secs(100);
        let observed =
            Reported::try_from(&wire).expect("allowed").observed(&policy(), None, now).expect("known");
        let reset = Reset { at: Timestamp::ZERO + Span::from_secs(105), within: Span::from_secs(1) };
        assert_eq!(observed.reset, Some(reset));
        assert_eq!(observed.retry_at, Some(Timestamp::ZERO + Span::from_secs(128)));
    }
}
