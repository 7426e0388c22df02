//! Answers to requests for leases, wherever they were decided.

use super::messages;
use crate::convert::lease::granted;
use crate::engine::{Granted, PendingAcquire};
use crate::error::Error;
use crate::peer::{CallSubject, PeerLink};
use apportion_core::request::{Reason, Refusal};
use apportion_core::time::Span;
use apportion_proto::v1;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What became of a request on arrival.
#[derive(Debug)]
pub enum Requested {
    /// It was granted.
    Granted(DecidedLease),
    /// It waits.
    Waits(WaitingRequest),
}

/// A lease, with what it takes to give it back to who granted it.
#[derive(Debug)]
pub enum DecidedLease {
    /// This node granted it.
    Here {
        /// The lease.
        lease: Granted,
        /// How long the request was kept before the engine got it.
        kept: Span,
    },
    /// Another node granted it.
    There(Box<PassedLease>),
}

/// A lease of another node.
#[derive(Debug)]
pub struct PassedLease {
    pub(super) lease: v1::Lease,
    pub(super) subject: CallSubject,
    pub(super) link: Arc<PeerLink>,
}

impl DecidedLease {
    /// A lease that the engine of this node granted.
    pub(super) fn kept(lease: Granted, kept: Span) -> Self {
        Self::Here { lease, kept }
    }

    /// The lease as it goes over the wire.
    ///
    /// # Errors
    /// The refusal with which a lease is answered that has expired meanwhile.
    pub fn wire(self) -> Result<v1::Lease, Error> {
        let (lease, kept) = match self {
            Self::There(passed) => return Ok(passed.lease),
            Self::Here { lease, kept } => (lease, kept),
        };
        let expired = Refusal { reason: Reason::LeaseEnded, retry_at: None, limit: None };
        let wire = granted(&lease.lease, lease.name.to_string(), lease.received_at)
            .map(|wire| v1::Lease { signals_version: lease.signals_version, ..wire })
            .ok_or(Error::Refused { refusal: expired, now: lease.received_at })?;
        Ok(if kept > Span::ZERO { messages::held(wire, kept) } else { wire })
    }
}

impl PassedLease {
    /// Gives it back: its answer reached nobody.
    pub(super) fn give_back(&self) {
        self.link.give_back(&self.subject, &self.lease.lease_id);
    }
}

/// A request that waits. Dropped before the answer, it is withdrawn; dropped with a lease that nobody saw, the lease goes back.
pub enum WaitingRequest {
    /// It waits at this node, which decides alone.
    Here(PendingAcquire),
    /// It waits at the owner, or for one.
    Anywhere(Pin<Box<dyn Future<Output = Result<DecidedLease, Error>> + Send>>),
}

impl std::fmt::Debug for WaitingRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WaitingRequest")
    }
}

impl Future for WaitingRequest {
    type Output = Result<DecidedLease, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Here(pending) => {
                Pin::new(pending).poll(context).map_ok(|lease| DecidedLease::kept(lease, Span::ZERO))
            }
            Self::Anywhere(waiting) => waiting.as_mut().poll(context),
        }
    }
}

/// The result of a report, at once or from the owner.
pub enum Settling {
    /// This node has applied it, or refused it.
    Done(Result<v1::Settled, Error>),
    /// The owner has it.
    Anywhere(Pin<Box<dyn Future<Output = Result<v1::Settled, Error>> + Send>>),
}

impl std::fmt::Debug for Settling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settling")
    }
}

impl Settling {
    /// The result.
    ///
    /// # Errors
    /// Why the report was refused.
    pub async fn result(self) -> Result<v1::Settled, Error> {
        match self {
            Self::Done(result) => result,
            Self::Anywhere(settling) => settling.await,
        }
    }
}
