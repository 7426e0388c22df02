//! The Exchange stream: acquire, settle and cancel without a call for each, answered in any order.
//!
//! A separate task reads requests, whether the client takes answers or not: unread requests would count against the whole connection,
//! until HTTP/2 closes it with every other call on it. So settles and cancels always get through, too many acquires are refused, and
//! a client that takes no answers loses only its stream. At the end of a stream its waiting requests are withdrawn, and leases whose
//! answers were not sent are given back.

mod event;
mod outgoing;
mod pending;

use super::authorize::Identity;
use super::gate::ENDED;
use super::quota::Quota;
use crate::convert::lease::Acquire;
use crate::convert::recent::RecentNames;
use crate::convert::settle::Settle;
use crate::engine::{Acquired, Event};
use crate::status::{Error, Place};
use apportion_core::ids::WorkspaceId;
use apportion_core::time::Span;
use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request;
use foldhash::{HashMap, HashSet};
use futures_util::stream::{FuturesUnordered, SelectAll};
use futures_util::{Stream, StreamExt};
use outgoing::{Outgoing, Requester};
use pending::{AcquireAnswer, StreamAcquire};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::oneshot;
use tokio_stream::wrappers::BroadcastStream;
use tonic::{Status, Streaming};

/// Most workspaces whose events one stream gets.
const WORKSPACES_MAX: usize = 64;
/// Most requests that are read before other tasks get their turn. Their answers are written to the socket together. With as many
/// unsent answers, events wait.
const REQUESTS_PER_TURN: usize = 128;
/// Most answers that wait to be sent. Beyond it the client is not reading, and the stream ends.
const UNSENT_MAX: usize = 8_192;
/// When to retry where too many requests are in flight.
const RETRY_AFTER: Span = Span::from_ms(100);

/// The events of one workspace.
type Events = Pin<Box<dyn Stream<Item = (WorkspaceId, Event)> + Send>>;

/// The state of one stream.
struct StreamState {
    quota: Quota,
    who: Arc<Identity>,
    requests: Option<Streaming<v1::ExchangeRequest>>,
    recent: RecentNames,
    ready: VecDeque<Outgoing>,
    pending: FuturesUnordered<StreamAcquire>,
    cancels: HashMap<u64, oneshot::Sender<()>>,
    subscribed: HashSet<WorkspaceId>,
    events: SelectAll<Events>,
    /// How the stream ends once all ready answers are sent. None while it goes on.
    end: Option<Result<(), Status>>,
    /// Resolves when the credential is no longer valid. None once it has.
    withdrawn: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// The tasks that send answers and read requests.
    sender: Option<Waker>,
    reader: Option<Waker>,
}

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
        let mut state = self.0.lock();
        state.requests = None;
        state.finish(Err(Error::Internal("the stream failed").status(&Place::default())));
    }
}

/// The answers of one stream.
pub struct Answers(Shared);

/// Starts to answer a stream.
pub(super) fn start(quota: Quota, who: Arc<Identity>, requests: Streaming<v1::ExchangeRequest>) -> Answers {
    let (holder, engine) = (Arc::clone(&who), Arc::clone(&quota.engine));
    let withdrawn = async move { holder.ended(|| engine.clock().now()).await };
    let state = StreamState {
        withdrawn: Some(Box::pin(withdrawn)),
        quota,
        who,
        requests: Some(requests),
        recent: RecentNames::default(),
        ready: VecDeque::new(),
        pending: FuturesUnordered::new(),
        cancels: HashMap::default(),
        subscribed: HashSet::default(),
        events: SelectAll::new(),
        end: None,
        sender: None,
        reader: None,
    };
    let shared = Shared(Arc::new(Mutex::new(state)));
    tokio::spawn(Reader(shared.clone()));
    Answers(shared)
}

