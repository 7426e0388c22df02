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

    /// Answers what can be answered now. Whether anything was.
    fn answer(&mut self, context: &mut Context<'_>) -> bool {
        let arrived = std::mem::take(&mut *self.arrivals.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut any = !arrived.is_empty();
        // Nobody is woken by it: whatever is not ready is asked again, among those that wait.
        let mut at_once = Context::from_waker(Waker::noop());
        for mut call in arrived {
            if call.poll_unpin(&mut at_once).is_pending() {
                self.waiting.push(call);
            }
        }
        while let Poll::Ready(Some(_)) = self.waiting.poll_next_unpin(context) {
            any = true;
        }
        any
    }
}

impl<C: Future> Future for Driven<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        loop {
            let polled = self.connection.as_mut().poll(context);
            if polled.is_ready() || !self.answer(context) {
                return polled;
            }
        }
    }
}
