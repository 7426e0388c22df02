//! Refusals and errors ↔ gRPC: the one table of what each of them says to a client. `reason.proto` is its specification.
//!
//! [`Error`] is everything that may go wrong, with its facts. [`Failure`] is the same as it goes over the wire, and becomes either a
//! [`Status`] of a unary call or a [`v1::Refusal`] on a stream.

use crate::convert::field::FieldError;
use crate::convert::time::duration;
use apportion_core::allocator::SettleError;
use apportion_core::ids::{LimitId, TeamId, WorkspaceId};
use apportion_core::policy::PolicyError;
use apportion_core::request::{Reason, Refusal};
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;
use thiserror::Error;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every `ErrorInfo`.
pub(crate) const DOMAIN: &str = "apportion";
/// Most characters of a message for people: it goes into a header.
const MESSAGE_MAX: usize = 512;

/// Everything that a call may be refused for or fail with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Error {
    /// A field is out of its bounds, malformed or missing.
    #[error("{0}")]
    Field(#[from] FieldError),
    /// The core refused a request, at `now`.
    #[error("{}", told(refusal.reason))]
    Refused {
        /// What the core said.
        refusal: Refusal,
        /// When it said so.
        now: Timestamp,
    },
    /// The core refused a settle.
    #[error("{0}")]
    Settle(#[from] SettleError),
    /// The core refused a policy; `field` is the path in the request.
    #[error("{error}")]
    Policy {
        /// What the core said.
        error: PolicyError,
        /// The path of the field at fault.
        field: String,
    },
    /// There is no such workspace.
    #[error("there is no such workspace")]
    UnknownWorkspace,
    /// The workspace has no such team.
    #[error("the workspace has no such team")]
    UnknownTeam,
    /// The workspace has no such limit.
    #[error("{field}: the workspace has no limit {limit}")]
    UnknownLimit {
        /// The limit that an observation names.
        limit: LimitId,
        /// The path of the field that names it.
        field: String,
    },
    /// There is no such token.
    #[error("there is no such token")]
    UnknownToken,
    /// The client withdrew the request.
    #[error("the request was withdrawn")]
    Cancelled,
    /// The store cannot be reached.
    #[error("the store cannot be reached; ask again later")]
    StoreLost {
        /// When it is of use to ask again.
        retry_after: Span,
    },
    /// The store cannot be copied.
    #[error("the store cannot be copied: {why}")]
    NotCopied {
        /// Why.
        why: String,
        /// When it is of use to ask again.
        retry_after: Span,
    },
    /// The server is about to stop.
    #[error("the server is about to stop; connect anew")]
    Draining {
        /// When it is of use to ask again.
        retry_after: Span,
    },
    /// The server's clock jumped.
    #[error("the server's clock jumped; it grants nothing until it is steady")]
    ClockUnsteady {
        /// When it is of use to ask again.
        retry_after: Span,
    },
    /// A bound of the server is reached.
    #[error("too many {what}: at most {most}")]
    ServerFull {
        /// Of what there are too many, such as `open streams`.
        what: &'static str,
        /// How many there may be.
        most: u64,
        /// When it is of use to ask again.
        retry_after: Span,
    },
    /// No credential came, or it is not valid.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The credential does not allow this call here.
    #[error("the credential does not allow this call here")]
    PermissionDenied,
    /// Something of that name is there already.
    #[error("{name} is there already")]
    AlreadyExists {
        /// Its name.
        name: String,
    },
    /// Somebody changed the resource.
    #[error("{name} was changed since it was read")]
    StaleEtag {
        /// Its name.
        name: String,
    },
    /// Reservations, floors and holdback together exceed a budget.
    #[error("reservations, floors and holdback together need {needed} permits of a budget of {budget}")]
    Overcommitted {
        /// What they need, in permits, rounded up.
        needed: u64,
        /// What there is.
        budget: u64,
    },
    /// What is to be deleted is still needed.
    #[error("{name} is still needed: {why}")]
    StillNeeded {
        /// Its name.
        name: String,
        /// Who needs it.
        why: &'static str,
    },
    /// Nobody could administer the server any more.
    #[error("nobody could administer the server: {0}")]
    NoAdministrator(&'static str),
    /// There may be no more workspaces, teams or tokens.
    #[error("too many {what}: at most {most}")]
    TooManyResources {
        /// Of what there are too many.
        what: &'static str,
        /// How many there may be.
        most: u64,
    },
    /// A page token that is not one of this server, or came from a call with other arguments.
    #[error("page_token: not a token of this list; list from the start")]
    BadPageToken,
    /// A mistake in the server.
    #[error("a mistake in the server: {0}")]
    Internal(&'static str),
}

/// Where something went wrong: what the details name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// The workspace that the request names.
    pub workspace: Option<WorkspaceId>,
    /// The team that the request names.
    pub team: Option<TeamId>,
}

impl Error {
    /// Why, as clients are told.
    pub(crate) fn reason(&self) -> v1::Reason {
        match self {
            Self::Field(_) => v1::Reason::Malformed,
            Self::Refused { refusal, .. } => wire_reason(refusal.reason),
            Self::Settle(SettleError::TooMuch { .. }) => v1::Reason::SettledTooMuch,
            Self::Settle(SettleError::NotYours) => v1::Reason::NotYourLease,
            Self::Policy { error, .. } => policy_reason(error),
            Self::UnknownWorkspace => v1::Reason::UnknownWorkspace,
            Self::UnknownTeam => v1::Reason::UnknownTeam,
            Self::UnknownLimit { .. } => v1::Reason::UnknownLimit,
            Self::UnknownToken => v1::Reason::UnknownToken,
            Self::Cancelled => v1::Reason::Cancelled,
            Self::StoreLost { .. } | Self::NotCopied { .. } => v1::Reason::StoreLost,
            Self::Draining { .. } => v1::Reason::Draining,
            Self::ClockUnsteady { .. } => v1::Reason::ClockUnsteady,
            Self::ServerFull { .. } => v1::Reason::ServerFull,
            Self::Unauthenticated(_) => v1::Reason::Unauthenticated,
            Self::PermissionDenied => v1::Reason::PermissionDenied,
            Self::AlreadyExists { .. } => v1::Reason::AlreadyExists,
            Self::StaleEtag { .. } => v1::Reason::StaleEtag,
            Self::Overcommitted { .. } => v1::Reason::PolicyOvercommitted,
            Self::StillNeeded { .. } => v1::Reason::StillNeeded,
            Self::NoAdministrator(_) => v1::Reason::NoAdministrator,
            Self::TooManyResources { .. } => v1::Reason::TooManyResources,
            Self::BadPageToken => v1::Reason::BadPageToken,
            Self::Internal(_) => v1::Reason::Internal,
        }
    }

    /// The same as it goes over the wire.
    pub(crate) fn failure(&self, place: &Place) -> Failure {
        Failure {
            reason: self.reason(),
            message: self.to_string().chars().take(MESSAGE_MAX).collect(),
            retry_after: self.retry_after(),
            place: place.clone(),
            limit: self.limit().cloned(),
            field: self.field().map(String::from),
        }
    }

    /// The status with which a unary call ends.
    pub(crate) fn status(&self, place: &Place) -> Status {
        self.failure(place).status()
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Refused { refusal, now } => {
                refusal.retry_at.filter(|&at| at < Timestamp::MAX).map(|at| at.since(*now))
            }
            Self::StoreLost { retry_after }
            | Self::NotCopied { retry_after, .. }
            | Self::Draining { retry_after }
            | Self::ClockUnsteady { retry_after }
            | Self::ServerFull { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    fn limit(&self) -> Option<&LimitId> {
        match self {
            Self::Refused { refusal, .. } => refusal.limit.as_ref(),
            Self::UnknownLimit { limit, .. } => Some(limit),
            _ => None,
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::Field(error) => Some(error.path()),
            Self::Policy { field, .. } | Self::UnknownLimit { field, .. } => Some(field),
            Self::BadPageToken => Some("page_token"),
            _ => None,
        }
    }
}

/// The reason of the core as it goes over the wire.
pub(crate) fn wire_reason(reason: Reason) -> v1::Reason {
    match reason {
        Reason::Malformed => v1::Reason::Malformed,
        Reason::UnknownTeam => v1::Reason::UnknownTeam,
        Reason::TeamHasParts => v1::Reason::TeamHasParts,
        Reason::TooLarge => v1::Reason::TooLarge,
        Reason::TeamPaused => v1::Reason::TeamPaused,
        Reason::RequestIdReused => v1::Reason::RequestIdReused,
        Reason::LeaseEnded => v1::Reason::LeaseEnded,
        Reason::DeadlineTooShort => v1::Reason::DeadlineTooShort,
        Reason::WindowExhausted => v1::Reason::WindowExhausted,
        Reason::TeamCapReached => v1::Reason::TeamCapReached,
        Reason::LimitChanged => v1::Reason::LimitChanged,
        Reason::ProviderCooldown => v1::Reason::ProviderCooldown,
        Reason::ClockUnsteady => v1::Reason::ClockUnsteady,
        Reason::CallerQueueFull => v1::Reason::CallerQueueFull,
        Reason::TeamQueueFull => v1::Reason::TeamQueueFull,
        Reason::WorkspaceQueueFull => v1::Reason::WorkspaceQueueFull,
        Reason::TooManyCallers => v1::Reason::TooManyCallers,
        Reason::TooManyRequestIds => v1::Reason::TooManyRequestIds,
        Reason::StoreLost => v1::Reason::StoreLost,
        Reason::NotOwner => v1::Reason::NotOwner,
    }
}

/// Why the core refused, for people.
fn told(reason: Reason) -> &'static str {
    match reason {
        Reason::Malformed => "it asks for no permit, or for less than its own least",
        Reason::UnknownTeam => "the workspace has no such team",
        Reason::TeamHasParts => "the team has parts, and only they have callers",
        Reason::TooLarge => {
            "more is asked for than can ever be granted: the largest lease, a budget, or a cap of the team"
        }
        Reason::TeamPaused => "the team, or one that it is part of, has a cap of 0",
        Reason::RequestIdReused => "the same request id came with other content",
        Reason::LeaseEnded => "the lease that was granted under this request id has ended",
        Reason::DeadlineTooShort => "it is certain that it cannot be granted within max_wait",
        Reason::WindowExhausted => "max_wait passed while it waited for permits of the window",
        Reason::TeamCapReached => "max_wait passed while its team, or one that it is part of, was at its cap",
        Reason::LimitChanged => {
            "max_wait passed in the first window of a limit that was added or changed: what was granted before counts in it"
        }
        Reason::ProviderCooldown => "the provider throttles: nothing more in this window",
        Reason::ClockUnsteady => "the window was open while the server's clock was wrong: nothing more in it",
        Reason::CallerQueueFull => "too many requests of this caller wait",
        Reason::TeamQueueFull => "too many requests of this team wait",
        Reason::WorkspaceQueueFull => "too many requests of this workspace wait",
        Reason::TooManyCallers => "the team has too many callers at once",
        Reason::TooManyRequestIds => "too many requests wait under an id",
        Reason::StoreLost => "the store cannot be reached, and what was booked is used up",
        Reason::NotOwner => "another node serves this workspace now",
    }
}

/// A value of its own is malformed; a value that does not fit another one is a conflict.
fn policy_reason(error: &PolicyError) -> v1::Reason {
    match error {
        PolicyError::NoLimit | PolicyError::Duplicate { .. } | PolicyError::Range { .. } => {
            v1::Reason::Malformed
        }
        PolicyError::TooMany { field: "teams", .. } => v1::Reason::TooManyResources,
        PolicyError::TooMany { .. } => v1::Reason::Malformed,
        PolicyError::NoSuchParent { .. } => v1::Reason::UnknownTeam,
        PolicyError::WindowShorterThanGuards { .. }
        | PolicyError::GuardTooShort { .. }
        | PolicyError::Cycle { .. }
        | PolicyError::TooDeep { .. } => v1::Reason::PolicyConflict,
    }
}

/// The gRPC status of a reason.
pub(crate) fn code(reason: v1::Reason) -> Code {
    use v1::Reason as R;
    match reason {
        R::Malformed
        | R::TeamHasParts
        | R::TooLarge
        | R::TeamPaused
        | R::RequestIdReused
        | R::LeaseEnded
        | R::UnknownLimit
        | R::SettledTooMuch
        | R::BadPageToken => Code::InvalidArgument,
        R::UnknownTeam | R::UnknownWorkspace | R::UnknownToken => Code::NotFound,
        R::DeadlineTooShort
        | R::WindowExhausted
        | R::TeamCapReached
        | R::LimitChanged
        | R::ProviderCooldown
        | R::CallerQueueFull
        | R::TeamQueueFull
        | R::WorkspaceQueueFull
        | R::TooManyCallers
        | R::TooManyRequestIds
        | R::ServerFull
        | R::TooManyResources => Code::ResourceExhausted,
        R::StoreLost | R::NotOwner | R::Draining | R::ClockUnsteady => Code::Unavailable,
        R::NotYourLease | R::PermissionDenied => Code::PermissionDenied,
        R::Cancelled => Code::Cancelled,
        R::Unauthenticated => Code::Unauthenticated,
        R::AlreadyExists => Code::AlreadyExists,
        R::StaleEtag => Code::Aborted,
        R::PolicyConflict | R::PolicyOvercommitted | R::StillNeeded | R::NoAdministrator => {
            Code::FailedPrecondition
        }
        R::Internal | R::Unspecified => Code::Internal,
    }
}

/// A refusal or an error as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    reason: v1::Reason,
    message: String,
    retry_after: Option<Span>,
    place: Place,
    limit: Option<LimitId>,
    field: Option<String>,
}

impl Failure {
    /// The status with which a unary call ends, with its details.
    pub(crate) fn status(&self) -> Status {
        let code = code(self.reason);
        let mut details = ErrorDetails::new();
        details.set_error_info(self.name(), DOMAIN, self.metadata());
        if code == Code::ResourceExhausted {
            details.add_quota_failure_violation(self.subject(), &*self.message);
        }
        if let (Code::ResourceExhausted | Code::Unavailable, Some(span)) = (code, self.retry_after) {
            details.set_retry_info(Some(std::time::Duration::from_nanos(span.as_ns())));
        }
        if let (Code::InvalidArgument, Some(field)) = (code, &self.field) {
            details.add_bad_request_violation(field, &*self.message);
        }
        Status::with_error_details(code, &*self.message, details)
    }

    /// The same on a stream, which goes on.
    pub(crate) fn refusal(&self) -> v1::Refusal {
        v1::Refusal {
            reason: self.reason.into(),
            message: self.message.clone(),
            retry_after: self.retry_after.map(duration),
            limit: self.limit.as_ref().map(ToString::to_string).unwrap_or_default(),
            field: self.field.clone().unwrap_or_default(),
        }
    }

    fn name(&self) -> &'static str {
        self.reason.as_str_name().trim_start_matches("REASON_")
    }

    fn metadata(&self) -> std::collections::HashMap<String, String> {
        let workspace = self.place.workspace.as_ref().map(ToString::to_string);
        let limit = self.limit.as_ref().map(ToString::to_string);
        [("workspace", workspace), ("limit", limit), ("field", self.field.clone())]
            .into_iter()
            .filter_map(|(key, value)| Some((key.into(), value?)))
            .collect()
    }

    /// The limit that stopped it, else the team where the reason is about one, else the workspace.
    fn subject(&self) -> String {
        let Some(workspace) = &self.place.workspace else { return "server".into() };
        let of_team = matches!(
            self.reason,
            v1::Reason::TeamCapReached
                | v1::Reason::CallerQueueFull
                | v1::Reason::TeamQueueFull
                | v1::Reason::TooManyCallers
        );
        match (&self.limit, &self.place.team) {
            (Some(limit), _) => format!("workspaces/{workspace}/limits/{limit}"),
            (None, Some(team)) if of_team => format!("workspaces/{workspace}/teams/{team}"),
            (None, _) => format!("workspaces/{workspace}"),
        }
    }
}

#[cfg(test)]
mod tests;
