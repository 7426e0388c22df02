//! An error as it goes out: as the [`Status`] of a unary call, or as a [`v1::Refusal`] on a stream.

use super::code::code;
use crate::convert::time::duration;
use crate::error::Error;
use apportion_core::ids::{LimitId, TeamId, WorkspaceId};
use apportion_core::time::Span;
use apportion_proto::v1;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every `ErrorInfo`.
const DOMAIN: &str = "apportion";
/// The longest message, in characters: it goes into a header.
const MESSAGE_CHARS_MAX: usize = 512;

/// The workspace and the team that a request is about, which the details of its error name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorScope {
    /// The workspace that the request names.
    pub workspace: Option<WorkspaceId>,
    /// The team that the request names.
    pub team: Option<TeamId>,
}

impl ErrorScope {
    /// The scope of a request that names both.
    pub fn of_team(workspace: &WorkspaceId, team: &TeamId) -> Self {
        Self { workspace: Some(workspace.clone()), team: Some(team.clone()) }
    }
}

impl Error {
    /// The error with all that goes over the wire.
    pub fn failure(&self, scope: &ErrorScope) -> Failure {
        Failure {
            reason: self.reason(),
            message: self.to_string().chars().take(MESSAGE_CHARS_MAX).collect(),
            retry_after: self.retry_after(),
            scope: scope.clone(),
            limit: self.limit().cloned(),
            field: self.field(),
        }
    }

    /// The status that ends a unary call.
    pub fn status(&self, scope: &ErrorScope) -> Status {
        self.failure(scope).status()
    }
}

/// A refusal or an error as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    reason: v1::Reason,
    message: String,
    retry_after: Option<Span>,
    scope: ErrorScope,
    limit: Option<LimitId>,
    field: Option<String>,
}

impl Failure {
    /// The status that ends a unary call, with its details.
    pub fn status(&self) -> Status {
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
    pub fn refusal(&self) -> v1::Refusal {
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
        let workspace = self.scope.workspace.as_ref().map(ToString::to_string);
        let limit = self.limit.as_ref().map(ToString::to_string);
        [("workspace", workspace), ("limit", limit), ("field", self.field.clone())]
            .into_iter()
            .filter_map(|(key, value)| Some((key.into(), value?)))
            .collect()
    }

    /// The limit that stopped it, else the team where the reason is about one, else the workspace.
    fn subject(&self) -> String {
        let Some(workspace) = &self.scope.workspace else { return "server".into() };
        match (&self.limit, &self.scope.team) {
            (Some(limit), _) => format!("workspaces/{workspace}/limits/{limit}"),
            (None, Some(team)) if is_of_team(self.reason) => format!("workspaces/{workspace}/teams/{team}"),
            (None, _) => format!("workspaces/{workspace}"),
        }
    }
}

/// Whether a reason is about the team, rather than its workspace.
fn is_of_team(reason: v1::Reason) -> bool {
    use v1::Reason as R;
    match reason {
        R::TeamCapReached | R::CallerQueueFull | R::TeamQueueFull | R::TooManyCallers => true,
        R::Unspecified
        | R::Malformed
        | R::UnknownTeam
        | R::TeamHasParts
        | R::TooLarge
        | R::TeamPaused
        | R::RequestIdReused
        | R::LeaseEnded
        | R::DeadlineTooShort
        | R::WindowExhausted
        | R::ProviderCooldown
        | R::WorkspaceQueueFull
        | R::TooManyRequestIds
        | R::StoreLost
        | R::NotOwner
        | R::LimitChanged
        | R::UnknownWorkspace
        | R::UnknownLimit
        | R::SettledTooMuch
        | R::NotYourLease
        | R::Cancelled
        | R::Draining
        | R::ClockUnsteady
        | R::ServerFull
        | R::Unauthenticated
        | R::PermissionDenied
        | R::UnknownToken
        | R::UnknownNode
        | R::NoCluster
        | R::WorkspaceClosed
        | R::UnknownDomain
        | R::AlreadyExists
        | R::StaleEtag
        | R::PolicyConflict
        | R::PolicyOvercommitted
        | R::StillNeeded
        | R::TooManyResources
        | R::BadPageToken
        | R::NoAdministrator
        | R::Internal => false,
    }
}
