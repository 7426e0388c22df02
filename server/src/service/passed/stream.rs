//! One stream of another node: reads its calls, and answers each when it is decided. A call that waits holds up no other.

use super::asserted::Callers;
use super::waiting::{Decided, PassedSubject, WaitingCall};
use crate::convert::recent::RecentNames;
use crate::engine::{Acquire, LeaseReport};
use crate::error::{Error, FieldError};
use crate::leases::{
    Cluster, DecidedLease, Events, Journey, LeaseRouter, Requested, SeenEvent, Settling, is_not_owner,
    wire_refusal,
};
use crate::service::authorize::Identity;
use crate::service::exchange::event;
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_core::time::Span;
use apportion_proto::peer_v1::pass_calls_request::Call;
use apportion_proto::peer_v1::pass_calls_response::Response;
use apportion_proto::peer_v1::{PassCallsRequest, PassCallsResponse, UndeliveredLease};
use apportion_proto::{peer_v1, v1};
use foldhash::{HashMap, HashSet};
use futures_util::stream::{FuturesUnordered, SelectAll};
use futures_util::{Stream, StreamExt};
use prost::bytes::Bytes;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use tonic::Status;

/// Most calls of one stream that wait. The sender keeps to it.
const WAITING_MAX: usize = crate::peer::IN_FLIGHT_MAX;
/// Most workspaces whose events one stream gets.
const SUBSCRIPTIONS_MAX: usize = crate::peer::SUBSCRIPTIONS_MAX;
/// Most messages that are read before their answers are sent.
const READ_AT_ONCE: usize = 256;
/// When to retry where too many calls wait.
const RETRY_AFTER: Span = Span::from_ms(100);

/// An answer that is not sent yet.
enum Ready {
    /// A lease, which is given back if it is never sent.
    Lease(PassedSubject, DecidedLease),
    /// Anything else.
    Other(Box<PassCallsResponse>),
}

/// The events of a workspace.
type PassedEvents = Pin<Box<dyn Stream<Item = (WorkspaceId, SeenEvent)> + Send>>;

/// The calls of one stream, and their answers.
pub(crate) struct PassedCalls<S> {
    leases: LeaseRouter,
    cluster: Arc<Cluster>,
    requests: S,
    callers: Callers,
    recent: RecentNames,
    ready: VecDeque<Ready>,
    waiting: FuturesUnordered<WaitingCall>,
    cancels: HashMap<u64, oneshot::Sender<()>>,
    subscribed: HashSet<WorkspaceId>,
    events: SelectAll<PassedEvents>,
}

impl<S> PassedCalls<S> {
    pub(super) fn new(leases: LeaseRouter, cluster: Arc<Cluster>, requests: S) -> Self {
        Self {
            leases,
            cluster,
            requests,
            callers: Callers::default(),
            recent: RecentNames::default(),
            ready: VecDeque::new(),
            waiting: FuturesUnordered::new(),
            cancels: HashMap::default(),
            subscribed: HashSet::default(),
            events: SelectAll::new(),
        }
    }

    fn accept(&mut self, message: PassCallsRequest) {
        let PassCallsRequest { id, journey, caller, longest_wait_ns, call } = message;
        match call {
            Some(Call::Cancel(_)) => {
                if let Some(cancel) = self.cancels.remove(&id) {
                    let _ = cancel.send(());
                }
            }
            Some(Call::Undelivered(undelivered)) => self.give_back(&undelivered),
            Some(Call::Subscription(subscription)) => self.subscribe(&subscription.workspace),
            // Without a number nobody could tell the answer from an event.
            _ if id == 0 => {}
            None => self.refuse(id, FieldError::missing("call").into()),
            Some(Call::Acquire(wire)) => {
                let Some((journey, who)) = self.origin(id, journey.as_ref(), &caller) else { return };
                match Acquire::next(&wire, &mut self.recent) {
                    Ok(acquire) => {
                        self.acquire(id, journey, &who, acquire, longest_wait_ns.map(Span::from_ns))
                    }
                    Err(error) => self.refuse(id, error.into()),
                }
            }
            Some(Call::Settle(wire)) => {
                let Some((journey, who)) = self.origin(id, journey.as_ref(), &caller) else { return };
                match LeaseReport::next(&wire, &mut self.recent) {
                    Ok(report) => self.settle(id, journey, &who, &report, &wire),
                    Err(error) => self.refuse(id, error.into()),
                }
            }
        }
    }

