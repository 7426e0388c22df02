//! The state of one stream: reads requests, acts on them, and queues answers in the order in which they are decided.

use super::event;
use super::outgoing::{Outgoing, Requester, Requesters};
use super::pending::{AcquireAnswer, StreamAcquire, StreamSettle, settles};
use super::subscriptions::Subscriptions;
use crate::convert::recent::RecentNames;
use crate::engine::{Acquire, LeaseReport};
use crate::error::{Error, FieldError};
use crate::leases::{DecidedLease, Requested, Settling, WaitingRequest};
use crate::service::authorize::Identity;
use crate::service::gate::ENDED;
use crate::service::lease_calls::LeaseCalls;
use crate::status::ErrorScope;
use apportion_core::time::Span;
use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request;
use foldhash::HashMap;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tonic::{Status, Streaming};

/// Most requests that are read before other tasks get their turn. Their answers are written to the socket together. With as many
/// unsent answers, events wait.
const REQUESTS_PER_TURN: usize = 128;
/// Most answers that wait to be sent. Beyond it the client is not reading, and the stream ends.
const UNSENT_MAX: usize = 8_192;
/// When to retry where too many requests are in flight.
const RETRY_AFTER: Span = Span::from_ms(100);

/// The state of one stream.
pub(super) struct StreamState {
    calls: LeaseCalls,
    in_flight_max: usize,
    who: Arc<Identity>,
    requests: Option<Streaming<v1::ExchangeRequest>>,
    recent: RecentNames,
    ready: VecDeque<Outgoing>,
    pending: FuturesUnordered<StreamAcquire>,
    cancels: HashMap<u64, oneshot::Sender<()>>,
    /// Reports that are on their way to the owners of their workspaces.
    settling: FuturesUnordered<StreamSettle>,
    subscriptions: Subscriptions,
    requesters: Requesters,
    /// How the stream ends once all ready answers are sent. None while it goes on.
    end: Option<Result<(), Status>>,
    /// Resolves when the credential is no longer valid. None once it has.
    withdrawn: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// The tasks that send answers and read requests.
    sender: Option<Waker>,
    reader: Option<Waker>,
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl StreamState {
    pub(super) fn new(
        calls: LeaseCalls,
        in_flight_max: usize,
        who: Arc<Identity>,
        requests: Streaming<v1::ExchangeRequest>,
    ) -> Self {
        let (holder, leases) = (Arc::clone(&who), calls.leases.clone());
        let withdrawn = async move { holder.ended(|| leases.clock().now()).await };
        Self {
            withdrawn: Some(Box::pin(withdrawn)),
            calls,
            in_flight_max,
            who,
            requests: Some(requests),
            recent: RecentNames::default(),
            ready: VecDeque::new(),
            pending: FuturesUnordered::new(),
            cancels: HashMap::default(),
            settling: FuturesUnordered::new(),
            subscriptions: Subscriptions::default(),
            requesters: Requesters::default(),
            end: None,
            sender: None,
            reader: None,
        }
    }

    /// Moves answers that are ready into `taken`, which is empty. Ready without one, with the end of the stream, once all are sent.
    pub(super) fn poll_answers(
        &mut self,
        context: &mut Context<'_>,
        taken: &mut VecDeque<Outgoing>,
    ) -> Poll<Option<Result<(), Status>>> {
        if self.ready.is_empty() {
            if let Some(end) = &mut self.end {
                return Poll::Ready(Some(std::mem::replace(end, Ok(()))));
            }
            self.sender = Some(context.waker().clone());
            return Poll::Pending;
        }
        if self.ready.len() >= REQUESTS_PER_TURN {
            wake(&mut self.reader); // there is room for events now
        }
        if self.ready.len() <= REQUESTS_PER_TURN {
            std::mem::swap(&mut self.ready, taken);
        } else {
            taken.extend(self.ready.drain(..REQUESTS_PER_TURN));
        }
        Poll::Ready(None)
    }

    /// The sender is gone: ends the stream, and gives back leases whose answers were not sent, those that the sender had taken
    /// among them.
    pub(super) fn close_sender(&mut self, taken: VecDeque<Outgoing>) {
        self.end_with(Ok(()));
        for outgoing in taken.into_iter().chain(std::mem::take(&mut self.ready)) {
            if let Outgoing::Granted { requester, lease, .. } = outgoing {
                let by = (&requester.team, &requester.caller);
                self.calls.leases.reclaim(&requester.workspace, by, &lease);
            }
        }
        wake(&mut self.reader);
    }

    /// Reads nothing more, and ends the stream.
    pub(super) fn end_with(&mut self, end: Result<(), Status>) {
        self.requests = None;
        self.finish(end);
    }

    /// How many acquires wait.
    pub(super) fn in_flight(&self) -> usize {
        self.pending.len()
    }

    /// Reads requests, and answers those that are decided. Ready when the stream has ended.
    pub(super) fn poll_work(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.reader = Some(context.waker().clone());
        self.check_credential(context);
        // First: a new pending acquire wakes this task only after it was polled.
        if let Poll::Ready(Err(status)) = self.read(context) {
            self.end_with(Err(status));
        }
        while let Poll::Ready(Some(answered)) = self.pending.poll_next_unpin(context) {
            self.cancels.remove(&answered.id);
            self.answer(answered);
        }
        while let Poll::Ready(Some((id, requester, settled))) = self.settling.poll_next_unpin(context) {
            self.settled(id, &requester, settled);
        }
        while self.ready.len() < REQUESTS_PER_TURN
            && let Poll::Ready(Some((workspace, event))) = self.subscriptions.poll_next(context)
        {
            let response = event::seen(&workspace, event, self.calls.leases.clock().now());
            self.ready.extend(response.map(|response| Outgoing::Other(Box::new(response))));
        }
        if self.ready.len() > UNSENT_MAX {
            let full = full("answers that the client does not take", UNSENT_MAX);
            self.finish(Err(full.status(&ErrorScope::default())));
        } else if self.requests.is_none() && self.pending.is_empty() && self.settling.is_empty() {
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
            self.finish(Err(ENDED.status(&ErrorScope::default())));
        }
    }

    /// Withdraws waiting requests and answers nothing more. Ready answers may still be sent.
    fn finish(&mut self, end: Result<(), Status>) {
        if self.end.is_none() {
            self.end = Some(end);
        }
        self.pending.clear();
        self.cancels.clear();
        // A report counts, whether its sender waits for the result or not.
        if let (false, Ok(runtime)) = (self.settling.is_empty(), Handle::try_current()) {
            runtime.spawn(std::mem::take(&mut self.settling).for_each(|_| std::future::ready(())));
        }
        self.subscriptions.clear();
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
            && let Ok(report) = LeaseReport::try_from(&**wire)
            && let Settling::Anywhere(settling) = self.calls.leases.settle(&self.who, &report, wire)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(settling);
        }
    }