impl Stream for Answers {
    type Item = Result<v1::ExchangeResponse, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.lock();
        if let Some(outgoing) = state.ready.pop_front() {
            if state.ready.len() + 1 == REQUESTS_PER_TURN {
                wake(&mut state.reader); // there is room for events
            }
            drop(state);
            return Poll::Ready(Some(Ok(outgoing.response())));
        }
        match &mut state.end {
            None => {
                state.sender = Some(context.waker().clone());
                Poll::Pending
            }
            Some(end) => Poll::Ready(std::mem::replace(end, Ok(())).err().map(Err)),
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.requests = None;
        state.finish(Ok(()));
        let quota = state.quota.clone();
        for outgoing in std::mem::take(&mut state.ready) {
            if let Outgoing::Granted { requester, lease, .. } = outgoing {
                quota.engine.unheard(&requester.workspace, (&requester.team, &requester.caller), &lease);
            }
        }
        wake(&mut state.reader);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl StreamState {
    /// Reads requests, and answers those that are decided. Ready when the stream has ended.
    fn poll_work(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.reader = Some(context.waker().clone());
        self.check_credential(context);
        // First: a new pending acquire wakes this task only after it was polled.
        if let Poll::Ready(Err(status)) = self.read(context) {
            self.requests = None;
            self.finish(Err(status));
        }
        while let Poll::Ready(Some(answered)) = self.pending.poll_next_unpin(context) {
            self.cancels.remove(&answered.id);
            self.answer(answered);
        }
        while self.ready.len() < REQUESTS_PER_TURN
            && let Poll::Ready(Some((workspace, event))) = self.events.poll_next_unpin(context)
        {
            let response = event::response(&workspace, event, self.quota.engine.clock().now());
            self.ready.extend(response.map(|response| Outgoing::Other(Box::new(response))));
        }
        if self.ready.len() > UNSENT_MAX {
            let full = full("answers that the client does not take", UNSENT_MAX);
            self.finish(Err(full.status(&Place::default())));
        } else if self.requests.is_none() && self.pending.is_empty() {
            self.finish(Ok(()));
        }
        if !self.ready.is_empty() || self.end.is_some() {
            wake(&mut self.sender);
        }
        if self.end.is_some() && self.requests.is_none() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ends the stream once its credential is no longer valid.
    fn check_credential(&mut self, context: &mut Context<'_>) {
        let is_over = |withdrawn: &mut Pin<Box<dyn Future<Output = ()> + Send>>| {
            self.who.is_withdrawn() || withdrawn.as_mut().poll(context).is_ready()
        };
        if self.withdrawn.as_mut().is_some_and(is_over) {
            self.withdrawn = None;
            self.finish(Err(ENDED.status(&Place::default())));
        }
    }

    /// Withdraws waiting requests and answers nothing more. Ready answers may still be sent.
    fn finish(&mut self, end: Result<(), Status>) {
        if self.end.is_none() {
            self.end = Some(end);
        }
        self.pending.clear();
        self.cancels.clear();
        self.events.clear();
        wake(&mut self.sender);
    }

    /// Reads requests.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        for _ in 0..REQUESTS_PER_TURN {
            let Some(requests) = &mut self.requests else { return Poll::Pending };
            match std::task::ready!(requests.poll_next_unpin(context)) {
                Some(Ok(request)) if self.end.is_none() => self.accept(&request),
                Some(Ok(request)) => self.apply_late(&request),
                Some(Err(status)) => return Poll::Ready(Err(status)),
                None => self.requests = None,
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Handles a request that arrived after the end of the stream, before the client got that end: a settle still counts.
    fn apply_late(&mut self, request: &v1::ExchangeRequest) {
        if let Some(Request::Settle(wire)) = &request.request
            && self.is_authorized()
            && let Ok(settle) = Settle::try_from(wire)
        {
            let _ = self.quota.settle(&self.who, &settle);
        }
    }

    /// Whether the credential is still valid. Reads the clock only where the credential expires.
    fn is_authorized(&self) -> bool {
        let who = &self.who;
        if who.ends() { who.is_valid(self.quota.engine.clock().now()) } else { !who.is_withdrawn() }
    }

    fn accept(&mut self, request: &v1::ExchangeRequest) {
        let id = request.id;
        let malformed =
            |path: &str, problem: &str| crate::convert::field::FieldError::new(path, problem).into();
        let nowhere = Place::default();
        // A cancel has no answer, whatever its id.
        if matches!(request.request, Some(Request::Cancel(_))) {
            return self.cancel(id);
        }
        if !self.is_authorized() {
            return self.refuse(id, &nowhere, ENDED);
        }
        if id == 0 || self.cancels.contains_key(&id) {
            let problem = "must not be 0, nor that of a request in flight";
            return self.refuse(id, &nowhere, malformed("id", problem));
        }
        match &request.request {
            None | Some(Request::Cancel(_)) => {
                self.refuse(id, &nowhere, malformed("request", "one of acquire, settle, cancel must be set"))
            }
            Some(Request::Acquire(wire)) => match Acquire::next(wire, &mut self.recent) {
                Ok(acquire) => self.acquire(id, acquire),
                Err(error) => self.refuse(id, &nowhere, error.under("acquire").into()),
            },
            Some(Request::Settle(wire)) => match Settle::next(wire, &mut self.recent) {
                Ok(settle) => self.settle(id, &settle),
                Err(error) => self.refuse(id, &nowhere, error.under("settle").into()),
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
        let requester = Requester {
            workspace: acquire.workspace.clone(),
            team: acquire.team.clone(),
            caller: acquire.caller.clone(),
        };
        let most = self.quota.bounds.in_flight;
        if self.pending.len() >= most {
            return self.refuse(id, &requester.place(), full("requests of this stream wait", most));
        }
        match self.quota.begin(&self.who, acquire, None) {
            Err(error) => self.refuse(id, &requester.place(), error),
            Ok(acquired) => {
                self.subscribe(&requester.workspace);
                match acquired {
                    Acquired::Granted(lease) => {
                        self.answer(AcquireAnswer { id, requester, answer: Ok(lease) })
                    }
                    Acquired::Waits(waiting) => {
                        let (cancel, cancelled) = oneshot::channel();
                        self.cancels.insert(id, cancel);
                        self.pending.push(StreamAcquire { id, requester, waiting: Some(waiting), cancelled });
                    }
                }
            }
        }
    }

    fn settle(&mut self, id: u64, settle: &Settle) {
        match self.quota.settle(&self.who, settle) {
            Ok(settled) => {
                self.subscribe(&settle.workspace);
                self.ready.push_back(Outgoing::Settled { id, settled });
            }
            Err(error) => {
                let (workspace, team) = (settle.workspace.clone(), settle.team.clone());
                self.refuse(id, &Place { workspace: Some(workspace), team: Some(team) }, error);
            }
        }
    }

    /// From now on the stream gets the events of this workspace.
    fn subscribe(&mut self, workspace: &WorkspaceId) {
        if self.subscribed.contains(workspace) || self.subscribed.len() >= WORKSPACES_MAX {
            return;
        }
        if let Ok(events) = self.quota.engine.events(workspace) {
            let id = workspace.clone();
            // A slow stream misses some: they are hints, and the next answer has the same facts.
            let events = BroadcastStream::new(events).filter_map(move |event| {
                let event = event.ok().map(|event| (id.clone(), event));
                async move { event }
            });
            self.events.push(Box::pin(events));
            self.subscribed.insert(workspace.clone());
        }
    }

    /// Queues the answer to an acquire.
    fn answer(&mut self, AcquireAnswer { id, requester, answer }: AcquireAnswer) {
        match answer {
            Ok(lease) => self.ready.push_back(Outgoing::Granted { id, requester, lease }),
            Err(error) => self.refuse(id, &requester.place(), error),
        }
    }

    fn refuse(&mut self, id: u64, place: &Place, error: Error) {
        self.ready.push_back(Outgoing::refusal(id, place, error));
    }
}

fn full(what: &'static str, most: usize) -> Error {
    Error::ServerFull { what, most: most as u64, retry_after: RETRY_AFTER }
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").field("in_flight", &self.0.lock().pending.len()).finish_non_exhaustive()
    }
}
