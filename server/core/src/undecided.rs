//! Requests that came and were not decided on yet, in order of arrival.

use crate::contest::Contest;
use crate::request::Ticket;

/// The requests that wait for their first decision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Undecided {
    tickets: Vec<Ticket>,
    /// How many of them are watched for their deadline already, while a block is missing.
    watched: usize,
}

impl Undecided {
    /// A request came.
    pub(crate) fn push(&mut self, ticket: Ticket) {
        self.tickets.push(ticket);
    }

    /// All of them are decided on.
    pub(crate) fn clear(&mut self) {
        self.tickets.clear();
        self.watched = 0;
    }

    /// Takes all of them, to decide on them.
    pub(crate) fn take(&mut self) -> Vec<Ticket> {
        self.watched = 0;
        std::mem::take(&mut self.tickets)
    }

    /// Keeps the memory of a list that was taken.
    pub(crate) fn recycle(&mut self, mut tickets: Vec<Ticket>) {
        tickets.clear();
        self.tickets = tickets;
    }

    /// While a block is missing, deadlines count, but no request is refused since it cannot meet its own. Requests that are gone are
    /// dropped now and then, so that the list stays in proportion to those that wait.
    pub(crate) fn watch_deadlines(&mut self, contest: &mut Contest) {
        for &ticket in self.tickets.iter().skip(self.watched) {
            if let Some(slot) = contest.queue().find(ticket) {
                contest.watch_deadline(slot);
            }
        }
        let waiting = contest.queue().len();
        if self.tickets.len() > 2 * waiting + 64 {
            self.tickets.retain(|&ticket| contest.queue().find(ticket).is_some());
        }
        debug_assert!(self.tickets.len() <= 2 * waiting + 64, "in proportion to those that wait");
        self.watched = self.tickets.len();
    }
}
