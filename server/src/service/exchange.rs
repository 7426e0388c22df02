//! The stream: acquire, settle and cancel without a call for each, answered in any order.
//!
//! Nothing runs beside it: the stream of answers reads requests when it is asked for an answer. So a client that does not
//! read is not read from either, and the stream's end drops what waits, which withdraws it.

use super::authorize::Identity;
use super::gate::ENDED;
use super::quota::{Quota, error, granted};
use crate::convert::lease::Acquire;
use crate::convert::settle::Settle;
use crate::convert::time::{duration, timestamp};
use crate::engine::{Acquired, Event, Granted, Waiting};
use crate::status::{Error, Place};
use apportion_core::ids::WorkspaceId;
use apportion_core::time::Timestamp;
use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request;
use apportion_proto::v1::exchange_response::Response;
use futures_util::stream::{FuturesUnordered, SelectAll};
use futures_util::{Stream, StreamExt};
use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use tokio_stream::wrappers::BroadcastStream;
use tonic::{Status, Streaming};

/// Most workspaces of which one stream hears what the server says by itself.
const WORKSPACES_MAX: usize = 64;
/// Most requests that are read before others get their turn.
const AT_ONCE: usize = 64;

/// An acquire that waits, and can be taken back.
struct Parked {
    id: u64,
    place: Place,
    waiting: Option<Waiting>,
    cancelled: oneshot::Receiver<()>,
}

/// What became of one.
struct Done {
    id: u64,
    place: Place,
    answer: Result<Granted, Error>,
}

impl Future for Parked {
    type Output = Done;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Done> {
        let waiting = self.waiting.as_mut().map(|waiting| Pin::new(waiting).poll(context));
        let answer = match waiting {
            Some(Poll::Ready(answer)) => answer.map_err(error),
            Some(Poll::Pending) => match Pin::new(&mut self.cancelled).poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(_) => Err(Error::Cancelled),
            },
            None => Err(Error::Cancelled),
        };
        self.waiting = None;
        Poll::Ready(Done { id: self.id, place: std::mem::take(&mut self.place), answer })
    }
}

/// What is heard of one workspace.
type Heard = Pin<Box<dyn Stream<Item = (WorkspaceId, Event)> + Send>>;

/// The answers of one stream.
pub struct Answers {
    quota: Quota,
    who: Arc<Identity>,
    requests: Option<Streaming<v1::ExchangeRequest>>,
    ready: VecDeque<v1::ExchangeResponse>,
    parked: FuturesUnordered<Parked>,
    cancels: HashMap<u64, oneshot::Sender<()>>,
    heard: HashSet<WorkspaceId>,
    events: SelectAll<Heard>,
    credential: Credential,
}

/// Whether the stream may go on.
enum Credential {
    /// Until this comes.
    Valid(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// Nothing waits any more; what is answered already is sent, then why the stream ends.
    Ended,
    /// That was said.
    Told,
}

/// Starts to answer a stream.
pub(super) fn start(quota: Quota, who: Arc<Identity>, requests: Streaming<v1::ExchangeRequest>) -> Answers {
    let (holder, engine) = (Arc::clone(&who), Arc::clone(&quota.engine));
    let ended = async move { holder.ended(|| engine.clock().now()).await };
    Answers {
        credential: Credential::Valid(Box::pin(ended)),
        quota,
        who,
        requests: Some(requests),
        ready: VecDeque::new(),
        parked: FuturesUnordered::new(),
        cancels: HashMap::new(),
        heard: HashSet::new(),
        events: SelectAll::new(),
    }
}

impl Stream for Answers {
    type Item = Result<v1::ExchangeResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.who.is_withdrawn() {
            this.end();
        }
        if let Some(ready) = this.ready.pop_front() {
            return Poll::Ready(Some(Ok(ready)));
        }
        match &this.credential {
            Credential::Valid(_) => {}
            Credential::Ended => return this.tell_end(),
            Credential::Told => return Poll::Ready(None),
        }
        // First, since what it adds wakes nobody before it is polled.
        if let Poll::Ready(Err(status)) = this.read(context) {
            return Poll::Ready(Some(Err(status)));
        }
        while let Poll::Ready(Some(done)) = this.parked.poll_next_unpin(context) {
            this.cancels.remove(&done.id);
            this.answer(
                done.id,
                &done.place,
                done.answer.and_then(|lease| granted(&lease)).map(Response::Granted),
            );
        }
        while let Poll::Ready(Some((workspace, event))) = this.events.poll_next_unpin(context) {
            let now = this.quota.engine.clock().now();
            this.ready.extend(said(&workspace, event, now));
        }
        match (this.ready.pop_front(), &mut this.credential) {
            (Some(ready), _) => Poll::Ready(Some(Ok(ready))),
            (None, _) if this.requests.is_none() && this.parked.is_empty() => Poll::Ready(None),
            (None, Credential::Valid(ended)) => {
                std::task::ready!(ended.as_mut().poll(context));
                this.end();
                this.tell_end()
            }
            (None, _) => Poll::Pending,
        }
    }
}

impl Answers {
    /// The credential is not valid any more: what waits is withdrawn, and nothing more is read.
    fn end(&mut self) {
        if matches!(self.credential, Credential::Valid(_)) {
            self.credential = Credential::Ended;
            self.parked.clear();
            self.cancels.clear();
            self.events = SelectAll::new();
            self.requests = None;
        }
    }

