//! One stream to one node: the calls that are in flight on it, and the messages that wait to be sent.
//!
//! Both are bounded, and no workspace may take all of it. A call that is given up is cancelled at the other end, and a lease that
//! comes for it all the same is given back.

use super::call::{CallSubject, PeerReply};
use super::connect::PeerTls;
use crate::error::Error;
use apportion_core::ids::WorkspaceId;
use apportion_core::time::Span;
use apportion_proto::peer_v1::{EventSubscription, PassCallsRequest, PassCallsResponse, PassedCancel};
use apportion_proto::peer_v1::{pass_calls_request as request, pass_calls_response as response};
use apportion_proto::v1::exchange_response::Response as ClientEvent;
use foldhash::HashMap;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, oneshot};
use tokio_util::sync::CancellationToken;

/// Most calls in flight on one stream.
pub(crate) const IN_FLIGHT_MAX: usize = 65_536;
/// Most of them that are about one workspace.
pub(crate) const IN_FLIGHT_PER_WORKSPACE_MAX: usize = 16_384;
/// Most messages that wait to be sent. Beyond it the other end is not reading, and the stream is given up.
const UNSENT_MAX: usize = 2 * IN_FLIGHT_MAX;
/// Most workspaces whose events come over one stream, and the events of one that may wait to be read.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 4_096;
const EVENTS_KEPT: usize = 16;
/// When to retry where too many calls are in flight.
const RETRY_AFTER: Span = Span::from_ms(100);
/// How long a stream that could not be opened stays closed.
const CLOSED_FOR: Duration = Duration::from_millis(50);

/// One stream to one node.
pub(crate) struct PeerLink {
    pub(super) address: String,
    pub(super) tls: Option<Arc<PeerTls>>,
    /// Cancelled when the server stops.
    pub(super) halt: CancellationToken,
    /// Starts the task of a generation of the stream.
    open: fn(Arc<Self>, u64),
    state: Mutex<LinkState>,
}

#[derive(Default)]
struct LinkState {
    in_flight: HashMap<u64, Passage>,
    of_workspace: HashMap<WorkspaceId, usize>,
    events: HashMap<WorkspaceId, broadcast::Sender<ClientEvent>>,
    unsent: VecDeque<PassCallsRequest>,
    /// The task that sends.
    sender: Option<Waker>,
    last_id: u64,
    /// Which of the connections that there have been is in use.
    generation: u64,
    is_open: bool,
    failed_at: Option<Instant>,
}

/// A call in flight. Its receiver is none once it was given up.
struct Passage {
    subject: CallSubject,
    reply: Option<oneshot::Sender<PeerReply>>,
}

impl LinkState {
    fn push(&mut self, message: PassCallsRequest) {
        self.unsent.push_back(message);
        if let Some(sender) = self.sender.take() {
            sender.wake();
        }
    }

    /// Takes a call out that is over.
    fn finish(&mut self, id: u64) -> Option<Passage> {
        let passage = self.in_flight.remove(&id)?;
        if let Some(count) = self.of_workspace.get_mut(&passage.subject.workspace) {
            *count -= 1;
            if *count == 0 {
                self.of_workspace.remove(&passage.subject.workspace);
            }
        }
        Some(passage)
    }

    /// Gives up every call that `is_given_up` picks, in the order in which they were made: they are made again in this order.
    fn give_up(&mut self, reply: fn() -> PeerReply, is_given_up: impl Fn(&CallSubject) -> bool) -> Vec<u64> {
        let picked = self.in_flight.iter().filter(|(_, passage)| is_given_up(&passage.subject));
        let mut ids: Vec<u64> = picked.map(|(&id, _)| id).collect();
        ids.sort_unstable();
        for id in &ids {
            if let Some(waiting) = self.in_flight.get_mut(id).and_then(|passage| passage.reply.take()) {
                let _ = waiting.send(reply());
            }
        }
        ids
    }

