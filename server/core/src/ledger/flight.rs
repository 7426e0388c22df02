//! The one question to the store that is in flight, and when a failed one is retried.
//!
//! Knows nothing of the rules of booking.

use super::mark::Raise;
use super::pending::Pending;
use super::record::ShardRecord;
use super::store::{Guard, Token};
use super::version::Version;
use crate::time::{Span, Timestamp};

/// The first wait after a failed read.
const RETRY_FIRST: Span = Span::from_ms(50);
/// The longest wait after a failed read.
const RETRY_LONGEST: Span = Span::from_secs(1);

/// What a write is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    TakeOver,
    Book,
    HandOver,
}

/// A compare-and-swap: sent again with the same version until its outcome is known.
#[derive(Clone, Debug)]
pub(super) struct RecordWrite {
    pub(super) purpose: Purpose,
    pub(super) expected: Option<Version>,
    pub(super) new: ShardRecord,
    pub(super) guards: Vec<Guard>,
    pub(super) raises: Vec<Raise>,
    pub(super) carried: Pending,
    /// The store failed at it: that it can be read does not make it durable.
    pub(super) is_doubtful: bool,
}

impl RecordWrite {
    pub(super) fn new(
        purpose: Purpose,
        expected: Option<Version>,
        new: ShardRecord,
        guards: Vec<Guard>,
    ) -> Self {
        let (raises, carried) = (Vec::new(), Pending::default());
        Self { purpose, expected, new, guards, raises, carried, is_doubtful: false }
    }
}

/// Where the question stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FlightState {
    Writing,
    Reading,
    Waiting(Timestamp),
}

/// The question in flight; without a write it is the read of a take-over.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) token: Token,
    pub(super) state: FlightState,
    pub(super) write: Option<RecordWrite>,
    pub(super) wait: Span,
}

impl Default for Flight {
    fn default() -> Self {
        Self { token: Token(0), state: FlightState::Reading, write: None, wait: RETRY_FIRST }
    }
}

impl Flight {
    /// Whether `token` answers this question.
    pub(super) fn is(&self, token: Token, state: FlightState) -> bool {
        self.token == token && self.state == state
    }

    /// The same question, to be asked again after a while that doubles each time.
    pub(super) fn after_failure(self, now: Timestamp) -> Self {
        let wait = (self.wait + self.wait).min(RETRY_LONGEST);
        Self { state: FlightState::Waiting(now + self.wait), wait, ..self }
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        match self.state {
            FlightState::Waiting(until) => Some(until),
            FlightState::Writing | FlightState::Reading => None,
        }
    }

    /// Whether it is time to ask again. A clock that stepped back does not prolong the wait.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.next_deadline().is_some_and(|until| until <= now || until.since(now) > RETRY_LONGEST)
    }
}