    /// Where a call comes from. One that does not say is refused.
    fn origin(
        &mut self,
        id: u64,
        journey: Option<&peer_v1::Journey>,
        caller: &Bytes,
    ) -> Option<(Journey, Arc<Identity>)> {
        let Some(journey) = Journey::read(journey) else {
            self.refuse(id, FieldError::new("journey", "must have 1 or 2 hops").into());
            return None;
        };
        let Some(who) = self.callers.read(caller) else {
            self.refuse(id, FieldError::new("caller", "is malformed").into());
            return None;
        };
        Some((journey, who))
    }

    fn acquire(
        &mut self,
        id: u64,
        journey: Journey,
        who: &Arc<Identity>,
        acquire: Acquire,
        longest_wait: Option<Span>,
    ) {
        if self.waiting.len() >= WAITING_MAX || self.cancels.contains_key(&id) {
            return self.refuse(id, full());
        }
        let (workspace, team, caller) =
            (acquire.workspace.clone(), acquire.team.clone(), acquire.caller.clone());
        let subject = PassedSubject { id, workspace, team, caller };
        match self.leases.acquire_in(&self.cluster, who, acquire, longest_wait, journey) {
            Ok(Requested::Granted(lease)) => self.ready.push_back(Ready::Lease(subject, lease)),
            Ok(Requested::Waits(waiting)) => {
                let (cancel, cancelled) = oneshot::channel();
                self.cancels.insert(id, cancel);
                self.waiting.push(WaitingCall::lease(subject, waiting, cancelled));
            }
            Err(error) => self.fail(&subject, &error),
        }
    }

    fn settle(
        &mut self,
        id: u64,
        journey: Journey,
        who: &Arc<Identity>,
        report: &LeaseReport<'_>,
        wire: &v1::SettleLeaseRequest,
    ) {
        let (workspace, team, caller) =
            (report.workspace.clone(), report.team.clone(), report.caller.clone());
        let subject = PassedSubject { id, workspace, team, caller };
        match self.leases.settle_in(&self.cluster, who, report, wire, journey) {
            Settling::Done(result) => self.decided(subject, Decided::Settled(result)),
            settling if self.waiting.len() < WAITING_MAX => {
                self.waiting.push(WaitingCall::settled(subject, settling));
            }
            Settling::Anywhere(_) => self.refuse(id, full()),
        }
    }

    fn decided(&mut self, subject: PassedSubject, decided: Decided) {
        match decided {
            Decided::Lease(Ok(lease)) => self.ready.push_back(Ready::Lease(subject, lease)),
            Decided::Settled(Ok(settled)) => self.push(subject.id, Response::Settled(settled)),
            Decided::Lease(Err(error)) | Decided::Settled(Err(error)) => self.fail(&subject, &error),
        }
    }

    /// Answers that a call failed, or that this node does not own its shard.
    fn fail(&mut self, subject: &PassedSubject, error: &Error) {
        let response = if is_not_owner(error) {
            Response::NotOwner(self.leases.shard_owner(&subject.workspace))
        } else {
            Response::Refusal(wire_refusal(error))
        };
        self.push(subject.id, response);
    }

    fn refuse(&mut self, id: u64, error: Error) {
        self.push(id, Response::Refusal(wire_refusal(&error)));
    }

    fn push(&mut self, id: u64, response: Response) {
        let response = PassCallsResponse { id, owner: None, response: Some(response) };
        self.ready.push_back(Ready::Other(Box::new(response)));
    }