    fn tell_end(&mut self) -> Poll<Option<Result<v1::ExchangeResponse, Status>>> {
        self.credential = Credential::Told;
        Poll::Ready(Some(Err(ENDED.status(&Place::default()))))
    }

    /// Reads requests while not too many are in flight.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        for _ in 0..AT_ONCE {
            if self.parked.len() >= self.quota.bounds.in_flight {
                return Poll::Pending;
            }
            let Some(requests) = &mut self.requests else { return Poll::Pending };
            match std::task::ready!(requests.poll_next_unpin(context)) {
                Some(Ok(request)) => self.take(request),
                Some(Err(status)) => return Poll::Ready(Err(status)),
                None => self.requests = None,
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn take(&mut self, request: v1::ExchangeRequest) {
        let id = request.id;
        let malformed =
            |path: &str, problem: &str| crate::convert::field::FieldError::new(path, problem).into();
        let nowhere = Place::default();
        // It has no answer of its own, whatever its id.
        if matches!(request.request, Some(Request::Cancel(_))) {
            return self.cancel(id);
        }
        if !self.who.is_valid(self.quota.engine.clock().now()) {
            return self.answer(id, &nowhere, Err(ENDED));
        }
        if id == 0 || self.cancels.contains_key(&id) {
            let problem = "must not be 0, nor that of a request in flight";
            return self.answer(id, &nowhere, Err(malformed("id", problem)));
        }
        match request.request {
            None | Some(Request::Cancel(_)) => self.answer(
                id,
                &nowhere,
                Err(malformed("request", "one of acquire, settle, cancel must be set")),
            ),
            Some(Request::Acquire(wire)) => match Acquire::try_from(&wire) {
                Ok(acquire) => self.acquire(id, acquire),
                Err(error) => self.answer(id, &nowhere, Err(error.under("acquire").into())),
            },
            Some(Request::Settle(wire)) => match Settle::try_from(&wire) {
                Ok(settle) => self.settle(id, &settle),
                Err(error) => self.answer(id, &nowhere, Err(error.under("settle").into())),
            },
        }
    }

    fn cancel(&mut self, id: u64) {
        if let Some(cancel) = self.cancels.get_mut(&id) {
            let (spent, _) = oneshot::channel();
            let _ = std::mem::replace(cancel, spent).send(());
        }
    }

    fn acquire(&mut self, id: u64, acquire: Acquire) {
        let place = Place { workspace: Some(acquire.workspace.clone()), team: Some(acquire.team.clone()) };
        match self.quota.begin(&self.who, acquire, None) {
            Err(error) => self.answer(id, &place, Err(error)),
            Ok(acquired) => {
                self.hear(place.workspace.as_ref());
                match acquired {
                    Acquired::Granted(lease) => {
                        self.answer(id, &place, granted(&lease).map(Response::Granted));
                    }
                    Acquired::Waits(waiting) => {
                        let (cancel, cancelled) = oneshot::channel();
                        self.cancels.insert(id, cancel);
                        self.parked.push(Parked { id, place, waiting: Some(waiting), cancelled });
                    }
                }
            }
        }
    }

    fn settle(&mut self, id: u64, settle: &Settle) {
        let place = Place { workspace: Some(settle.workspace.clone()), team: Some(settle.team.clone()) };
        let settled = self.quota.settle(&self.who, settle);
        if settled.is_ok() {
            self.hear(place.workspace.as_ref());
        }
        self.answer(id, &place, settled.map(Response::Settled));
    }

    /// From now on the stream is told what the server says by itself about this workspace.
    fn hear(&mut self, workspace: Option<&WorkspaceId>) {
        let Some(workspace) = workspace.filter(|&id| !self.heard.contains(id)) else { return };
        if self.heard.len() >= WORKSPACES_MAX {
            return;
        }
        if let Ok(events) = self.quota.engine.events(workspace) {
            let id = workspace.clone();
            // Who lags missed some: they are hints, and the next call tells the same.
            let events = BroadcastStream::new(events).filter_map(move |event| {
                let event = event.ok().map(|event| (id.clone(), event));
                async move { event }
            });
            self.events.push(Box::pin(events));
            self.heard.insert(workspace.clone());
        }
    }

    fn answer(&mut self, id: u64, place: &Place, answer: Result<Response, Error>) {
        let response = answer.unwrap_or_else(|error| Response::Refusal(error.failure(place).refusal()));
        self.ready.push_back(v1::ExchangeResponse { id, response: Some(response) });
    }
}

/// What the server says by itself, as it goes over the wire.
fn said(workspace: &WorkspaceId, event: Event, now: Timestamp) -> Option<v1::ExchangeResponse> {
    let workspace = workspace.to_string();
    let response = match event {
        Event::Revoked { limit, window, until } if until > now => Response::Revocation(v1::Revocation {
            workspace,
            limit: limit.to_string(),
            window_start_time: Some(timestamp(window.start.earliest)),
            window_end_time: Some(timestamp(window.end.latest)),
            retry_after: Some(duration(until.since(now))),
        }),
        Event::Revoked { .. } => return None,
        Event::LimitChanged { limit, permits, window } => Response::LimitChange(v1::LimitChange {
            workspace,
            limit: limit.to_string(),
            permits: permits.get(),
            window: Some(duration(window)),
            in_force_after: None,
        }),
    };
    Some(v1::ExchangeResponse { id: 0, response: Some(response) })
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").field("in_flight", &self.parked.len()).finish_non_exhaustive()
    }
}
