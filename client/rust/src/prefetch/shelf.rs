//! The shelf of a prefetch: takes without a lock what lies in front, and everything else under one.

use super::ahead::Ahead;
use super::state::{Ask, Entered, State, Whom};
use crate::clock::{self, BootInstant};
use crate::error::AcquireError;
use crate::lease::Lease;
use crate::permit::{Home, Permit, Stock};
use arc_swap::ArcSwapOption;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

#[derive(Debug)]
pub(super) struct Shelf {
    /// The lease that is taken from. Nothing while somebody waits, so that nobody is overtaken.
    front: ArcSwapOption<Stock>,
    state: Mutex<State>,
    /// Something is to be looked at.
    pub(super) wake: Notify,
    is_closed: AtomicBool,
    me: Weak<Shelf>,
}

impl Shelf {
    pub(super) fn new(ahead: Ahead, max_wait: Duration) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            front: ArcSwapOption::empty(),
            state: Mutex::new(State::new(ahead, max_wait)),
            wake: Notify::new(),
            is_closed: AtomicBool::new(false),
            me: me.clone(),
        })
    }

    /// Takes a permit if one is held. Lock-free while the lease in front lasts.
    #[inline]
    pub(super) fn take(&self, now: BootInstant) -> Option<Permit> {
        let front = self.front.load();
        if let Some((permit, left)) = front.as_ref().and_then(|stock| stock.take(now)) {
            if front.as_ref().is_some_and(|stock| stock.is_low(left)) {
                self.wake.notify_one();
            }
            return Some(permit);
        }
        None
    }

    /// Takes a permit of whatever is held; none: it is noted that one was wanted.
    #[cold]
    pub(super) fn take_or_miss(&self, now: BootInstant) -> Option<Permit> {
        let permit = self.with(|state| {
            let permit = if state.queue.is_empty() { state.take(now) } else { None };
            if permit.is_none() {
                state.miss();
            }
            permit
        });
        self.wake.notify_one();
        permit
    }

    /// Takes a permit, or queues up.
    pub(super) fn enter(&self, since: BootInstant, place: Option<u64>) -> Entered {
        let entered = self.with(|state| state.enter(clock::now(), since, place));
        self.wake.notify_one();
        entered
    }

    pub(super) fn leave(&self, ticket: u64) {
        let is_empty = self.with(|state| {
            state.queue.leave(ticket);
            state.queue.is_empty()
        });
        if is_empty {
            self.wake.notify_one();
        }
    }

    /// What is to be asked for, after what is of no use here has been given back.
    pub(super) fn ask(&self, now: BootInstant) -> Option<Ask> {
        self.with(|state| {
            if self.is_closed() {
                state.release();
                return None;
            }
            state.tidy(now);
            state.ask(now)
        })
    }

    /// Whether what was asked for is still of use.
    pub(super) fn is_wanted(&self, now: BootInstant) -> bool {
        !self.is_closed() && self.with(|state| state.is_wanted(now))
    }

    pub(super) fn answered(&self, now: BootInstant, answer: Result<Lease, AcquireError>, whom: Whom) {
        let home: Weak<dyn Home> = self.me.clone();
        self.with(|state| match answer {
            Ok(lease) => state.stow(now, Arc::new(Stock::new(lease, Some(home)))),
            Err(error) => state.refuse(now, &error, whom),
        });
    }

    pub(super) fn is_holding(&self) -> bool {
        self.with(|state| state.held() > 0)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Gives everything back, and takes nothing in any more.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.with(State::release);
        self.wake.notify_one();
    }

    /// Changes the state, then puts in front what may be taken.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut state);
        let front = state.front();
        if front.map(Arc::as_ptr) != self.front.load().as_ref().map(Arc::as_ptr) {
            self.front.store(front.cloned());
        }
        changed
    }
}

impl Home for Shelf {
    fn put_back(&self, stock: &Arc<Stock>) {
        self.with(|state| state.put_back(clock::now(), stock));
    }

    fn throttled(&self) {
        self.with(State::spend);
        self.wake.notify_one();
    }
}