    fn give_back(&self, undelivered: &UndeliveredLease) {
        let UndeliveredLease { workspace, team, caller, lease_id } = undelivered;
        if let (Ok(workspace), Ok(team), Ok(caller)) =
            (WorkspaceId::new(workspace), TeamId::new(team), CallerId::new(caller))
        {
            self.leases.reclaim_named(&workspace, (&team, &caller), lease_id);
        }
    }

    fn subscribe(&mut self, workspace: &str) {
        let Ok(workspace) = WorkspaceId::new(workspace) else { return };
        if self.subscribed.contains(&workspace) || self.subscribed.len() >= SUBSCRIPTIONS_MAX {
            return;
        }
        let events: Option<Events> = self.leases.events_here(&workspace);
        if let Some(events) = events {
            let id = workspace.clone();
            self.events.push(Box::pin(events.map(move |event| (id.clone(), event))));
            self.subscribed.insert(workspace);
        }
    }

    fn happened(&mut self, workspace: &WorkspaceId, event: SeenEvent) {
        let SeenEvent::Here(event) = event else { return };
        let response = event::response(workspace, event, self.leases.clock().now());
        let response = response.and_then(|response| response.response);
        match response {
            Some(v1::exchange_response::Response::Revocation(event)) => {
                self.push(0, Response::Revocation(event))
            }
            Some(v1::exchange_response::Response::LimitChange(event)) => {
                self.push(0, Response::LimitChange(event));
            }
            _ => {}
        }
    }

    /// The message of an answer.
    fn message(&self, ready: Ready) -> PassCallsResponse {
        match ready {
            Ready::Other(response) => *response,
            Ready::Lease(PassedSubject { id, workspace, .. }, lease) => {
                let is_of_other = matches!(lease, DecidedLease::There(_));
                let owner = if is_of_other { self.leases.shard_owner(&workspace).owner } else { None };
                let response = match lease.wire() {
                    Ok(lease) => Response::Granted(lease),
                    Err(error) => Response::Refusal(wire_refusal(&error)),
                };
                PassCallsResponse { id, owner, response: Some(response) }
            }
        }
    }
}

impl<S: Stream<Item = Result<PassCallsRequest, Status>> + Unpin> PassedCalls<S> {
    /// Reads calls, and collects what was decided. Ready when the stream is over.
    fn poll_work(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        for read in 1.. {
            match self.requests.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(message))) => self.accept(message),
                Poll::Ready(Some(Err(status))) => return Poll::Ready(Err(status)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => break,
            }
            if read == READ_AT_ONCE {
                context.waker().wake_by_ref();
                break;
            }
        }
        while let Poll::Ready(Some((subject, decided))) = self.waiting.poll_next_unpin(context) {
            self.cancels.remove(&subject.id);
            self.decided(subject, decided);
        }
        while self.ready.len() < READ_AT_ONCE
            && let Poll::Ready(Some((workspace, event))) = self.events.poll_next_unpin(context)
        {
            self.happened(&workspace, event);
        }
        Poll::Pending
    }
}

impl<S: Stream<Item = Result<PassCallsRequest, Status>> + Unpin> Stream for PassedCalls<S> {
    type Item = Result<PassCallsResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ready.is_empty()
            && let Poll::Ready(end) = self.poll_work(context)
        {
            return Poll::Ready(end.err().map(Err));
        }
        match self.ready.pop_front() {
            Some(ready) => Poll::Ready(Some(Ok(self.message(ready)))),
            None => Poll::Pending,
        }
    }
}

impl<S> Drop for PassedCalls<S> {
    fn drop(&mut self) {
        for ready in std::mem::take(&mut self.ready) {
            if let Ready::Lease(PassedSubject { workspace, team, caller, .. }, lease) = ready {
                self.leases.reclaim(&workspace, (&team, &caller), &lease);
            }
        }
    }
}

fn full() -> Error {
    Error::ServerFull {
        what: "calls of another node wait",
        most: WAITING_MAX as u64,
        retry_after: RETRY_AFTER,
    }
}
