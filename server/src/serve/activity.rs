//! What happens on one connection, for those who decide whether it stays open. Knows no protocol.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The activity of one connection.
#[derive(Debug)]
pub(super) struct Activity {
    /// Calls whose request has arrived and that are not answered.
    open_calls: AtomicU32,
    /// Whether any call on it had a valid credential.
    is_authorized: AtomicBool,
    /// When its last authorized call ended, or else when it was opened.
    idle_since: Mutex<Instant>,
    closed: CancellationToken,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            open_calls: AtomicU32::new(0),
            is_authorized: AtomicBool::new(false),
            idle_since: Mutex::new(Instant::now()),
            closed: CancellationToken::new(),
        }
    }

    pub(super) fn begin_call(&self) {
        self.open_calls.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn end_call(&self) {
        self.open_calls.fetch_sub(1, Ordering::AcqRel);
    }

    /// An authorized call has ended: the connection is idle from now on.
    pub(super) fn note_authorized(&self) {
        self.is_authorized.store(true, Ordering::Release);
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle_since(&self) -> Instant {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_busy(&self) -> bool {
        self.open_calls.load(Ordering::Acquire) > 0
    }

    /// The order in which connections are closed to make room, the first one first.
    pub(super) fn eviction_order(&self) -> (bool, bool, bool, Instant) {
        let is_authorized = self.is_authorized.load(Ordering::Acquire);
        (self.closed.is_cancelled(), self.is_busy(), is_authorized, self.idle_since())
    }

    /// Closes it at once, unless a call is open on it.
    pub(super) fn close_unless_busy(&self) {
        if !self.is_busy() {
            self.closed.cancel();
        }
    }

    /// Resolves once the connection is to be closed.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Resolves once no call has been open for so long.
    pub(super) async fn idle_for(&self, longest: Duration) {
        loop {
            let end = if self.is_busy() { Instant::now() } else { self.idle_since() } + longest;
            if Instant::now() >= end {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}
