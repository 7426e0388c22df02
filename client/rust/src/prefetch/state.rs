//! What a prefetch holds and who waits for it, as a function of now: what is handed out, asked for, and given back.

use super::ahead::Ahead;
use super::demand::Demand;
use super::queue::{Answer, Queue};
use crate::clock::BootInstant;
use crate::error::AcquireError;
use crate::permit::{Permit, Stock};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Most who wait at one prefetch.
pub(super) const WAITING_MAX: usize = 100_000;
/// How often what is held is looked at.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// What ends so soon goes back while it is of use to others.
const ENDING: Duration = Duration::from_millis(100);
/// After a refusal without a time, nothing is asked for ahead of demand for so long.
const QUIET: Duration = Duration::from_secs(1);

/// One lease on the shelf.
#[derive(Debug)]
struct Shelved {
    stock: Arc<Stock>,
    /// Of its permits, how many were counted as taken, and how many were given back.
    counted: u32,
    returned: u32,
}

/// What is to be asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) permits: u32,
    /// How long it may wait: as long as who waits longest.
    pub(super) max_wait: Duration,
    pub(super) whom: Whom,
}

/// For whom something was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Whom {
    /// The ticket of who waited longest, if anybody did.
    oldest: Option<u64>,
    /// A ticket that was not drawn yet.
    before: u64,
}

/// A place in the queue.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) ticket: u64,
    pub(super) answer: oneshot::Receiver<Answer>,
}

/// What came of wanting a permit.
#[derive(Debug)]
pub(super) enum Entered {
    Taken(Permit),
    Waits(Place),
    /// Too many wait.
    Full,
}

/// While somebody waits, nothing that could be taken is held.
#[derive(Debug)]
pub(super) struct State {
    ahead: Ahead,
    max_wait: Duration,
    stocks: VecDeque<Shelved>,
    pub(super) queue: Queue,
    demand: Demand,
    /// When something was last taken or came in.
    touched: BootInstant,
    contended: bool,
    /// Somebody wanted a permit without waiting, and there was none.
    missed: bool,
    quiet_until: BootInstant,
}

impl State {
    pub(super) fn new(ahead: Ahead, max_wait: Duration) -> Self {
        let start = BootInstant::from_nanos(0);
        Self {
            ahead,
            max_wait,
            stocks: VecDeque::new(),
            queue: Queue::default(),
            demand: Demand::default(),
            touched: start,
            contended: false,
            missed: false,
            quiet_until: start,
        }
    }

    /// What may be taken from without asking here.
    pub(super) fn front(&self) -> Option<&Arc<Stock>> {
        self.stocks.front().map(|shelved| &shelved.stock)
    }

    pub(super) fn held(&self) -> u32 {
        self.stocks.iter().map(|shelved| shelved.stock.left()).sum()
    }

    pub(super) fn take(&mut self, now: BootInstant) -> Option<Permit> {
        self.shed(now);
        self.stocks.iter().find_map(|shelved| shelved.stock.take(now)).map(|(permit, _)| permit)
    }

    /// Notes that somebody went away without a permit.
    pub(super) fn miss(&mut self) {
        self.missed = true;
    }

    /// Takes a permit, or queues up: at the old place where there was one.
    pub(super) fn enter(&mut self, now: BootInstant, since: BootInstant, place: Option<u64>) -> Entered {
        if self.queue.is_empty()
            && let Some(permit) = self.take(now)
        {
            return Entered::Taken(permit);
        }
        if self.queue.len() >= WAITING_MAX {
            return Entered::Full;
        }
        let (ticket, answer) = self.queue.enter(place, since);
        Entered::Waits(Place { ticket, answer })
    }

    /// Hands the permits of a lease to who waits, and keeps the rest: where others wait, no more than was missed.
    pub(super) fn stow(&mut self, now: BootInstant, stock: Arc<Stock>) {
        self.contended = stock.lease.is_contended();
        self.quiet_until = now;
        self.touched = now;
        while !self.queue.is_empty() {
            let Some((permit, _)) = stock.take(now) else { break };
            if let Err(permit) = self.queue.hand(permit) {
                permit.undo();
            }
        }
        let left = stock.left();
        let keep = if self.contended { u32::from(self.missed).min(left) } else { left };
        self.missed = false;
        let returned = if keep < left { stock.lease.give_back(left - keep) } else { 0 };
        stock.set_low();
        self.stocks.push_back(Shelved { stock, counted: 0, returned });
        self.shed(now);
    }

