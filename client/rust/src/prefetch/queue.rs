//! The callers that wait for a permit of a prefetch, first come, first served. A caller that leaves loses no permit for the others.

use crate::clock::BootInstant;
use crate::error::AcquireError;
use crate::permit::{Permit, SharedLease};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A permit in transit to a waiting caller. It puts itself back if the caller is gone.
#[derive(Debug)]
pub(super) struct Delivery(Option<Permit>);

impl Delivery {
    pub(super) fn accept(mut self) -> Option<Permit> {
        self.0.take()
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.put_back();
        }
    }
}

/// What a waiting caller receives.
type WaitResult = Result<Delivery, AcquireError>;

/// The queue's end of a waiting caller.
#[derive(Debug)]
struct QueuedCaller {
    since: BootInstant,
    sender: oneshot::Sender<WaitResult>,
}

/// The caller's end: its position in the queue, and where the answer arrives.
#[derive(Debug)]
pub(super) struct QueueTicket {
    pub(super) position: u64,
    pub(super) answer: oneshot::Receiver<WaitResult>,
}

/// The waiting callers, in order of position.
#[derive(Debug, Default)]
pub(super) struct WaitQueue {
    callers: BTreeMap<u64, QueuedCaller>,
    next: u64,
}

impl WaitQueue {
    /// Adds a caller that waits since `since`, at its former `position` if it had one.
    pub(super) fn enter(&mut self, position: Option<u64>, since: BootInstant) -> QueueTicket {
        let position = position.unwrap_or(self.next);
        self.next = self.next.max(position + 1);
        let (sender, answer) = oneshot::channel();
        self.callers.insert(position, QueuedCaller { since, sender });
        QueueTicket { position, answer }
    }

    pub(super) fn leave(&mut self, position: u64) {
        self.callers.remove(&position);
    }

    pub(super) fn len(&self) -> usize {
        self.callers.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.callers.is_empty()
    }

    /// The position of the next caller to enter.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The position of the first caller, and since when it waits.
    pub(super) fn oldest(&self) -> Option<(u64, BootInstant)> {
        self.callers.first_key_value().map(|(position, caller)| (*position, caller.since))
    }

    /// Delivers the permit to the first caller that is still waiting.
    ///
    /// # Errors
    /// The permit, if no caller is.
    pub(super) fn deliver(&mut self, permit: Permit) -> Result<(), Permit> {
        let mut delivery = Delivery(Some(permit));
        while let Some((_, caller)) = self.callers.pop_first() {
            match caller.sender.send(Ok(delivery)) {
                Err(Ok(undelivered)) => delivery = undelivered,
                Ok(()) | Err(Err(_)) => return Ok(()),
            }
        }
        delivery.accept().map_or(Ok(()), Err)
    }

    /// Delivers a permit that was taken from the lease before. Returns false if no caller is waiting.
    pub(super) fn deliver_taken(&mut self, lease: &Arc<SharedLease>) -> bool {
        // An undelivered permit is dropped here without being put back: the caller of this function still accounts for it.
        !self.is_empty() && self.deliver(Permit::already_taken(lease)).is_ok()
    }

    /// Fails every caller that `is_affected` selects by position and start of waiting.
    pub(super) fn fail(&mut self, error: &AcquireError, is_affected: impl Fn(u64, BootInstant) -> bool) {
        let affected = self.callers.iter().filter(|(position, caller)| is_affected(**position, caller.since));
        let positions: Vec<u64> = affected.map(|(position, _)| *position).collect();
        for caller in positions.into_iter().filter_map(|position| self.callers.remove(&position)) {
            let _ = caller.sender.send(Err(error.clone()));
        }
    }
}
