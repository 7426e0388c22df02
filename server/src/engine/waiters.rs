//! Who waits under which ticket: the request, and repeats of it that joined. Both bounded, and each leaves at the same cost.

use super::waiting::{Told, Waiter};
use apportion_core::request::{Ask, Reason, Ticket};
use apportion_core::time::Timestamp;
use foldhash::HashMap;
use tokio::sync::oneshot;

/// Most that wait for the answer to one request: the first, and repeats under the same request id. Enough for a client that lost
/// its connection and asks again until the server has noticed.
pub(super) const WAITERS_PER_REQUEST: usize = 16;

/// All who wait in one workspace.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    of: HashMap<Ticket, Vec<Waiter>>,
    /// Repeats among them, all told.
    joined: usize,
    last_place: u64,
}

impl Waiters {
    /// Adds one more who waits under a ticket, and returns its place and where it hears the answer.
    ///
    /// # Errors
    /// The reason, where too many wait for that answer, or `most_joined` repeats wait for any. Nothing was changed then.
    pub(super) fn add(
        &mut self,
        ticket: Ticket,
        arrived: Timestamp,
        ask: &Ask,
        most_joined: u32,
    ) -> Result<(u64, oneshot::Receiver<Told>), Reason> {
        let before = self.of.get(&ticket).map_or(0, Vec::len);
        if before >= WAITERS_PER_REQUEST {
            return Err(Reason::CallerQueueFull);
        }
        let joins = before > 0;
        if joins && u32::try_from(self.joined).map_or(true, |joined| joined >= most_joined) {
            return Err(Reason::WorkspaceQueueFull);
        }
        self.joined += usize::from(joins);
        self.last_place += 1;
        let (waiter, told) = Waiter::new(self.last_place, arrived, ask);
        self.of.entry(ticket).or_default().push(waiter);
        Ok((self.last_place, told))
    }

    /// Takes out all who wait under a ticket: it is answered.
    pub(super) fn take(&mut self, ticket: Ticket) -> Vec<Waiter> {
        let taken = self.of.remove(&ticket).unwrap_or_default();
        self.joined -= taken.len().saturating_sub(1);
        taken
    }

    /// One of those who wait under a ticket leaves. Returns whether it was the last one.
    pub(super) fn leave(&mut self, ticket: Ticket, place: u64) -> bool {
        let Some(waiters) = self.of.get_mut(&ticket) else { return false };
        let Some(at) = waiters.iter().position(|waiter| waiter.place == place) else { return false };
        waiters.swap_remove(at);
        if waiters.is_empty() {
            self.of.remove(&ticket);
            return true;
        }
        self.joined -= 1;
        false
    }

    /// Takes everybody out.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Waiter> + use<> {
        self.joined = 0;
        std::mem::take(&mut self.of).into_values().flatten()
    }

    /// How many requests are waited for.
    pub(super) fn requests(&self) -> usize {
        self.of.len()
    }
}
