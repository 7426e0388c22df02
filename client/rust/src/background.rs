//! Calls that are dropped before they end go on for a while, so that a grant on its way arrives and is returned.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a dropped call goes on. After that it is withdrawn.
const GRACE: Duration = Duration::from_millis(100);

/// Counts the calls in progress, those that were dropped included.
#[derive(Clone, Debug)]
pub(crate) struct Background(Arc<watch::Sender<usize>>);

/// A call that goes on for a while when it is dropped. Its result drops what it holds.
pub(crate) struct Finishing<T: Send + 'static> {
    call: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    is_started: bool,
    background: Background,
}

impl Background {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Makes a call go on when it is dropped.
    pub(crate) fn finish<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Finishing<T> {
        Finishing { call: Some(Box::pin(call)), is_started: false, background: self.clone() }
    }

    /// Waits until no call goes on.
    pub(crate) async fn finished(&self) {
        let _ = self.0.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Counts a call until the result is dropped.
    pub(crate) fn entered(&self) -> RunningCall {
        self.0.send_modify(|running| *running += 1);
        RunningCall(self.clone())
    }
}

/// A call that is counted while this exists.
pub(crate) struct RunningCall(Background);

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.0.0.send_modify(|running| *running -= 1);
    }
}

impl<T: Send + 'static> Future for Finishing<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.is_started = true;
        let Some(call) = self.call.as_mut() else { return Poll::Pending };
        let result = call.as_mut().poll(context);
        if result.is_ready() {
            self.call = None;
        }
        result
    }
}

impl<T: Send + 'static> Drop for Finishing<T> {
    fn drop(&mut self) {
        let Some(call) = self.call.take().filter(|_| self.is_started) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let running = self.background.entered();
        runtime.spawn(async move {
            drop(timeout(GRACE, call).await);
            drop(running);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    async fn is_finished_if_it_takes(call: Duration) -> bool {
        let background = Background::new();
        let is_done = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&is_done);
        let call = background.finish(async move {
            tokio::time::sleep(call).await;
            done.store(true, Ordering::Relaxed);
        });
        assert!(timeout(Duration::from_millis(1), call).await.is_err(), "it is dropped");
        background.finished().await;
        is_done.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_dropped_near_its_end_ends_and_any_other_one_does_not() {
        assert!(is_finished_if_it_takes(Duration::from_millis(99)).await);
        assert!(!is_finished_if_it_takes(Duration::from_millis(103)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_never_sent_is_not_sent_when_it_is_dropped() {
        let background = Background::new();
        drop(background.finish(async { panic!("it is sent") }));
        background.finished().await;
    }
}
