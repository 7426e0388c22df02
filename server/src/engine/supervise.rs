//! What all workspaces depend on: the ledger's thread, the timer, the checks of the clock. If one of them panics, nobody knows how
//! far it came, so it is not started again: the process is to end. What it leaves behind is safe, since every permit that was granted
//! is in the store's marks; a process that starts anew goes on from them, and at most a block is lost.

use super::parts::Parts;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// Whether something that all depend on has failed, and what.
#[derive(Debug, Default)]
pub(super) struct Failure {
    what: OnceLock<&'static str>,
    failed: Notify,
}

impl Failure {
    /// `what` has failed. Only the first counts.
    pub(super) fn set(&self, what: &'static str) {
        tracing::error!("{what} failed: the process stops");
        let _ = self.what.set(what);
        self.failed.notify_waiters();
    }

    /// What failed, once something has.
    pub(super) async fn wait(&self) -> &'static str {
        loop {
            let failed = self.failed.notified();
            tokio::pin!(failed);
            // It hears of what happens from here on, so that nothing is missed in between.
            failed.as_mut().enable();
            if let Some(what) = self.what.get() {
                return what;
            }
            failed.await;
        }
    }
}

/// Runs a task, and says so if it panics.
pub(super) fn task(parts: &Arc<Parts>, what: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    let parts = Arc::downgrade(parts);
    let task = tokio::spawn(task);
    tokio::spawn(async move {
        let panicked = task.await.is_err_and(|error| error.is_panic());
        if let Some(parts) = parts.upgrade().filter(|_| panicked) {
            parts.failure.set(what);
        }
    });
}

/// Does on this thread what a thread is for, and says so if it panics.
pub(super) fn thread(parts: &Parts, what: &'static str, act: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(act)).is_err() {
        parts.failure.set(what);
    }
}
