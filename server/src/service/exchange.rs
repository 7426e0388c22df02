//! The Exchange stream: acquire, settle and cancel without a call for each, answered in any order.
//!
//! A separate task reads requests, whether the client takes answers or not: unread requests would count against the whole connection,
//! until HTTP/2 closes it with every other call on it. So settles and cancels always get through, too many acquires are refused, and
//! a client that takes no answers loses only its stream. At the end of a stream its waiting requests are withdrawn, and leases whose
//! answers were not sent are given back.

pub(super) mod event;
mod outgoing;
mod pending;
mod subscriptions;

mod state;

use super::authorize::Identity;
use super::lease_calls::LeaseCalls;
use crate::error::Error;
use crate::status::ErrorScope;
use apportion_proto::v1;
use futures_util::Stream;
use outgoing::Outgoing;
use state::StreamState;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tonic::{Status, Streaming};

/// The state of a stream, shared by its reader and its sender.
#[derive(Clone)]
struct Shared(Arc<Mutex<StreamState>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, StreamState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads requests of one stream until it ends. Where reading fails, so does the stream.
struct Reader(Shared);

impl Future for Reader {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.lock().poll_work(context)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let failed = Error::Internal("the stream failed").status(&ErrorScope::default());
        self.0.lock().end_with(Err(failed));
    }
}

/// The answers of one stream.
pub(crate) struct Answers {
    shared: Shared,
    /// Answers out of the shared state, in their order: it is locked once for all of them.
    taken: VecDeque<Outgoing>,
}

/// Starts to answer a stream.
pub(super) fn start(
    calls: LeaseCalls,
    in_flight_max: usize,
    who: Arc<Identity>,
    requests: Streaming<v1::ExchangeRequest>,
) -> Answers {
    let state = StreamState::new(calls, in_flight_max, who, requests);
    let shared = Shared(Arc::new(Mutex::new(state)));
    tokio::spawn(Reader(shared.clone()));
    Answers { shared, taken: VecDeque::new() }
}

impl Stream for Answers {
    type Item = Result<v1::ExchangeResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { shared, taken } = &mut *self;
        if taken.is_empty()
            && let Some(end) = ready!(shared.lock().poll_answers(context, taken))
        {
            return Poll::Ready(end.err().map(Err));
        }
        // The message is made outside the lock.
        Poll::Ready(taken.pop_front().map(|outgoing| Ok(outgoing.response())))
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        let unsent = std::mem::take(&mut self.taken);
        self.shared.lock().close_sender(unsent);
    }
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").field("in_flight", &self.shared.lock().in_flight()).finish_non_exhaustive()
    }
}
