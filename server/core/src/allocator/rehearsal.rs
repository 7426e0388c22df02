//! A copy of an allocator on which a future is tried out. Its ledger answers at once; the original is not touched.

use super::state::Allocator;
use super::submit::Submitted;
use crate::effect::Effect;
use crate::explanation::Prospect;
use crate::request::{Answer, Ask, Outcome, Refusal, Ticket};
use crate::time::Timestamp;

/// After so many decisions a prospect ends.
const DECISIONS_MAX: u32 = 4_000;

/// The copy.
pub(super) struct Rehearsal {
    pub(super) allocator: Allocator,
    /// The answer to the request that is looked at, once there is one.
    answer: Option<Outcome>,
}

impl Rehearsal {
    /// A copy for which the store answers what it was asked, unless it cannot be reached.
    pub(super) fn of(allocator: &Allocator) -> Self {
        let mut allocator = allocator.clone();
        if !allocator.is_store_lost() {
            allocator.windows.forget_requests();
            allocator.reshaping.assume_stated();
        }
        while allocator.replies.pop().is_some() {}
        Self { allocator, answer: None }
    }

    /// Takes a request in and decides on it. Returns its ticket.
    ///
    /// # Errors
    /// The refusal on arrival.
    pub(super) fn ask(&mut self, now: Timestamp, ask: &Ask) -> Result<Ticket, Refusal> {
        let ask = Ask { request_id: None, ..ask.clone() };
        let ticket = match self.allocator.submit(now, &ask)? {
            Submitted::Waits(ticket) => ticket,
            Submitted::Repeats(_) => unreachable!("a request without an id repeats none"),
        };
        self.decide(now, Some(ticket));
        Ok(ticket)
    }

    /// Decides until nothing is left to do at this instant.
    pub(super) fn decide(&mut self, now: Timestamp, ticket: Option<Ticket>) {
        loop {
            self.allocator.decide(now);
            while let Some(Answer { ticket: answered, outcome }) = self.allocator.next_answer() {
                if Some(answered) == ticket {
                    self.answer = Some(outcome);
                }
            }
            if !self.book() {
                return;
            }
        }
    }

    /// What becomes of a request if nothing else happens.
    pub(super) fn prospect(mut self, ticket: Ticket) -> Prospect {
        for _ in 0..DECISIONS_MAX {
            let at = self.allocator.advanced_to;
            match self.answer.take() {
                Some(Outcome::Granted(lease)) => return Prospect::Granted { at, permits: lease.permits },
                Some(Outcome::Refused(refusal)) => return Prospect::Refused { at, refusal },
                None => {}
            }
            let Some(next) = self.allocator.next_deadline() else { break };
            self.decide(next, Some(ticket));
        }
        Prospect::Waits { until: self.allocator.advanced_to }
    }

    /// Answers what the ledger is asked. Returns whether anything was booked.
    fn book(&mut self) -> bool {
        let (mut has_booked, it) = (false, &mut self.allocator);
        let is_store_lost = it.is_store_lost();
        while let Some(effect) = it.next_effect() {
            match effect {
                _ if is_store_lost => {}
                Effect::State(statement) => it.stated(statement.life, statement.number),
                Effect::Book { series, window, permits, budget, .. } => {
                    let start = window.start.earliest;
                    let place = it.reshaping.find(series, &it.windows);
                    let mark = place.and_then(|at| it.windows.mark_of(at, start));
                    let Some(from) = mark else { continue };
                    it.booked(series, start, from, (from + permits).min(budget.max(from)));
                    has_booked = true;
                }
                Effect::Learn { .. } | Effect::Exhausted { .. } => {}
            }
        }
        has_booked
    }
}
