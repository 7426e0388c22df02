//! Keeps observations within what the API accepts, so that one odd response does not invalidate a whole report.

use crate::clock::BootInstant;
use apportion_proto::v1::{Observation, observation::Reset};
use prost_types::{Duration, Timestamp};

/// The largest number of permits that an observation may report.
pub(crate) const PERMITS_MAX: u32 = 1 << 28;
/// The longest span that an observation may report, in seconds: 366 days.
pub(crate) const SPAN_MAX_S: i64 = 366 * 86_400;
/// The latest reset that an observation may report, in Unix seconds: the start of 2262.
pub(crate) const RESET_MAX_S: i64 = 9_214_646_400;
/// The oldest observation that may be reported, and the coarsest precision of a reset, in seconds.
const HOUR_S: i64 = 3_600;
/// The longest id of a limit.
const LIMIT_ID_MAX: usize = 63;

/// An observation, and when its response was received.
#[derive(Clone, Debug)]
pub(crate) struct TimedObservation {
    observation: Observation,
    received_at: BootInstant,
}

impl TimedObservation {
    /// Leaves out every field that the server would refuse. None if the observation is about a limit that cannot exist: without
    /// its limit it would be taken for one of the shortest window.
    pub(crate) fn new(observation: Observation, received_at: BootInstant) -> Option<Self> {
        is_limit_id(&observation.limit).then(|| Self { observation: acceptable(observation), received_at })
    }

    pub(crate) fn is_throttled(&self) -> bool {
        self.observation.throttled
    }

    pub(crate) fn received_at(&self) -> BootInstant {
        self.received_at
    }

    /// The observation as it is sent at `now`, with its age. None if it is too old to be accepted.
    pub(crate) fn at(&self, now: BootInstant) -> Option<Observation> {
        let age = Duration::try_from(now.since(self.received_at)).ok().filter(|age| is_span(age, HOUR_S))?;
        Some(Observation { age: Some(age), ..self.observation.clone() })
    }
}

fn acceptable(observation: Observation) -> Observation {
    let reset = observation.reset.filter(is_reset);
    Observation {
        status: if (100..=599).contains(&observation.status) { observation.status } else { 0 },
        limit_permits: observation.limit_permits.filter(|permits| *permits <= PERMITS_MAX),
        remaining_permits: observation.remaining_permits.filter(|permits| *permits <= PERMITS_MAX),
        reset_precision: observation.reset_precision.filter(|span| is_span(span, HOUR_S)),
        retry_after: observation.retry_after.filter(|span| is_span(span, SPAN_MAX_S)),
        reset,
        ..observation
    }
}

/// Whether the text is empty or can be the id of a limit.
fn is_limit_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let starts_well = id.bytes().next().is_none_or(|byte| byte.is_ascii_alphanumeric());
    id.len() <= LIMIT_ID_MAX && starts_well && id.bytes().all(is_allowed)
}

fn is_reset(reset: &Reset) -> bool {
    match reset {
        Reset::ResetTime(Timestamp { seconds, nanos }) => {
            (0..RESET_MAX_S).contains(seconds) && (0..1_000_000_000).contains(nanos)
        }
        Reset::ResetAfter(span) => is_span(span, SPAN_MAX_S),
    }
}

/// Whether a span is from 0 to `max_s` seconds, and written as the API wants it.
fn is_span(span: &Duration, max_s: i64) -> bool {
    (0..1_000_000_000).contains(&span.nanos)
        && (0..=max_s).contains(&span.seconds)
        && (span.seconds < max_s || span.nanos == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: BootInstant = BootInstant::from_nanos(5_000_000_000);

    fn sent(observation: Observation) -> Observation {
        let sent = TimedObservation::new(observation, AT).and_then(|seen| seen.at(AT)).expect("it is sent");
        Observation { age: None, ..sent }
    }

    #[test]
    fn what_the_server_would_refuse_is_left_out_and_the_rest_is_sent() {
        let odd = Observation {
            status: 999,
            limit_permits: Some(PERMITS_MAX + 1),
            remaining_permits: Some(7),
            reset: Some(Reset::ResetTime(Timestamp { seconds: -1, nanos: 0 })),
            reset_precision: Some(Duration { seconds: HOUR_S, nanos: 1 }),
            throttled: true,
            retry_after: Some(Duration { seconds: 1, nanos: -1 }),
            ..Observation::default()
        };
        let rest = Observation { remaining_permits: Some(7), throttled: true, ..Observation::default() };
        assert_eq!(sent(odd), rest);
    }

    #[test]
    fn an_acceptable_observation_is_sent_as_it_is() {
        let seen = Observation {
            limit: "per-10-s".into(),
            status: 200,
            limit_permits: Some(PERMITS_MAX),
            remaining_permits: Some(0),
            reset: Some(Reset::ResetAfter(Duration { seconds: SPAN_MAX_S, nanos: 0 })),
            reset_precision: Some(Duration { seconds: HOUR_S, nanos: 0 }),
            retry_after: Some(Duration { seconds: 0, nanos: 1 }),
            ..Observation::default()
        };
        assert_eq!(sent(seen.clone()), seen);
    }

    #[test]
    fn an_observation_of_an_impossible_limit_is_not_taken_for_one_of_another() {
        for limit in ["a b", "-a", "\u{e4}", &"x".repeat(64)] {
            let seen = Observation { limit: limit.into(), ..Observation::default() };
            assert!(TimedObservation::new(seen, AT).is_none(), "{limit:?}");
        }
    }

    #[test]
    fn an_observation_has_its_age_and_is_not_sent_after_an_hour() {
        let seen = TimedObservation::new(Observation::default(), AT).expect("it is kept");
        let hour = std::time::Duration::from_secs(3_600);
        let age = |now| seen.at(now).and_then(|seen| seen.age);
        assert_eq!(age(AT.after(hour)), Some(Duration { seconds: HOUR_S, nanos: 0 }));
        assert!(seen.at(AT.after(hour).after(std::time::Duration::from_nanos(1))).is_none());
    }
}
