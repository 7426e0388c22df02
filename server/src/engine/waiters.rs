//! The waiting requests of one workspace by ticket, with the repeats that joined them. Both are bounded, and each leaves at
//! the same cost.

use super::grant::Reply;
use super::wait_stats::RequestOrigin;
use crate::error::Error;
use apportion_core::ids::{CallerId, TeamId};
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Reason, Ticket};
use apportion_core::time::Timestamp;
use foldhash::HashMap;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::oneshot;

/// Most waiters for the answer to one request: the first, and repeats under the same request id. Enough for a client that lost
/// its connection and retries until the server has noticed.
pub(super) const WAITERS_PER_REQUEST: usize = 16;

/// One waiter, as the workspace keeps it.
#[derive(Debug)]
pub(super) struct Waiter {
    /// Its number among all waiters that the workspace ever had.
    number: u64,
    pub(super) arrived: Timestamp,
    team: TeamId,
    caller: CallerId,
    priority: Option<Priority>,
    reply: oneshot::Sender<Reply>,
}

impl Waiter {
    pub(super) fn send(self, reply: Reply) {
        // A waiter that is gone has left before, under the same lock.
        let _ = self.reply.send(reply);
    }

    pub(super) fn origin(&self) -> RequestOrigin<'_> {
        RequestOrigin { team: &self.team, caller: &self.caller, priority: self.priority, is_repeat: false }
    }
}

/// The other end of a waiter, where its reply arrives.
#[derive(Debug)]
pub(super) struct PendingReply {
    pub(super) ticket: Ticket,
    pub(super) team: TeamId,
    pub(super) caller: CallerId,
    number: u64,
    /// None once the reply was taken.
    reply: Option<oneshot::Receiver<Reply>>,
}

impl PendingReply {
    /// Whether nobody has taken the reply.
    pub(super) fn is_open(&self) -> bool {
        self.reply.is_some()
    }

    /// Takes a reply that has arrived and that nobody saw. No reply arrives after it.
    pub(super) fn take_unseen(&mut self) -> Option<Reply> {
        let mut reply = self.reply.take()?;
        reply.close();
        reply.try_recv().ok()
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Reply> {
        const LOST: Reply = Err(Error::Internal("a reply was lost"));
        let Some(reply) = &mut self.reply else { return Poll::Ready(LOST) };
        let reply = ready!(Pin::new(reply).poll(context));
        self.reply = None;
        Poll::Ready(reply.unwrap_or(LOST))
    }
}

/// All waiters of one workspace.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    by_ticket: HashMap<Ticket, Vec<Waiter>>,
    /// How many of them are repeats.
    repeats: usize,
    last_number: u64,
}

impl Waiters {
    /// Adds a waiter under a ticket.
    ///
    /// # Errors
    /// The reason, where too many wait for that answer, or `repeats_max` repeats wait for any. Nothing was changed then.
    pub(super) fn add(
        &mut self,
        ticket: Ticket,
        arrived: Timestamp,
        ask: &Ask,
        repeats_max: u32,
    ) -> Result<PendingReply, Reason> {
        let before = self.by_ticket.get(&ticket).map_or(0, Vec::len);
        if before >= WAITERS_PER_REQUEST {
            return Err(Reason::CallerQueueFull);
        }
        let is_repeat = before > 0;
        if is_repeat && u32::try_from(self.repeats).map_or(true, |repeats| repeats >= repeats_max) {
            return Err(Reason::WorkspaceQueueFull);
        }
        self.repeats += usize::from(is_repeat);
        self.last_number += 1;
        let (number, (sender, receiver)) = (self.last_number, oneshot::channel());
        let (team, caller) = (ask.team.clone(), ask.caller.clone());
        let waiter = Waiter {
            number,
            arrived,
            team: team.clone(),
            caller: caller.clone(),
            priority: ask.priority,
            reply: sender,
        };
        self.by_ticket.entry(ticket).or_default().push(waiter);
        Ok(PendingReply { ticket, team, caller, number, reply: Some(receiver) })
    }

    /// Takes out all waiters under a ticket that is answered.
    pub(super) fn take(&mut self, ticket: Ticket) -> Vec<Waiter> {
        let taken = self.by_ticket.remove(&ticket).unwrap_or_default();
        self.repeats -= taken.len().saturating_sub(1);
        taken
    }

    /// Takes one waiter out. Returns whether it was the last one under its ticket.
    pub(super) fn leave(&mut self, pending: &PendingReply) -> bool {
        let Some(waiters) = self.by_ticket.get_mut(&pending.ticket) else { return false };
        let Some(at) = waiters.iter().position(|waiter| waiter.number == pending.number) else {
            return false;
        };
        waiters.swap_remove(at);
        if waiters.is_empty() {
            self.by_ticket.remove(&pending.ticket);
            return true;
        }
        self.repeats -= 1;
        false
    }

    /// Takes every waiter out, in the order in which they came: those that ask again elsewhere do so in this order.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Waiter> + use<> {
        self.repeats = 0;
        let mut all: Vec<_> = std::mem::take(&mut self.by_ticket).into_values().flatten().collect();
        all.sort_unstable_by_key(|waiter| waiter.number);
        all.into_iter()
    }

    /// How many requests have waiters.
    pub(super) fn requests(&self) -> usize {
        self.by_ticket.len()
    }
}
