//! A lease in hand: permits to take until it ends, and what goes back when it is dropped.

use crate::clock;
use crate::held::Held;
use crate::settle::{Heard, Report, Settles};
use apportion_proto::v1::{Observation, Priority, SettleLeaseRequest};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most observations of one report: what the contract allows.
const OBSERVATIONS_MAX: usize = 64;

/// Permits to hand requests on to the provider. Dropped, what was not taken goes back, for others in the same window.
#[derive(Debug)]
#[must_use = "a lease that is dropped at once goes back unused"]
pub struct Lease {
    pub(crate) held: Held,
    pub(crate) priority: Priority,
    pub(crate) contended: bool,
    /// Whom it was granted to and what it is called there; none: the client granted it by itself.
    pub(crate) origin: Option<Origin>,
    pub(crate) book: Mutex<Book>,
}

/// What became of a lease, beside what was used: counts so far, and what was heard since the last report.
#[derive(Debug, Default)]
pub(crate) struct Book {
    returned: u32,
    spent: u32,
    heard: Vec<Heard>,
}

/// What a report says of the permits that were taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Until {
    /// Nothing: some may still be put back, and what was once reported as used cannot.
    Open,
    /// They are used so far.
    Now,
    /// They are used, and nothing comes after it.
    End,
}

/// Where a lease came from.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) settles: Settles,
    pub(crate) workspace: String,
    pub(crate) team: String,
    pub(crate) caller: String,
    pub(crate) lease_id: String,
}

impl Lease {
    /// Takes one permit: true means that one request may be handed on now. False: none is left, or the lease has ended. Call
    /// it as late as possible, once for each attempt on the wire.
    #[must_use = "without a permit nothing may be sent"]
    pub fn take(&self) -> bool {
        self.held.take(clock::now())
    }

    /// Permits that can still be taken, if the lease has not ended.
    pub fn left(&self) -> u32 {
        self.held.left()
    }

    /// How long permits can still be taken.
    pub fn valid_for(&self) -> Duration {
        Duration::from_nanos(self.held.end().nanos().saturating_sub(clock::now().nanos()))
    }

    /// The priority that it was served at: lower than asked for where the team may not have more.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Whether others wait: take only what is needed now.
    pub fn is_contended(&self) -> bool {
        self.contended
    }

    /// Tells the service what a response of the provider said; see [`crate::headers::observe`]. Sent when the lease is dropped,
    /// at once where the provider throttled, or when so many have gathered as one report may hold.
    pub fn observe(&self, observation: Observation) {
        let urgent = observation.throttled;
        let mut book = self.book();
        book.heard.push(Heard { observation, at: clock::now() });
        if urgent || book.heard.len() >= OBSERVATIONS_MAX {
            self.report(&mut book, Until::Now);
        }
    }

    /// Takes in a permit again that was taken and never used. Where the rest went back before, it goes back too.
    pub(crate) fn put_back(&self) {
        let mut book = self.book();
        let returned = u32::from(!self.held.put_back());
        self.give(&mut book, returned);
    }

    /// Returns up to `most` of what was not taken, at once; how many.
    pub(crate) fn give_back(&self, most: u32) -> u32 {
        let mut book = self.book();
        let returned = self.held.take_back(most);
        self.give(&mut book, returned);
        returned
    }

    /// Returns all that was not taken, at once; permits that were taken may still be put back.
    pub(crate) fn release(&self) {
        let mut book = self.book();
        let returned = self.held.close();
        self.give(&mut book, returned);
    }

    /// Gives up what was not taken without returning it: of a window in which the provider throttles nothing is of use.
    pub(crate) fn spend(&self) {
        let mut book = self.book();
        book.spent += self.held.close();
    }

    fn give(&self, book: &mut Book, returned: u32) {
        if returned > 0 {
            book.returned += returned;
            self.report(book, Until::Open);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts are cumulative, so reports leave in the order in which they were counted: with the book in hand.
    fn report(&self, book: &mut Book, until: Until) {
        let heard = std::mem::take(&mut book.heard);
        let Some(origin) = &self.origin else { return };
        let gone = self.held.left() + book.returned + book.spent;
        let used = if until == Until::Open { 0 } else { self.held.permits().saturating_sub(gone) };
        let request = SettleLeaseRequest {
            workspace: origin.workspace.clone(),
            team: origin.team.clone(),
            caller: origin.caller.clone(),
            lease_id: origin.lease_id.clone(),
            used_permits: used,
            returned_permits: book.returned,
            is_final: until == Until::End,
            observations: Vec::new(),
        };
        origin.settles.report(Report { request, heard });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut book = std::mem::take(self.book.get_mut().unwrap_or_else(PoisonError::into_inner));
        book.returned += self.held.close();
        self.report(&mut book, Until::End);
    }
}
