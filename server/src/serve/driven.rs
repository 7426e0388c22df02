//! The calls of one connection, answered by the task of the connection itself.
//!
//! A call is tried right where it came in, and most are answered then. Those that wait are woken together, and whatever is
//! answered in one go is sent in one go: with a task for each call, each answer would be written to the socket alone.

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

/// How many calls are answered before other connections get their turn: what a client asks as fast as it is answered has no end.
const AT_ONCE: usize = 256;

/// A call. One that panics is reset, and concerns no other.
type Call = CatchUnwind<AssertUnwindSafe<Pin<Box<dyn Future<Output = ()> + Send>>>>;

/// The calls that came in and were not tried yet.
#[derive(Clone, Default)]
pub(super) struct Arrivals(Arc<Mutex<Vec<Call>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Arrivals {
    fn execute(&self, call: F) {
        let call: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(unconstrained(call));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(AssertUnwindSafe(call).catch_unwind());
    }
}

/// A connection, and the calls that came in on it.
pub(super) struct Driven<C> {
    pub(super) connection: Pin<Box<C>>,
    arrivals: Arrivals,
    waiting: FuturesUnordered<Call>,
}

impl<C> Driven<C> {
    /// A connection whose calls are given to `arrivals`.
    pub(super) fn new(connection: C, arrivals: Arrivals) -> Self {
        Self { connection: Box::pin(connection), arrivals, waiting: FuturesUnordered::new() }
    }

    /// Tries what arrived, and what waits and was woken. Returns how many calls that was; the connection may have something to send
    /// where there were any.
    fn answer(&mut self, context: &mut Context<'_>) -> usize {
        let arrived = std::mem::take(&mut *self.arrivals.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut tried = arrived.len();
        // Nobody is woken by it: whatever is not ready is asked again, among those that wait.
        let mut at_once = Context::from_waker(Waker::noop());
        for mut call in arrived {
            if call.poll_unpin(&mut at_once).is_pending() {
                self.waiting.push(call);
            }
        }
        while let Poll::Ready(Some(_)) = self.waiting.poll_next_unpin(context) {
            tried += 1;
        }
        tried
    }
}

impl<C: Future> Future for Driven<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let mut tried = 0;
        loop {
            let polled = self.connection.as_mut().poll(context);
            if polled.is_ready() {
                return polled;
            }
            match self.answer(context) {
                0 => return Poll::Pending,
                some => tried += some,
            }
            if tried >= AT_ONCE {
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

    /// A connection on which nothing comes in any more, and how often it was polled.
    fn silent(arrivals: &Arrivals) -> (Driven<impl Future<Output = ()> + use<>>, Arc<AtomicUsize>) {
        let polls = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&polls);
        let connection = poll_fn(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Poll::Pending
        });
        (Driven::new(connection, arrivals.clone()), polls)
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
        let (arrivals, answered) = (Arrivals::default(), Arc::default());
        let (mut driven, polls) = silent(&arrivals);
        (0..3).for_each(|_| arrivals.execute(counts(&answered, async {})));
        arrivals.execute(counts(&answered, pending()));
        assert!(driven.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!((answered.load(Ordering::SeqCst), polls.load(Ordering::SeqCst)), (3, 2));
    }

    #[tokio::test]
    async fn those_who_are_woken_together_are_answered_before_the_connection_sends() {
        let (arrivals, answered) = (Arrivals::default(), Arc::default());
        let (mut driven, polls) = silent(&arrivals);
        let mut wakers = Vec::new();
        for _ in 0..20 {
            let (waker, woken) = oneshot::channel::<()>();
            wakers.push(waker);
            arrivals.execute(counts(&answered, async { woken.await.expect("it is woken") }));
        }
        let mut poll = || driven.poll_unpin(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending());
        let before = polls.load(Ordering::SeqCst);
        wakers.into_iter().for_each(|waker| waker.send(()).expect("it waits"));
        assert!(poll().is_pending());
        assert_eq!((answered.load(Ordering::SeqCst), polls.load(Ordering::SeqCst) - before), (20, 2));
    }

    #[test]
    fn a_call_that_panics_concerns_no_other() {
        let (arrivals, answered) = (Arrivals::default(), Arc::default());
        let (mut driven, _) = silent(&arrivals);
        arrivals.execute(async { panic!("on purpose") });
        arrivals.execute(counts(&answered, async {}));
        assert!(driven.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(answered.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_client_that_asks_without_end_leaves_others_their_turn() {
        let (arrivals, answered) = (Arrivals::default(), Arc::<AtomicUsize>::default());
        let (more, counted) = (arrivals.clone(), Arc::clone(&answered));
        let endless = poll_fn(move |_| {
            more.execute(counts(&counted, async {}));
            Poll::<()>::Pending
        });
        let mut driven = Driven::new(endless, arrivals);
        assert!(driven.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(answered.load(Ordering::SeqCst), AT_ONCE);
    }
}
