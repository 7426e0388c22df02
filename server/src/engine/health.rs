//! The state of the engine as a whole: draining, store lost, windows booked too far ahead.

use super::store_use::StoreUse;
use apportion_core::time::{Span, Timestamp};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The flags that every call may read.
#[derive(Debug, Default)]
pub(super) struct Health {
    draining: AtomicBool,
    store_lost: AtomicBool,
    pub(super) store_use: StoreUse,
    /// Start of the last window that a clock far ahead has booked, as nanoseconds of Unix time; 0 if there is none.
    booked_ahead_until_ns: AtomicU64,
}

impl Health {
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(super) fn set_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the last use of the store failed, whoever made it.
    pub(super) fn is_store_lost(&self) -> bool {
        self.store_lost.load(Ordering::Acquire)
    }

    pub(super) fn set_store_lost(&self, lost: bool) {
        self.store_lost.store(lost, Ordering::Release);
    }

    /// How far ahead windows are booked that a correct clock would not have booked.
    pub(super) fn booked_ahead(&self, now: Timestamp) -> Span {
        Timestamp::from_ns(self.booked_ahead_until_ns.load(Ordering::Acquire)).since(now)
    }

    pub(super) fn set_booked_ahead_until(&self, start: Option<Timestamp>) {
        let until = start.unwrap_or(Timestamp::ZERO);
        self.booked_ahead_until_ns.store(until.as_ns(), Ordering::Release);
    }
}