    /// An event has come.
    fn hand_out(&mut self, event: Option<response::Response>) {
        let (workspace, event) = match event {
            Some(response::Response::Revocation(event)) => {
                (event.workspace.clone(), ClientEvent::Revocation(event))
            }
            Some(response::Response::LimitChange(event)) => {
                (event.workspace.clone(), ClientEvent::LimitChange(event))
            }
            _ => return,
        };
        let events = WorkspaceId::new(&workspace).ok().and_then(|workspace| self.events.get(&workspace));
        if let Some(events) = events {
            let _ = events.send(event); // nobody may be left to read it
        }
    }

    /// Closes the stream: whatever is in flight is lost.
    fn close(&mut self) {
        self.give_up(|| PeerReply::Lost, |_| true);
        let last_id = self.last_id;
        let generation = self.generation + 1;
        self.sender.take().inspect(Waker::wake_by_ref);
        *self = Self { last_id, generation, failed_at: Some(Instant::now()), ..Self::default() };
    }
}

impl PeerLink {
    pub(super) fn new(
        address: String,
        tls: Option<Arc<PeerTls>>,
        halt: CancellationToken,
        open: fn(Arc<Self>, u64),
    ) -> Arc<Self> {
        Arc::new(Self { address, tls, halt, open, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a call. Opens the stream where there is none. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::ServerFull`] where too many calls are in flight.
    pub(crate) fn send(
        self: &Arc<Self>,
        subject: CallSubject,
        mut message: PassCallsRequest,
    ) -> Result<PassedCall, Error> {
        let (reply, receiver) = oneshot::channel();
        let mut state = self.lock();
        if !state.is_open && state.failed_at.is_some_and(|at| at.elapsed() < CLOSED_FOR) {
            let _ = reply.send(PeerReply::Lost);
            return Ok(PassedCall { link: Arc::clone(self), id: 0, subject, reply: Some(receiver) });
        }
        if state.in_flight.len() >= IN_FLIGHT_MAX || state.unsent.len() >= UNSENT_MAX / 2 {
            return Err(full("calls to another node", IN_FLIGHT_MAX));
        }
        let count = state.of_workspace.entry(subject.workspace.clone()).or_default();
        if *count >= IN_FLIGHT_PER_WORKSPACE_MAX {
            return Err(full("calls of one workspace to another node", IN_FLIGHT_PER_WORKSPACE_MAX));
        }
        *count += 1;
        state.last_id += 1;
        let id = state.last_id;
        message.id = id;
        state.in_flight.insert(id, Passage { subject: subject.clone(), reply: Some(reply) });
        self.push_open(&mut state, message);
        drop(state);
        Ok(PassedCall { link: Arc::clone(self), id, subject, reply: Some(receiver) })
    }

    /// Queues a message, and opens the stream where there is none.
    fn push_open(self: &Arc<Self>, state: &mut LinkState, message: PassCallsRequest) {
        state.push(message);
        if !state.is_open {
            state.is_open = true;
            (self.open)(Arc::clone(self), state.generation);
        }
    }

    /// The events of a workspace from now on, until the stream is lost; none where too many are asked for, or the stream was just lost.
    /// Must be called inside a tokio runtime.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        workspace: &WorkspaceId,
    ) -> Option<broadcast::Receiver<ClientEvent>> {
        let mut state = self.lock();
        if let Some(events) = state.events.get(workspace) {
            return Some(events.subscribe());
        }
        let is_closed = !state.is_open && state.failed_at.is_some_and(|at| at.elapsed() < CLOSED_FOR);
        if is_closed || state.events.len() >= SUBSCRIPTIONS_MAX {
            return None;
        }
        let (sender, receiver) = broadcast::channel(EVENTS_KEPT);
        state.events.insert(workspace.clone(), sender);
        let call = request::Call::Subscription(EventSubscription { workspace: workspace.to_string() });
        let message = PassCallsRequest { call: Some(call), ..PassCallsRequest::default() };
        self.push_open(&mut state, message);
        Some(receiver)
    }

    /// Sends a message that has no answer. It is dropped where there is no stream, or no room.
    pub(super) fn tell(&self, message: PassCallsRequest) {
        let mut state = self.lock();
        if !state.is_open {
            return;
        }
        if state.unsent.len() >= UNSENT_MAX {
            return state.close();
        }
        state.push(message);
    }

    /// Gives back a lease whose answer reached nobody.
    pub(crate) fn give_back(&self, subject: &CallSubject, lease_id: &str) {
        self.tell(subject.undelivered(lease_id));
    }

    /// The next message to be sent in this generation of the stream; none once it is over.
    pub(super) fn poll_unsent(
        &self,
        generation: u64,
        context: &mut Context<'_>,
    ) -> Poll<Option<PassCallsRequest>> {
        let mut state = self.lock();
        if state.generation != generation {
            return Poll::Ready(None);
        }
        if let Some(message) = state.unsent.pop_front() {
            return Poll::Ready(Some(message));
        }
        state.sender = Some(context.waker().clone());
        Poll::Pending
    }

    /// An answer has come.
    pub(super) fn answered(&self, answer: PassCallsResponse) {
        let mut state = self.lock();
        if answer.id == 0 {
            return state.hand_out(answer.response);
        }
        let Some(passage) = state.finish(answer.id) else { return };
        match passage.reply {
            Some(reply) => {
                drop(state);
                let answered = PeerReply::Answered(Box::new(answer));
                if let Err(PeerReply::Answered(answer)) = reply.send(answered)
                    && let Some(message) = passage.subject.give_back(&answer)
                {
                    self.tell(message);
                }
            }
            None => {
                if let Some(message) = passage.subject.give_back(&answer) {
                    state.push(message);
                }
            }
        }
    }

    /// This generation of the stream is over.
    pub(super) fn lost(&self, generation: u64) {
        let mut state = self.lock();
        if state.generation == generation {
            state.close();
        }
    }

    /// Gives up the calls of shards that `has_moved` says have another owner. They are cancelled here.
    pub(crate) fn give_up(&self, has_moved: impl Fn(u16) -> bool) {
        let mut state = self.lock();
        for id in state.give_up(|| PeerReply::Moved, |subject| has_moved(subject.shard)) {
            state.push(cancel(id));
        }
    }

    /// The caller of a call has gone.
    fn abandon(&self, id: u64) {
        let mut state = self.lock();
        let Some(passage) = state.in_flight.get_mut(&id) else { return };
        passage.reply = None;
        if state.unsent.len() >= UNSENT_MAX {
            return state.close();
        }
        state.push(cancel(id));
    }
}

impl std::fmt::Debug for PeerLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerLink").field("address", &self.address).finish_non_exhaustive()
    }
}

fn cancel(id: u64) -> PassCallsRequest {
    PassCallsRequest { id, call: Some(request::Call::Cancel(PassedCancel {})), ..PassCallsRequest::default() }
}

fn full(what: &'static str, most: usize) -> Error {
    Error::ServerFull { what, most: most as u64, retry_after: RETRY_AFTER }
}

/// A call in flight. Dropped before its answer was seen, it is cancelled, or its lease given back.
#[derive(Debug)]
pub(crate) struct PassedCall {
    link: Arc<PeerLink>,
    id: u64,
    subject: CallSubject,
    /// None once the reply was taken.
    reply: Option<oneshot::Receiver<PeerReply>>,
}

impl Future for PassedCall {
    type Output = PeerReply;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<PeerReply> {
        let Some(reply) = &mut self.reply else { return Poll::Ready(PeerReply::Lost) };
        let reply = ready!(Pin::new(reply).poll(context));
        self.reply = None;
        Poll::Ready(reply.unwrap_or(PeerReply::Lost))
    }
}

impl Drop for PassedCall {
    fn drop(&mut self) {
        let Some(mut reply) = self.reply.take() else { return };
        reply.close();
        match reply.try_recv() {
            Ok(PeerReply::Answered(answer)) => {
                if let Some(message) = self.subject.give_back(&answer) {
                    self.link.tell(message);
                }
            }
            Ok(PeerReply::Lost | PeerReply::Moved) => {}
            Err(_) => self.link.abandon(self.id),
        }
    }
}
