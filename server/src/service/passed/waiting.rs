//! A call of another node that waits for its answer.

use crate::error::Error;
use crate::leases::{DecidedLease, Settling, WaitingRequest};
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_proto::v1;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// What a call of another node is about.
#[derive(Clone, Debug)]
pub(super) struct PassedSubject {
    pub(super) id: u64,
    pub(super) workspace: WorkspaceId,
    pub(super) team: TeamId,
    pub(super) caller: CallerId,
}

/// What a call came to.
pub(super) enum Decided {
    Lease(Result<DecidedLease, Error>),
    Settled(Result<v1::Settled, Error>),
}

/// What a call waits for.
enum Waits {
    Lease { waiting: WaitingRequest, cancelled: oneshot::Receiver<()> },
    Settled(Pin<Box<dyn Future<Output = Result<v1::Settled, Error>> + Send>>),
}

/// A call that waits.
pub(super) struct WaitingCall {
    subject: PassedSubject,
    waits: Option<Waits>,
}

impl WaitingCall {
    pub(super) fn lease(
        subject: PassedSubject,
        waiting: WaitingRequest,
        cancelled: oneshot::Receiver<()>,
    ) -> Self {
        Self { subject, waits: Some(Waits::Lease { waiting, cancelled }) }
    }

    pub(super) fn settled(subject: PassedSubject, settling: Settling) -> Self {
        Self { subject, waits: Some(Waits::Settled(Box::pin(settling.result()))) }
    }
}

impl Future for WaitingCall {
    type Output = (PassedSubject, Decided);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let decided = match &mut self.waits {
            Some(Waits::Lease { waiting, cancelled }) => match Pin::new(waiting).poll(context) {
                Poll::Ready(answer) => Decided::Lease(answer),
                Poll::Pending => match Pin::new(cancelled).poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(_) => Decided::Lease(Err(Error::Cancelled)),
                },
            },
            Some(Waits::Settled(settling)) => match settling.as_mut().poll(context) {
                Poll::Ready(settled) => Decided::Settled(settled),
                Poll::Pending => return Poll::Pending,
            },
            None => Decided::Lease(Err(Error::Cancelled)),
        };
        self.waits = None; // withdraws a request that was cancelled
        Poll::Ready((self.subject.clone(), decided))
    }
}
