//! The calls of one connection, answered by the task of the connection itself.
//!
//! A call is polled right when it arrives, and most are answered then. Waiting calls that are woken together are answered together,
//! and their answers are sent together: with a task for each call, each answer would be written to the socket alone.

use futures_util::FutureExt;
use futures_util::future::CatchUnwind;
use futures_util::stream::{FuturesUnordered, StreamExt};
use hyper::rt::Executor;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::task::unconstrained;

/// How many calls are polled before other connections get their turn: a client may send new ones as fast as they are answered.
const CALLS_PER_TURN: usize = 256;

/// A call. One that panics is reset, and affects no other.
type CallFuture = CatchUnwind<AssertUnwindSafe<Pin<Box<dyn Future<Output = ()> + Send>>>>;

/// The calls that arrived and were not polled yet.
#[derive(Clone, Default)]
pub(super) struct NewCalls(Arc<Mutex<Vec<CallFuture>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for NewCalls {
    fn execute(&self, call: F) {
        let call: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(unconstrained(call));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(AssertUnwindSafe(call).catch_unwind());
    }
}

/// Polls a connection and its calls.
pub(super) struct Driver<C> {
    pub(super) connection: Pin<Box<C>>,
    new_calls: NewCalls,
    waiting: FuturesUnordered<CallFuture>,
}

impl<C> Driver<C> {
    /// A connection that hands its calls to `new_calls`.
    pub(super) fn new(connection: C, new_calls: NewCalls) -> Self {
        Self { connection: Box::pin(connection), new_calls, waiting: FuturesUnordered::new() }
    }

    /// Polls the calls that arrived, and the waiting ones that were woken. Returns how many there were; where there were any, the
    /// connection may have something to send.
    fn poll_calls(&mut self, context: &mut Context<'_>) -> usize {
        let arrived = std::mem::take(&mut *self.new_calls.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut polled_calls = arrived.len();
        // A call that is not ready is polled again among the waiting ones, so no wake-up is lost.
        let mut at_once = Context::from_waker(Waker::noop());
        for mut call in arrived {
            if call.poll_unpin(&mut at_once).is_pending() {
                self.waiting.push(call);
            }
        }
        while let Poll::Ready(Some(_)) = self.waiting.poll_next_unpin(context) {
            polled_calls += 1;
        }
        polled_calls
    }
}

impl<C: Future> Future for Driver<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let mut polled_calls = 0;
        loop {
            let polled = self.connection.as_mut().poll(context);
            if polled.is_ready() {
                return polled;
            }
            match self.poll_calls(context) {
                0 => return Poll::Pending,
                some => polled_calls += some,
            }
            if polled_calls >= CALLS_PER_TURN {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, poll_fn};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::oneshot;

    /// A connection on which nothing arrives, and how often it was polled.
    fn silent(new_calls: &NewCalls) -> (Driver<impl Future<Output = ()> + use<>>, Arc<AtomicUsize>) {
        let polls = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&polls);
        let connection = poll_fn(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Poll::Pending
        });
        (Driver::new(connection, new_calls.clone()), polls)
    }

    /// A call that counts once it is answered.
    fn counts<F: Future<Output = ()>>(
        answered: &Arc<AtomicUsize>,
        when: F,
    ) -> impl Future<Output = ()> + use<F> {
        let answered = Arc::clone(answered);
        async move {
            when.await;
            answered.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn what_can_be_answered_is_answered_at_once_and_the_connection_polled_again_to_send_it() {
        let (new_calls, answered) = (NewCalls::default(), Arc::default());
        let (mut driver, polls) = silent(&new_calls);
        (0..3).for_each(|_| new_calls.execute(counts(&answered, async {})));
        new_calls.execute(counts(&answered, pending()));
        assert!(driver.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!((answered.load(Ordering::SeqCst), polls.load(Ordering::SeqCst)), (3, 2));
    }

    #[tokio::test]
    async fn those_who_are_woken_together_are_answered_before_the_connection_sends() {
        let (new_calls, answered) = (NewCalls::default(), Arc::default());
        let (mut driver, polls) = silent(&new_calls);
        let mut wakers = Vec::new();
        for _ in 0..20 {
            let (waker, woken) = oneshot::channel::<()>();
            wakers.push(waker);
            new_calls.execute(counts(&answered, async { woken.await.expect("it is woken") }));
        }
        let mut poll = || driver.poll_unpin(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending());
        let before = polls.load(Ordering::SeqCst);
        wakers.into_iter().for_each(|waker| waker.send(()).expect("it waits"));
        assert!(poll().is_pending());
        assert_eq!((answered.load(Ordering::SeqCst), polls.load(Ordering::SeqCst) - before), (20, 2));
    }

    #[test]
    fn a_call_that_panics_concerns_no_other() {
        let (new_calls, answered) = (NewCalls::default(), Arc::default());
        let (mut driver, _) = silent(&new_calls);
        new_calls.execute(async { panic!("on purpose") });
        new_calls.execute(counts(&answered, async {}));
        assert!(driver.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(answered.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_client_that_asks_without_end_leaves_others_their_turn() {
        let (new_calls, answered) = (NewCalls::default(), Arc::<AtomicUsize>::default());
        let (more, counted) = (new_calls.clone(), Arc::clone(&answered));
        let endless = poll_fn(move |_| {
            more.execute(counts(&counted, async {}));
            Poll::<()>::Pending
        });
        let mut driver = Driver::new(endless, new_calls);
        assert!(driver.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(answered.load(Ordering::SeqCst), CALLS_PER_TURN);
    }
}
