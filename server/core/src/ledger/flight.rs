//! A question to the store that is in flight, and when a failed one is asked again.
//!
//! Knows nothing of the rules of booking.

use super::outbox::Outbox;
use super::retry::{RETRY_FIRST, RETRY_LONGEST, is_due};
use super::store::Token;
use crate::time::{Span, Timestamp};

/// Where the question stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FlightState {
    Writing,
    Reading,
    Waiting(Timestamp),
}

/// The question in flight: a write, sent again as it is until its outcome is known, or a read alone.
#[derive(Clone, Debug)]
pub(super) struct Flight<W> {
    token: Token,
    state: FlightState,
    pub(super) write: Option<W>,
    wait: Span,
}

impl<W> Flight<W> {
    /// A write that was sent.
    pub(super) fn writing(token: Token, write: W) -> Self {
        Self { token, state: FlightState::Writing, write: Some(write), wait: RETRY_FIRST }
    }

    /// A read that was sent, about this write where there is one.
    pub(super) fn reading(token: Token, write: Option<W>) -> Self {
        Self { token, state: FlightState::Reading, write, wait: RETRY_FIRST }
    }

    /// Whether `token` answers this question.
    pub(super) fn is(&self, token: &Token, state: FlightState) -> bool {
        self.token == *token && self.state == state
    }

    /// The same question, to be asked again after a while that doubles each time.
    pub(super) fn after_failure(self, now: Timestamp, outbox: &mut Outbox) -> Self {
        let (wait, until) = ((self.wait + self.wait).min(RETRY_LONGEST), now + self.wait);
        outbox.wake_at(until);
        Self { state: FlightState::Waiting(until), wait, ..self }
    }

    /// When the question is asked again, where it waits for that.
    pub(super) fn waits_until(&self) -> Option<Timestamp> {
        match self.state {
            FlightState::Waiting(until) => Some(until),
            FlightState::Writing | FlightState::Reading => None,
        }
    }

    /// Whether it is time to ask again.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.waits_until().is_some_and(|until| is_due(until, now))
    }

    /// The question was asked again.
    pub(super) fn asked_again(&mut self, token: Token) {
        (self.token, self.state) = (token, FlightState::Reading);
    }
}
