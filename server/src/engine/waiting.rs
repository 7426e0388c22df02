//! A place to wait at: resolves with the answer, and gives itself up when it is dropped before.

use super::answer::{Granted, Refused};
use super::parts::Parts;
use super::waits::Asked;
use super::workspace::Workspace;
use apportion_core::ids::{CallerId, TeamId};
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Ticket};
use apportion_core::time::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// What became of a request at once.
#[derive(Debug)]
pub enum Acquired {
    /// It was granted.
    Granted(Granted),
    /// It waits.
    Waits(Waiting),
}

/// What a waiter is told.
pub(super) type Told = Result<Granted, Refused>;

/// Who waits under a ticket, as the workspace knows it.
#[derive(Debug)]
pub(super) struct Waiter {
    /// Its number among all that ever waited in the workspace.
    pub(super) place: u64,
    pub(super) arrived: Timestamp,
    pub(super) team: TeamId,
    pub(super) priority: Option<Priority>,
    answer: oneshot::Sender<Told>,
}

impl Waiter {
    pub(super) fn new(place: u64, arrived: Timestamp, ask: &Ask) -> (Self, oneshot::Receiver<Told>) {
        let (answer, told) = oneshot::channel();
        (Self { place, arrived, team: ask.team.clone(), priority: ask.priority, answer }, told)
    }

    pub(super) fn tell(self, told: Told) {
        // Whoever has gone took itself out before, under the same lock.
        let _ = self.answer.send(told);
    }

    pub(super) fn asked(&self) -> Asked<'_> {
        Asked { team: &self.team, priority: self.priority }
    }
}

/// A request that waits. Dropped before the answer, it is withdrawn; dropped with a lease that nobody saw, that goes back.
#[derive(Debug)]
pub struct Waiting {
    workspace: Arc<Workspace>,
    parts: Arc<Parts>,
    pub(super) ticket: Ticket,
    pub(super) place: u64,
    pub(super) team: TeamId,
    pub(super) caller: CallerId,
    told: Option<oneshot::Receiver<Told>>,
}

impl Waiting {
    pub(super) fn new(
        workspace: Arc<Workspace>,
        parts: Arc<Parts>,
        ticket: Ticket,
        ask: &Ask,
        (place, told): (u64, oneshot::Receiver<Told>),
    ) -> Self {
        Self {
            workspace,
            parts,
            ticket,
            place,
            team: ask.team.clone(),
            caller: ask.caller.clone(),
            told: Some(told),
        }
    }

    /// The answer that came and that nobody saw. From then on the waiter counts as gone.
    pub(super) fn take_answer(&mut self) -> Option<Told> {
        let mut told = self.told.take()?;
        told.close();
        told.try_recv().ok()
    }
}

impl Future for Waiting {
    type Output = Result<Granted, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(told) = &mut self.told else { return Poll::Ready(Err(Refused::Internal)) };
        let told = std::task::ready!(Pin::new(told).poll(context));
        self.told = None;
        Poll::Ready(told.unwrap_or(Err(Refused::Internal)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.told.is_some() {
            let (workspace, parts) = (Arc::clone(&self.workspace), Arc::clone(&self.parts));
            workspace.give_up(&parts, self);
        }
    }
}
