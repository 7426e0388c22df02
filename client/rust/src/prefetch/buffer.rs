//! The state of a prefetch behind a lock, with the front lease outside of it, so that most takes need no lock.

use super::options::PrefetchOptions;
use super::state::{Admission, CoveredCallers, PrefetchState, RefillRequest};
use crate::clock::{self, BootInstant};
use crate::error::AcquireError;
use crate::lease::Lease;
use crate::permit::{Dispenser, Permit, SharedLease};
use crate::quota::PermitHolder;
use arc_swap::ArcSwapOption;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// How often the held permits are checked.
const TICK: Duration = Duration::from_millis(50);

/// The held permits and the waiting callers of one prefetch.
#[derive(Debug)]
pub(super) struct PrefetchBuffer {
    /// The lease to take from. Empty while a caller waits, so that nobody overtakes it.
    front: ArcSwapOption<SharedLease>,
    state: Mutex<PrefetchState>,
    /// Wakes the refill task.
    pub(super) wake: Notify,
    is_closed: AtomicBool,
    this: Weak<PrefetchBuffer>,
}

impl PrefetchBuffer {
    pub(super) fn new(options: PrefetchOptions, max_wait: Duration) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            front: ArcSwapOption::empty(),
            state: Mutex::new(PrefetchState::new(options, max_wait)),
            wake: Notify::new(),
            is_closed: AtomicBool::new(false),
            this: this.clone(),
        })
    }

    /// Takes a permit of the front lease. Lock-free.
    #[inline]
    pub(super) fn take(&self, now: BootInstant) -> Option<Permit> {
        let front = self.front.load();
        if let Some((permit, left)) = front.as_ref().and_then(|lease| lease.take(now)) {
            if front.as_ref().is_some_and(|lease| lease.is_low(left)) {
                self.wake.notify_one();
            }
            return Some(permit);
        }
        None
    }

    /// Takes a permit of any lease. If there is none, remembers that one was wanted.
    #[cold]
    pub(super) fn take_or_miss(&self, now: BootInstant) -> Option<Permit> {
        let permit = self.with(|state| state.take_or_miss(now));
        self.wake.notify_one();
        permit
    }

    /// Takes a permit, or queues the caller.
    pub(super) fn enter(&self, since: BootInstant, position: Option<u64>) -> Admission {
        let admission = self.with(|state| match self.is_closed() {
            true => Admission::Refused(AcquireError::Closed),
            false => state.enter(clock::now(), since, position),
        });
        self.wake.notify_one();
        admission
    }

    /// Removes a caller from the queue.
    pub(super) fn leave(&self, position: u64) {
        if self.with(|state| state.leave(position)) {
            self.wake.notify_one();
        }
    }

    /// Returns permits that are not needed, then the request to send, if one is due.
    pub(super) fn refill(&self, now: BootInstant) -> Option<RefillRequest> {
        self.with(|state| {
            if self.is_closed() {
                state.return_all();
                return None;
            }
            state.return_excess(now);
            state.refill(now)
        })
    }

    /// Whether a request in flight is still needed.
    pub(super) fn needs_refill(&self, now: BootInstant) -> bool {
        !self.is_closed() && self.with(|state| state.needs_refill(now))
    }

    /// Applies the result of a request that was made for `callers`.
    pub(super) fn complete(
        &self,
        now: BootInstant,
        result: Result<Lease, AcquireError>,
        callers: CoveredCallers,
    ) {
        let dispenser: Weak<dyn Dispenser> = self.this.clone();
        self.with(|state| match result {
            Ok(lease) => state.add(now, Arc::new(SharedLease::new(lease, Some(dispenser)))),
            Err(error) => state.refuse(now, &error, callers),
        });
    }

    /// How long to wait for an event before the next check; `None` if only an event changes anything.
    pub(super) fn check_after(&self, now: BootInstant, is_in_flight: bool) -> Option<Duration> {
        self.with(|state| {
            let tick = (is_in_flight || state.held() > 0).then_some(TICK);
            let resume = state.resumes_at(now).map(|at| at.since(now));
            tick.into_iter().chain(resume).min()
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Changes the state, then publishes the front lease.
    fn with<T>(&self, change: impl FnOnce(&mut PrefetchState) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut state);
        let front = state.front();
        if front.map(Arc::as_ptr) != self.front.load().as_ref().map(Arc::as_ptr) {
            self.front.store(front.cloned());
        }
        changed
    }
}

impl PermitHolder for PrefetchBuffer {
    /// Returns everything, fails all waiting callers, and accepts nothing from then on.
    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.with(PrefetchState::close);
        self.wake.notify_one();
    }
}

impl Dispenser for PrefetchBuffer {
    fn put_back(&self, lease: &Arc<SharedLease>) {
        self.with(|state| state.put_back(clock::now(), lease));
    }

    fn throttled(&self) {
        self.with(PrefetchState::spend_all);
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(ms: u64) -> BootInstant {
        BootInstant::from_nanos(ms * 1_000_000)
    }

    fn buffer() -> Arc<PrefetchBuffer> {
        PrefetchBuffer::new(PrefetchOptions::new(), Duration::from_secs(10))
    }

    /// Completes a request with a lease of so many permits.
    fn complete(buffer: &PrefetchBuffer, now: BootInstant, permits: u32, end: BootInstant) {
        let lease = Lease::of_nobody(permits, end, false);
        buffer.complete(now, Ok(lease), CoveredCallers::default());
    }

    #[test]
    fn without_a_lock_no_permit_is_taken_at_or_after_the_end_either() {
        let buffer = buffer();
        complete(&buffer, at_ms(1_000), 5, at_ms(2_000));
        assert!(buffer.take(at_ms(1_999)).is_some());
        assert!(buffer.take(at_ms(2_000)).is_none());
        assert!(buffer.take_or_miss(at_ms(2_000)).is_none());
    }

    #[test]
    fn a_permit_in_transit_to_a_caller_that_left_goes_to_the_next() {
        let buffer = buffer();
        let now = clock::now();
        let wait = || match buffer.enter(now, None) {
            Admission::Queued(ticket) => ticket,
            other => panic!("{other:?}"),
        };
        let (first, mut second) = (wait(), wait());
        complete(&buffer, now, 1, now.after(Duration::from_secs(3600)));
        assert!(second.answer.try_recv().is_err(), "the first caller comes first");
        drop(first);
        assert!(second.answer.try_recv().is_ok_and(|answer| answer.is_ok()));
    }
}
