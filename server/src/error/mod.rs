//! Everything that a call may be refused for or fail with, with its facts and its human-readable text.
//!
//! The engine, the conversion and the calls share this one type. It knows no wire format: `status` maps each error to gRPC.

mod field;
mod message;
mod passed;

pub use field::FieldError;
pub use passed::PassedError;

use apportion_core::allocator::SettleError;
use apportion_core::ids::LimitId;
use apportion_core::policy::PolicyError;
use apportion_core::request::Refusal;
use apportion_core::time::{Span, Timestamp};
use message::refusal_message;
use thiserror::Error;

/// When to retry after something temporary: the store, the clock, another node.
const RETRY_AFTER: Span = Span::from_secs(1);

/// Everything that a call may be refused for or fail with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// A field is out of its bounds, malformed or missing.
    #[error("{0}")]
    Field(#[from] FieldError),
    /// The core refused a request, at `now`.
    #[error("{}", refusal_message(refusal.reason))]
    Refused {
        /// The core's answer.
        refusal: Refusal,
        /// When the core gave it.
        now: Timestamp,
    },
    /// The core refused a report of a lease.
    #[error("{0}")]
    Settle(#[from] SettleError),
    /// The core refused a policy; `field` is the path in the request.
    #[error("{error}")]
    Policy {
        /// The rule that the policy breaks.
        error: PolicyError,
        /// The path of the field at fault.
        field: String,
    },
    /// There is no such workspace.
    #[error("there is no such workspace; check its name")]
    UnknownWorkspace,
    /// The workspace has no such team.
    #[error("the workspace has no such team")]
    UnknownTeam,
    /// An observation names a limit that the workspace does not have.
    #[error("observations[{index}].limit: the workspace has no limit {limit}")]
    UnknownLimit {
        /// The position of the observation in its report, from 0.
        index: usize,
        /// The limit that it names.
        limit: LimitId,
    },
    /// There is no such token.
    #[error("there is no such token; check its name")]
    UnknownToken,
    /// The cluster has no such node.
    #[error("there is no such node; `apportion cluster status` lists them")]
    UnknownNode,
    /// A call about nodes reached a server that is none of a cluster.
    #[error("this server is not a node of a cluster; call one that was started with --cluster")]
    NoCluster,
    /// There is no such domain.
    #[error("there is no such domain; create it, or correct the domain of Envoy's filter")]
    UnknownDomain,
    /// The client cancelled the request.
    #[error("the client cancelled the request")]
    Cancelled,
    /// The store cannot be reached, or the workspace is not open yet.
    #[error("the server cannot reach its store; retry later")]
    StoreLost,
    /// The store cannot be copied.
    #[error("the server cannot copy its store: {why}")]
    NotCopied {
        /// The cause, as human-readable text.
        why: String,
    },
    /// What the store holds of this workspace cannot be used.
    #[error("the workspace is closed, as what the store holds of it cannot be used: {why}")]
    WorkspaceClosed {
        /// Which document, and what is wrong with it.
        why: String,
    },
    /// Another node serves this workspace.
    #[error("another node serves this workspace; reconnect")]
    NotOwner {
        /// The shard of the workspace.
        shard: u16,
    },
    /// The node that serves this workspace refused the call.
    #[error("{}", .0.message)]
    Passed(Box<PassedError>),
    /// The server is about to stop.
    #[error("the server is shutting down; reconnect")]
    Draining,
    /// The server's clock jumped.
    #[error("the server's clock jumped; the server grants nothing until the clock is steady")]
    ClockUnsteady,
    /// A bound of the server is reached.
    #[error("too many {what}: at most {most}")]
    ServerFull {
        /// What there are too many of, such as `open streams`.
        what: &'static str,
        /// How many there may be.
        most: u64,
        /// When to retry.
        retry_after: Span,
    },
    /// No credential came, or it is not valid.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The credential does not allow this call here.
    #[error("the credential does not allow this call on this resource; ask an administrator")]
    PermissionDenied,
    /// A resource of that name exists.
    #[error("{name} already exists")]
    AlreadyExists {
        /// Its name.
        name: String,
    },
    /// Another call changed the resource.
    #[error("{name} changed since it was read; read it again")]
    StaleEtag {
        /// Its name.
        name: String,
    },
    /// Reservations, floors and holdback together exceed a budget.
    #[error("reservations, floors and holdback together need {needed} permits of a budget of {budget}")]
    Overcommitted {
        /// What they need, in permits, rounded up.
        needed: u64,
        /// The budget, in permits.
        budget: u64,
    },
    /// The resource to be deleted is still in use.
    #[error("{name} is still needed: {why}")]
    StillNeeded {
        /// Its name.
        name: String,
        /// What needs it.
        why: &'static str,
    },
    /// Nobody could administer the server any more.
    #[error("nobody could administer the server: {0}")]
    NoAdministrator(&'static str),
    /// There may be no more workspaces, teams or tokens.
    #[error("too many {what}: at most {most}")]
    TooManyResources {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        most: u64,
    },
    /// A page token of another list, or none that this server made.
    #[error("page_token: not a token of this list; list from the start")]
    BadPageToken,
    /// A bug in the server.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl Error {
    /// When to retry; none where that is unknown, or a retry is pointless.
    pub fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Refused { refusal, now } => {
                refusal.retry_at.filter(|&at| at < Timestamp::MAX).map(|at| at.since(*now))
            }
            Self::StoreLost
            | Self::NotCopied { .. }
            | Self::NotOwner { .. }
            | Self::WorkspaceClosed { .. }
            | Self::Draining
            | Self::ClockUnsteady => Some(RETRY_AFTER),
            Self::ServerFull { retry_after, .. } => Some(*retry_after),
            Self::Passed(error) => error.retry_after,
            _ => None,
        }
    }

    /// The limit that it is about, where it is about one.
    pub fn limit(&self) -> Option<&LimitId> {
        match self {
            Self::Refused { refusal, .. } => refusal.limit.as_ref(),
            Self::UnknownLimit { limit, .. } => Some(limit),
            Self::Passed(error) => error.limit.as_ref(),
            _ => None,
        }
    }

    /// The path of the field at fault, where a field is.
    pub fn field(&self) -> Option<String> {
        match self {
            Self::Field(error) => Some(error.path().into()),
            Self::Policy { field, .. } => Some(field.clone()),
            Self::UnknownLimit { index, .. } => Some(format!("observations[{index}].limit")),
            Self::BadPageToken => Some("page_token".into()),
            Self::Passed(error) => error.field.clone(),
            _ => None,
        }
    }
}
