//! What became of requests: answers that are due, and what a repeat is answered.

use crate::lease::Leases;
use crate::queue::QueuedRequest;
use crate::request::{Answer, Lease, Outcome, Refusal, Ticket};
use crate::request_ids::{KnownRequest, RequestIds};
use crate::time::Timestamp;
use std::collections::VecDeque;

/// The answers that are due, oldest first, and the request ids that are remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replies {
    answers: VecDeque<Answer>,
    pub(crate) ids: RequestIds,
}

impl Replies {
    /// Takes the next answer out.
    pub(crate) fn pop(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// A request was taken out of the queue: its id is free.
    pub(crate) fn forget(&mut self, request: &QueuedRequest) {
        if let Some(id) = &request.request_id {
            self.ids.remove(request.caller, id.clone());
        }
    }

    /// Refuses a request.
    pub(crate) fn refuse(&mut self, ticket: Ticket, refusal: Refusal) {
        self.answers.push_back(Answer { ticket, outcome: Outcome::Refused(refusal) });
    }

    /// Grants a request a lease.
    pub(crate) fn grant(&mut self, ticket: Ticket, request: &QueuedRequest, lease: Lease) {
        if let Some(id) = &request.request_id {
            self.ids.insert(request.caller, id, KnownRequest::Granted(lease.id));
        }
        self.answers.push_back(Answer { ticket, outcome: Outcome::Granted(lease) });
    }

    /// The window of leases ends: those that close are remembered as ended for one window more.
    pub(crate) fn roll(&mut self, leases: &mut Leases, now: Timestamp) {
        self.ids.forget_last_window();
        leases.roll(now, |caller, id| self.ids.end(caller, id));
        self.ids.shrink();
    }
}