    /// Refuses for whom it was asked: in any case who waited longest, and who cannot wait until asking again is of use. If it
    /// never is, everybody who had come.
    pub(super) fn refuse(&mut self, now: BootInstant, error: &AcquireError, whom: Whom) {
        let is_never =
            matches!(error, AcquireError::Refused { retry_after: None, .. } | AcquireError::Absurd(_));
        let use_again = now.after(error.retry_after().unwrap_or(Duration::ZERO));
        let max_wait = self.max_wait;
        self.queue.fail(error, |ticket, since| {
            let is_oldest = whom.oldest.is_some_and(|oldest| ticket <= oldest);
            is_oldest || since.after(max_wait) <= use_again || (is_never && ticket < whom.before)
        });
        self.missed = false;
        self.quiet_until = now.after(error.retry_after().unwrap_or(QUIET));
    }

    /// A permit that was not used: for who waits, or back to where it came from.
    pub(super) fn put_back(&mut self, now: BootInstant, stock: &Arc<Stock>) {
        if now < stock.end() && self.queue.hand_taken(stock) {
            return;
        }
        stock.lease.put_back();
        if !self.stocks.iter().any(|shelved| Arc::ptr_eq(&shelved.stock, stock)) {
            stock.lease.release();
        }
    }

    /// Gives back what is idle, what is more than will be taken soon, and what ends.
    pub(super) fn tidy(&mut self, now: BootInstant) {
        self.shed(now);
        if now >= self.touched.after(self.ahead.idle) {
            self.release();
        }
        let end = now.after(ENDING);
        self.stocks.retain(|shelved| {
            let is_ending = shelved.stock.end() <= end;
            if is_ending {
                shelved.stock.lease.release();
            }
            !is_ending
        });
        let (held, keep) = (self.held(), self.target(now).max(1));
        if held / 2 >= keep {
            self.give_back(held - keep);
        }
    }

    /// What is to be asked for now, if anything is.
    pub(super) fn ask(&mut self, now: BootInstant) -> Option<Ask> {
        self.shed(now);
        let due = self.due();
        if self.queue.is_empty() && now < self.quiet_until {
            return None;
        }
        let (held, target) = (self.held(), self.target(now));
        if due == 0 && held > target / 2 {
            return None;
        }
        let permits = due.saturating_add(target).saturating_sub(held).min(self.ahead.most);
        let oldest = self.queue.oldest();
        let max_wait = match oldest {
            Some((_, since)) => {
                self.max_wait.saturating_sub(Duration::from_nanos(now.nanos().saturating_sub(since.nanos())))
            }
            None => self.ahead.horizon,
        };
        let whom = Whom { oldest: oldest.map(|(ticket, _)| ticket), before: self.queue.next() };
        (permits > 0).then_some(Ask { permits, max_wait, whom })
    }

    /// Whether what was asked for is still of use.
    pub(super) fn is_wanted(&mut self, now: BootInstant) -> bool {
        self.due() > 0 || self.target(now) > 0
    }

    /// Gives everything back.
    pub(super) fn release(&mut self) {
        self.stocks.drain(..).for_each(|shelved| shelved.stock.lease.release());
    }

    /// Gives everything up without returning it.
    pub(super) fn spend(&mut self) {
        self.stocks.drain(..).for_each(|shelved| shelved.stock.lease.spend());
    }

    /// Permits that are waited for, or were wanted and not there.
    fn due(&self) -> u32 {
        u32::try_from(self.queue.len()).unwrap_or(u32::MAX).max(u32::from(self.missed))
    }

    /// Permits to hold ahead of demand: none while others wait.
    fn target(&mut self, now: BootInstant) -> u32 {
        if self.contended { 0 } else { self.demand.ahead(now, self.ahead.horizon).min(self.ahead.most) }
    }

    fn give_back(&mut self, mut most: u32) {
        for shelved in self.stocks.iter_mut().rev() {
            let returned = shelved.stock.lease.give_back(most);
            shelved.returned += returned;
            shelved.stock.set_low();
            most -= returned;
        }
    }

    /// Counts what was taken, and drops what is empty or has ended.
    fn shed(&mut self, now: BootInstant) {
        let mut taken = 0;
        for Shelved { stock, counted, returned } in &mut self.stocks {
            let all = stock.lease.held.permits().saturating_sub(stock.left() + *returned);
            taken += all.saturating_sub(*counted);
            *counted = all;
        }
        if taken > 0 {
            self.demand.note(now, taken);
            self.touched = now;
        }
        self.stocks.retain(|shelved| shelved.stock.left() > 0 && now < shelved.stock.end());
    }
}

#[cfg(test)]
mod tests;
