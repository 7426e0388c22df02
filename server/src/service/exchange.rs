//! The stream: acquire, settle and cancel without a call for each, answered in any order.
//!
//! A task of its own reads requests, whether answers are taken or not: what is not read would count against the whole connection,
//! until HTTP/2 closes it with every other call on it. So settles and cancels always get through, too many acquires are refused, and
//! a client that takes no answers loses its stream alone. The stream's end drops what waits, which withdraws it, and gives
//! back leases whose answers were not sent.

use super::authorize::Identity;
use super::gate::ENDED;
use super::quota::{Quota, error, granted};
use crate::convert::lease::Acquire;
use crate::convert::settle::Settle;
use crate::convert::time::{duration, timestamp};
use crate::engine::{Acquired, Event, Granted, Waiting};
use crate::status::{Error, Place};
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request;
use apportion_proto::v1::exchange_response::Response;
use foldhash::{HashMap, HashSet};
use futures_util::stream::{FuturesUnordered, SelectAll};
use futures_util::{Stream, StreamExt};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::oneshot;
use tokio_stream::wrappers::BroadcastStream;
use tonic::{Status, Streaming};

/// Most workspaces of which one stream hears what the server says by itself.
const WORKSPACES_MAX: usize = 64;
/// Most requests that are read before others get their turn. With as many answers not sent, the server says nothing by itself.
const AT_ONCE: usize = 64;
/// Most answers that wait to be sent. Beyond it the client does not take them, and the stream ends.
const UNSENT_MAX: usize = 8_192;
/// When it is of use to ask again where too many requests are in flight.
const RETRY: Span = Span::from_ms(100);

/// Whose request it is.
#[derive(Clone)]
struct Whose {
    workspace: WorkspaceId,
    team: TeamId,
    caller: CallerId,
}

impl Whose {
    fn place(&self) -> Place {
        Place { workspace: Some(self.workspace.clone()), team: Some(self.team.clone()) }
    }
}

/// An acquire that waits, and can be taken back.
struct Parked {
    id: u64,
    whose: Whose,
    waiting: Option<Waiting>,
    cancelled: oneshot::Receiver<()>,
}

/// What became of one.
struct Done {
    id: u64,
    whose: Whose,
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
        Poll::Ready(Done { id: self.id, whose: self.whose.clone(), answer })
    }
}

/// What is heard of one workspace.
type Heard = Pin<Box<dyn Stream<Item = (WorkspaceId, Event)> + Send>>;

/// An answer that was not sent yet, and the lease that goes back if it never is.
struct Unsent {
    response: v1::ExchangeResponse,
    lease: Option<(Whose, Granted)>,
}

/// What one stream consists of.
struct Stage {
    quota: Quota,
    who: Arc<Identity>,
    requests: Option<Streaming<v1::ExchangeRequest>>,
    ready: VecDeque<Unsent>,
    parked: FuturesUnordered<Parked>,
    cancels: HashMap<u64, oneshot::Sender<()>>,
    heard: HashSet<WorkspaceId>,
    events: SelectAll<Heard>,
    /// How the stream ends once what is ready is sent; nothing while it goes on.
    end: Option<Result<(), Status>>,
    /// Comes when the credential is not valid any more; nothing once it came.
    withdrawn: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Who sends answers, and who reads requests.
    sender: Option<Waker>,
    reader: Option<Waker>,
}

/// The stage of a stream, shared by who reads and who sends.
#[derive(Clone)]
struct Shared(Arc<Mutex<Stage>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads requests of one stream until it ends; if that fails half-way, so does the stream.
struct Reader(Shared);

impl Future for Reader {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.lock().work(context)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut stage = self.0.lock();
        stage.requests = None;
        stage.finish(Err(Error::Internal("the stream failed").status(&Place::default())));
    }
}

/// The answers of one stream.
pub(crate) struct Answers(Shared);

/// Starts to answer a stream.
pub(super) fn start(quota: Quota, who: Arc<Identity>, requests: Streaming<v1::ExchangeRequest>) -> Answers {
    let (holder, engine) = (Arc::clone(&who), Arc::clone(&quota.engine));
    let withdrawn = async move { holder.ended(|| engine.clock().now()).await };
    let stage = Stage {
        withdrawn: Some(Box::pin(withdrawn)),
        quota,
        who,
        requests: Some(requests),
        ready: VecDeque::new(),
        parked: FuturesUnordered::new(),
        cancels: HashMap::default(),
        heard: HashSet::default(),
        events: SelectAll::new(),
        end: None,
        sender: None,
        reader: None,
    };
    let shared = Shared(Arc::new(Mutex::new(stage)));
    tokio::spawn(Reader(shared.clone()));
    Answers(shared)
}

