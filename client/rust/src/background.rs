//! Calls that are dropped before they end go on for a while, so that a grant on its way arrives and is returned.

use crate::clock;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

/// A dropped call goes on for some of these steps before it is withdrawn. A step that ends late does not count, since what came
/// while the process was busy or stood still is only read after it.
const STEP: Duration = Duration::from_millis(50);
const LATE: Duration = Duration::from_millis(20);
/// The steps of a dropped call that has given up its slot.
const STEPS: u32 = 20;
/// The steps of one that keeps its slot, because many others go on.
const STEPS_WITH_SLOT: u32 = 2;
/// The most dropped calls that go on without a slot.
const WITHOUT_SLOT_MAX: usize = 24;

/// Counts the calls in progress, those that were dropped included.
#[derive(Clone, Debug)]
pub(crate) struct Background {
    running: Arc<watch::Sender<usize>>,
    without_slot: Arc<Semaphore>,
}

/// A call that goes on for a while when it is dropped. Its result drops what it holds.
pub(crate) struct Finishing<T: Send + 'static> {
    call: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    /// Freed when the call ends.
    slot: Option<OwnedSemaphorePermit>,
    is_started: bool,
    background: Background,
}

impl Background {
    pub(crate) fn new() -> Self {
        let without_slot = Arc::new(Semaphore::new(WITHOUT_SLOT_MAX));
        Self { running: Arc::new(watch::Sender::new(0)), without_slot }
    }

    /// Makes a call in a slot go on when it is dropped.
    pub(crate) fn finish<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
        slot: OwnedSemaphorePermit,
    ) -> Finishing<T> {
        let background = self.clone();
        Finishing { call: Some(Box::pin(call)), slot: Some(slot), is_started: false, background }
    }

    /// Waits until no call goes on.
    pub(crate) async fn finished(&self) {
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Counts a call until the result is dropped.
    pub(crate) fn entered(&self) -> RunningCall {
        self.running.send_modify(|running| *running += 1);
        RunningCall(self.clone())
    }
}

/// A call that is counted while this exists.
pub(crate) struct RunningCall(Background);

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
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
            self.slot = None;
        }
        result
    }
}

impl<T: Send + 'static> Drop for Finishing<T> {
    fn drop(&mut self) {
        let Some(call) = self.call.take().filter(|_| self.is_started) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let without_slot = Arc::clone(&self.background.without_slot).try_acquire_owned().ok();
        let slot = self.slot.take().filter(|_| without_slot.is_none());
        let steps = if slot.is_some() { STEPS_WITH_SLOT } else { STEPS };
        let running = self.background.entered();
        runtime.spawn(async move {
            go_on(call, steps).await;
            drop((slot, without_slot, running));
        });
    }
}

/// Lets a call go on for so many steps. What comes of it is dropped.
async fn go_on<T>(mut call: impl Future<Output = T> + Unpin, steps: u32) {
    let mut ended = 0;
    while ended < steps {
        let late = clock::now().after(STEP + LATE);
        if timeout(STEP, &mut call).await.is_ok() {
            return;
        }
        ended += u32::from(clock::now() < late);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    async fn is_finished_if_it_takes(call: Duration, others: usize) -> bool {
        let background = Background::new();
        let slots = Arc::new(Semaphore::new(1));
        let slot = Arc::clone(&slots).try_acquire_owned().unwrap();
        let _others = background.without_slot.try_acquire_many(u32::try_from(others).unwrap());
        let is_done = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&is_done);
        let call = background.finish(
            async move {
                tokio::time::sleep(call).await;
                done.store(true, Ordering::Relaxed);
            },
            slot,
        );
        assert!(timeout(Duration::from_millis(1), call).await.is_err(), "it is dropped");
        let is_free = slots.available_permits() == 1;
        assert_eq!(is_free, others < WITHOUT_SLOT_MAX, "{others} others go on");
        background.finished().await;
        assert_eq!(slots.available_permits(), 1);
        is_done.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_dropped_near_its_end_ends_and_any_other_one_does_not() {
        let is_finished = |ms, others| is_finished_if_it_takes(Duration::from_millis(ms), others);
        assert!(is_finished(990, 23).await && !is_finished(20_000, 23).await);
        assert!(is_finished(99, 24).await && !is_finished(20_000, 24).await, "it keeps its slot");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_never_sent_is_not_sent_when_it_is_dropped() {
        let background = Background::new();
        let slot = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        drop(background.finish(async { panic!("it is sent") }, slot));
        background.finished().await;
    }
}
