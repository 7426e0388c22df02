//! A request for a lease arrives: it is granted, refused, or waits.

use super::state::{Workspace, WorkspaceState};
use crate::engine::command::Command;
use crate::engine::grant::Granted;
use crate::engine::request::Acquire;
use crate::engine::wait_stats::RequestOrigin;
use crate::engine::waiters::PendingReply;
use crate::error::Error;
use apportion_core::allocator::Submitted;
use apportion_core::request::{Ask, Reason, Refusal, Ticket};
use apportion_core::time::{Span, Timestamp};
use std::sync::Arc;

/// When a repeat that may not join is to be retried.
const REPEAT_AFTER: Span = Span::from_secs(1);

/// What became of a request on arrival.
#[derive(Debug)]
pub(in crate::engine) enum AcquireOutcome {
    /// It was granted.
    Granted(Granted),
    /// It waits for this reply.
    Pending(PendingReply),
}

impl Workspace {
    /// Decides on a request. `longest_wait` caps its wait.
    ///
    /// # Errors
    /// [`Error`], with the reason and when to retry.
    pub(in crate::engine) fn acquire(
        self: &Arc<Self>,
        request: Acquire,
        longest_wait: Option<Span>,
    ) -> Result<AcquireOutcome, Error> {
        let mut guard = self.lock();
        let now = self.now();
        let state = &mut *guard;
        let allocator = state.service.allocator().inspect_err(|closed| {
            if matches!(closed, Error::Internal(_)) {
                self.environment.ledger.send(Command::Open(self.id.clone(), None));
            }
        })?;
        let ask = request.into_ask(now, longest_wait, allocator.policy());
        match allocator.acquire(now, &ask) {
            Ok(Submitted::Waits(ticket)) => self.answer_or_wait(state, now, ticket, &ask),
            Ok(Submitted::Repeats(lease)) => {
                let granted = self.grant(state.life, lease, now);
                self.flush(state, now, None); // time has passed for other requests too
                Ok(AcquireOutcome::Granted(granted))
            }
            Err(refusal) => {
                // Only teams that exist are counted, or any caller could fill the memory.
                if refusal.reason != Reason::UnknownTeam {
                    let by = RequestOrigin::of(&ask);
                    state.stats.refused(now, by, refusal.reason, allocator.policy());
                }
                self.flush(state, now, None);
                Err(Error::Refused { refusal, now })
            }
        }
    }

    fn answer_or_wait(
        self: &Arc<Self>,
        state: &mut WorkspaceState,
        now: Timestamp,
        ticket: Ticket,
        ask: &Ask,
    ) -> Result<AcquireOutcome, Error> {
        if let Some(reply) = self.flush(state, now, Some((ticket, ask))) {
            return reply.map(AcquireOutcome::Granted);
        }
        let pending = state.waiters.add(ticket, now, ask, self.environment.bounds.waiting);
        pending.map(AcquireOutcome::Pending).map_err(|reason| {
            let refusal = Refusal { reason, retry_at: Some(now + REPEAT_AFTER), limit: None };
            Error::Refused { refusal, now }
        })
    }
}