    /// Whether the credential is still valid. Reads the clock only where the credential expires.
    fn is_authorized(&self) -> bool {
        let who = &self.who;
        if who.expires() { who.is_valid(self.calls.leases.clock().now()) } else { !who.is_withdrawn() }
    }

    fn accept(&mut self, request: &v1::ExchangeRequest) {
        let id = request.id;
        let malformed = |path: &str, problem: &str| FieldError::new(path, problem).into();
        let unscoped = ErrorScope::default();
        // A cancel has no answer, whatever its id.
        if matches!(request.request, Some(Request::Cancel(_))) {
            return self.cancel(id);
        }
        if !self.is_authorized() {
            return self.refuse(id, &unscoped, ENDED);
        }
        if id == 0 || self.cancels.contains_key(&id) {
            let problem = "must not be 0, nor that of a request in flight";
            return self.refuse(id, &unscoped, malformed("id", problem));
        }
        match &request.request {
            None | Some(Request::Cancel(_)) => {
                self.refuse(id, &unscoped, malformed("request", "one of acquire, settle, cancel must be set"))
            }
            Some(Request::Acquire(wire)) => match Acquire::next(wire, &mut self.recent) {
                Ok(acquire) => self.acquire(id, acquire),
                Err(error) => self.refuse(id, &unscoped, error.under("acquire").into()),
            },
            Some(Request::Settle(wire)) => match LeaseReport::next(wire, &mut self.recent) {
                Ok(report) => self.settle(id, &report, wire),
                Err(error) => self.refuse(id, &unscoped, error.under("settle").into()),
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
        let requester = self.requesters.of(&acquire.workspace, &acquire.team, &acquire.caller);
        let most = self.in_flight_max;
        if self.pending.len() >= most {
            return self.refuse(id, &requester.scope(), full("requests of this stream wait", most));
        }
        match self.calls.leases.acquire(&self.who, acquire, None) {
            Err(error) => self.refuse(id, &requester.scope(), error),
            Ok(requested) => {
                // Whether its caller may do it, another node knows: then events follow the lease.
                if !matches!(requested, Requested::Waits(WaitingRequest::Anywhere(_))) {
                    self.subscriptions.add(&self.calls.leases, &requester.workspace);
                }
                match requested {
                    Requested::Granted(lease) => {
                        self.answer(AcquireAnswer { id, requester, answer: Ok(lease) })
                    }
                    Requested::Waits(waiting) => {
                        let (cancel, cancelled) = oneshot::channel();
                        self.cancels.insert(id, cancel);
                        self.pending.push(StreamAcquire { id, requester, pending: Some(waiting), cancelled });
                    }
                }
            }
        }
    }

    fn settle(&mut self, id: u64, report: &LeaseReport<'_>, wire: &v1::SettleLeaseRequest) {
        let requester = self.requesters.of(&report.workspace, &report.team, &report.caller);
        match self.calls.leases.settle(&self.who, report, wire) {
            Settling::Done(settled) => self.settled(id, &requester, settled),
            Settling::Anywhere(_) if self.settling.len() >= UNSENT_MAX => {
                self.refuse(
                    id,
                    &requester.scope(),
                    full("reports of this stream are on their way", UNSENT_MAX),
                );
            }
            Settling::Anywhere(settling) => self.settling.push(settles(id, requester, settling)),
        }
    }

    fn settled(&mut self, id: u64, requester: &Requester, settled: Result<v1::Settled, Error>) {
        match settled {
            Ok(settled) => {
                self.subscriptions.add(&self.calls.leases, &requester.workspace);
                self.ready.push_back(Outgoing::Settled { id, settled });
            }
            Err(error) => self.refuse(id, &requester.scope(), error),
        }
    }

    /// Queues the answer to an acquire.
    fn answer(&mut self, AcquireAnswer { id, requester, answer }: AcquireAnswer) {
        match answer {
            Ok(lease) => {
                if matches!(lease, DecidedLease::There(_)) {
                    self.subscriptions.add(&self.calls.leases, &requester.workspace);
                }
                self.ready.push_back(Outgoing::Granted { id, requester, lease });
            }
            Err(error) => self.refuse(id, &requester.scope(), error),
        }
    }

    fn refuse(&mut self, id: u64, scope: &ErrorScope, error: Error) {
        self.ready.push_back(Outgoing::refusal(id, scope, error));
    }
}

fn full(what: &'static str, most: usize) -> Error {
    Error::ServerFull { what, most: most as u64, retry_after: RETRY_AFTER }
}
