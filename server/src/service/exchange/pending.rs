//! An acquire of a stream that waits, and that its client can cancel.

use super::outgoing::Requester;
use crate::engine::{Granted, PendingAcquire};
use crate::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// A waiting acquire.
pub(super) struct StreamAcquire {
    pub(super) id: u64,
    pub(super) requester: Requester,
    pub(super) pending: Option<PendingAcquire>,
    pub(super) cancelled: oneshot::Receiver<()>,
}

/// The answer to an acquire.
pub(super) struct AcquireAnswer {
    pub(super) id: u64,
    pub(super) requester: Requester,
    pub(super) answer: Result<Granted, Error>,
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
        Poll::Ready(AcquireAnswer { id: self.id, requester: self.requester.clone(), answer })
    }
}
