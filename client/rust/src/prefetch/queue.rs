//! Who waits for a permit here: first come, first served. Whoever leaves loses nothing for the others.

use crate::clock::BootInstant;
use crate::error::AcquireError;
use crate::permit::{Permit, Stock};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A permit on its way to who waited: if that one has gone, it is put back.
#[derive(Debug)]
pub(crate) struct Handed(Option<Permit>);

impl Handed {
    pub(crate) fn keep(mut self) -> Option<Permit> {
        self.0.take()
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.put_back();
        }
    }
}

/// What who waits is told.
pub(crate) type Answer = Result<Handed, AcquireError>;

#[derive(Debug)]
struct Waiter {
    since: BootInstant,
    way: oneshot::Sender<Answer>,
}

/// Waiters in order of their tickets.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiters: BTreeMap<u64, Waiter>,
    next: u64,
}

impl Queue {
    /// Queues up, at the old place where there was one.
    pub(crate) fn enter(
        &mut self,
        place: Option<u64>,
        since: BootInstant,
    ) -> (u64, oneshot::Receiver<Answer>) {
        let ticket = place.unwrap_or(self.next);
        self.next = self.next.max(ticket + 1);
        let (way, answer) = oneshot::channel();
        self.waiters.insert(ticket, Waiter { since, way });
        (ticket, answer)
    }

    pub(crate) fn leave(&mut self, ticket: u64) {
        self.waiters.remove(&ticket);
    }

    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// The ticket of whoever comes next.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The ticket of the first, and since when it waits.
    pub(crate) fn oldest(&self) -> Option<(u64, BootInstant)> {
        self.waiters.first_key_value().map(|(ticket, waiter)| (*ticket, waiter.since))
    }

    /// Hands the permit to the first who is still there.
    ///
    /// # Errors
    /// The permit, if nobody is.
    pub(crate) fn hand(&mut self, permit: Permit) -> Result<(), Permit> {
        let mut handed = Handed(Some(permit));
        while let Some((_, waiter)) = self.waiters.pop_first() {
            match waiter.way.send(Ok(handed)) {
                Err(Ok(back)) => handed = back,
                Ok(()) | Err(Err(_)) => return Ok(()),
            }
        }
        handed.keep().map_or(Ok(()), Err)
    }

    /// Hands on a permit that was taken off the stock before; false if nobody waits.
    pub(crate) fn hand_taken(&mut self, stock: &Arc<Stock>) -> bool {
        // The one in hand stays with who puts it back: refused here, it must not count twice.
        !self.is_empty() && self.hand(Permit::taken(stock)).is_ok()
    }

    /// Refuses everybody whom it concerns, by ticket and since when they wait.
    pub(crate) fn fail(&mut self, error: &AcquireError, concerns: impl Fn(u64, BootInstant) -> bool) {
        let concerned = self.waiters.iter().filter(|(ticket, waiter)| concerns(**ticket, waiter.since));
        let tickets: Vec<u64> = concerned.map(|(ticket, _)| *ticket).collect();
        for waiter in tickets.into_iter().filter_map(|ticket| self.waiters.remove(&ticket)) {
            let _ = waiter.way.send(Err(error.clone()));
        }
    }
}
