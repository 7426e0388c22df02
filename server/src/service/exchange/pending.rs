//! Calls of a stream that wait: acquires, which their client can cancel, and reports on their way to another node.

use super::outgoing::Requester;
use crate::error::Error;
use crate::leases::{DecidedLease, WaitingRequest};
use apportion_proto::v1;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// A waiting acquire.
pub(super) struct StreamAcquire {
    pub(super) id: u64,
    pub(super) requester: Arc<Requester>,
    pub(super) pending: Option<WaitingRequest>,
    pub(super) cancelled: oneshot::Receiver<()>,
}

/// The answer to an acquire.
pub(super) struct AcquireAnswer {
    pub(super) id: u64,
    pub(super) requester: Arc<Requester>,
    pub(super) answer: Result<DecidedLease, Error>,
}

impl Future for StreamAcquire {
    type Output = AcquireAnswer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<AcquireAnswer> {
        let polled = self.pending.as_mut().map(|pending| Pin::new(pending).poll(context));
        let answer = match polled {
            Some(Poll::Ready(answer)) => answer,
            Some(Poll::Pending) => match Pin::new(&mut self.cancelled).poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(_) => Err(Error::Cancelled),
            },
            None => Err(Error::Cancelled),
        };
        self.pending = None;
        Poll::Ready(AcquireAnswer { id: self.id, requester: Arc::clone(&self.requester), answer })
    }
}

/// A report on its way to the owner of its workspace.
pub(super) type StreamSettle =
    Pin<Box<dyn Future<Output = (u64, Arc<Requester>, Result<v1::Settled, Error>)> + Send>>;

/// Waits for the result of a report.
pub(super) fn settles(
    id: u64,
    requester: Arc<Requester>,
    settling: impl Future<Output = Result<v1::Settled, Error>> + Send + 'static,
) -> StreamSettle {
    Box::pin(async move {
        let settled = settling.await;
        (id, requester, settled)
    })
}