impl Stream for Answers {
    type Item = Result<v1::ExchangeResponse, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut stage = self.0.lock();
        if let Some(unsent) = stage.ready.pop_front() {
            if stage.ready.len() + 1 == AT_ONCE {
                wake(&mut stage.reader); // there is room for what the server says by itself
            }
            return Poll::Ready(Some(Ok(unsent.response)));
        }
        match &mut stage.end {
            None => {
                stage.sender = Some(context.waker().clone());
                Poll::Pending
            }
            Some(end) => Poll::Ready(std::mem::replace(end, Ok(())).err().map(Err)),
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        let mut stage = self.0.lock();
        stage.requests = None;
        stage.finish(Ok(()));
        let quota = stage.quota.clone();
        for (whose, granted) in std::mem::take(&mut stage.ready).into_iter().filter_map(|unsent| unsent.lease)
        {
            quota.engine.unheard(&whose.workspace, (&whose.team, &whose.caller), &granted);
        }
        wake(&mut stage.reader);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl Stage {
    /// Does all that can be done now: reads, and answers what was decided. Ready when the stream has ended.
    fn work(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.reader = Some(context.waker().clone());
        self.look_at_the_credential(context);
        // First, since what it adds wakes nobody before it is polled.
        if let Poll::Ready(Err(status)) = self.read(context) {
            self.requests = None;
            self.finish(Err(status));
        }
        while let Poll::Ready(Some(done)) = self.parked.poll_next_unpin(context) {
            self.cancels.remove(&done.id);
            self.decided(done);
        }
        while self.ready.len() < AT_ONCE
            && let Poll::Ready(Some((workspace, event))) = self.events.poll_next_unpin(context)
        {
            let response = said(&workspace, event, self.quota.engine.clock().now());
            self.ready.extend(response.map(|response| Unsent { response, lease: None }));
        }
        if self.ready.len() > UNSENT_MAX {
            let full = full("answers that the client does not take", UNSENT_MAX);
            self.finish(Err(full.status(&Place::default())));
        } else if self.requests.is_none() && self.parked.is_empty() {
            self.finish(Ok(()));
        }
        if !self.ready.is_empty() || self.end.is_some() {
            wake(&mut self.sender);
        }
        if self.end.is_some() && self.requests.is_none() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ends the stream once its credential is not valid any more.
    fn look_at_the_credential(&mut self, context: &mut Context<'_>) {
        let is_over = |withdrawn: &mut Pin<Box<dyn Future<Output = ()> + Send>>| {
            self.who.is_withdrawn() || withdrawn.as_mut().poll(context).is_ready()
        };
        if self.withdrawn.as_mut().is_some_and(is_over) {
            self.withdrawn = None;
            self.finish(Err(ENDED.status(&Place::default())));
        }
    }

    /// What waits is withdrawn, and nothing more is answered. What is ready may still be sent.
    fn finish(&mut self, end: Result<(), Status>) {
        if self.end.is_none() {
            self.end = Some(end);
        }
        self.parked.clear();
        self.cancels.clear();
        self.events.clear();
        wake(&mut self.sender);
    }

    /// Reads requests.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        for _ in 0..AT_ONCE {
            let Some(requests) = &mut self.requests else { return Poll::Pending };
            match std::task::ready!(requests.poll_next_unpin(context)) {
                Some(Ok(request)) if self.end.is_none() => self.take(request),
                Some(Ok(request)) => self.take_silently(request),
                Some(Err(status)) => return Poll::Ready(Err(status)),
                None => self.requests = None,
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// A request on a stream that has ended, and whose client has not taken the end yet. It is read all the same, and a settle counts.
    fn take_silently(&mut self, request: v1::ExchangeRequest) {
        if let Some(Request::Settle(wire)) = request.request
            && self.who.is_valid(self.quota.engine.clock().now())
            && let Ok(settle) = Settle::try_from(&wire)
        {
            let _ = self.quota.settle(&self.who, &settle);
        }
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
        let whose = Whose {
            workspace: acquire.workspace.clone(),
            team: acquire.team.clone(),
            caller: acquire.caller.clone(),
        };
        let most = self.quota.bounds.in_flight;
        if self.parked.len() >= most {
            return self.answer(id, &whose.place(), Err(full("requests of this stream wait", most)));
        }
        match self.quota.begin(&self.who, acquire, None) {
            Err(error) => self.answer(id, &whose.place(), Err(error)),
            Ok(acquired) => {
                self.hear(Some(&whose.workspace));
                match acquired {
                    Acquired::Granted(lease) => self.decided(Done { id, whose, answer: Ok(lease) }),
                    Acquired::Waits(waiting) => {
                        let (cancel, cancelled) = oneshot::channel();
                        self.cancels.insert(id, cancel);
                        self.parked.push(Parked { id, whose, waiting: Some(waiting), cancelled });
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

    /// An acquire was decided on.
    fn decided(&mut self, Done { id, whose, answer }: Done) {
        match answer.and_then(|lease| Ok((granted(&lease)?, lease))) {
            Ok((wire, lease)) => {
                let response = v1::ExchangeResponse { id, response: Some(Response::Granted(wire)) };
                self.ready.push_back(Unsent { response, lease: Some((whose, lease)) });
            }
            Err(error) => self.answer(id, &whose.place(), Err(error)),
        }
    }

    fn answer(&mut self, id: u64, place: &Place, answer: Result<Response, Error>) {
        let response = answer.unwrap_or_else(|error| Response::Refusal(error.failure(place).refusal()));
        let response = v1::ExchangeResponse { id, response: Some(response) };
        self.ready.push_back(Unsent { response, lease: None });
    }
}

fn full(what: &'static str, most: usize) -> Error {
    Error::ServerFull { what, most: most as u64, retry_after: RETRY }
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
        f.debug_struct("Answers").field("in_flight", &self.0.lock().parked.len()).finish_non_exhaustive()
    }
}
