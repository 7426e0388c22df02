//! What happens when the ledger's thread, the timer or the clock check panics: the process ends.
//!
//! Nobody knows how far a thread came that panicked, so it is not restarted. Every permit that was granted is in the store's marks,
//! so the next process continues from them, and at most a block is lost.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// Whether something that every workspace depends on has failed, and what.
#[derive(Debug, Default)]
pub(super) struct Crash {
    what: OnceLock<&'static str>,
    failed: Notify,
}

impl Crash {
    /// Records a failure. Only the first counts.
    fn set(&self, what: &'static str) {
        tracing::error!("{what} panicked: the process stops");
        let _ = self.what.set(what);
        self.failed.notify_waiters();
    }

    /// Resolves once something has failed, with what it is.
    pub(super) async fn wait(&self) -> &'static str {
        loop {
            let failed = self.failed.notified();
            tokio::pin!(failed);
            // Registered before the check, so that no failure is missed in between.
            failed.as_mut().enable();
            if let Some(what) = self.what.get() {
                return what;
            }
            failed.await;
        }
    }
}

/// Spawns a task whose panic is a failure.
pub(super) fn spawn(
    failure: &Arc<Crash>,
    what: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let failure = Arc::clone(failure);
    let task = tokio::spawn(task);
    tokio::spawn(async move {
        if task.await.is_err_and(|error| error.is_panic()) {
            failure.set(what);
        }
    });
}

/// Runs `act` on this thread. A panic is a failure.
pub(super) fn run(failure: &Crash, what: &'static str, act: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(act)).is_err() {
        failure.set(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_task_that_panics_is_a_failure_and_one_that_ends_is_none() {
        let failure = Arc::new(Crash::default());
        spawn(&failure, "a task that ends", async {});
        tokio::task::yield_now().await;
        assert!(futures_util::FutureExt::now_or_never(failure.wait()).is_none());
        spawn(&failure, "the timer", async { panic!("on purpose") });
        let failed = tokio::time::timeout(Duration::from_secs(10), failure.wait()).await;
        assert_eq!(failed, Ok("the timer"));
    }
}
