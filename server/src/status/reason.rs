//! The reason of each error and refusal, as `reason.proto` names it.

use crate::error::Error;
use apportion_core::allocator::SettleError;
use apportion_core::policy::PolicyError;
use apportion_core::request::Reason;
use apportion_proto::v1;

impl Error {
    /// The reason that goes out.
    pub fn reason(&self) -> v1::Reason {
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
            Self::UnknownNode => v1::Reason::UnknownNode,
            Self::NoCluster => v1::Reason::NoCluster,
            Self::UnknownDomain => v1::Reason::UnknownDomain,
            Self::Cancelled => v1::Reason::Cancelled,
            Self::StoreLost | Self::NotCopied { .. } => v1::Reason::StoreLost,
            Self::NotOwner { .. } => v1::Reason::NotOwner,
            Self::WorkspaceClosed { .. } => v1::Reason::WorkspaceClosed,
            // A newer node may have reasons that this one does not know.
            Self::Passed(error) => v1::Reason::try_from(error.reason).unwrap_or(v1::Reason::Internal),
            Self::Draining => v1::Reason::Draining,
            Self::ClockUnsteady => v1::Reason::ClockUnsteady,
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
}

/// The reason of the core as it goes over the wire.
fn wire_reason(reason: Reason) -> v1::Reason {
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

/// A value of its own is malformed; a value that does not fit another one is a conflict.
fn policy_reason(error: &PolicyError) -> v1::Reason {
    match error {
        PolicyError::NoLimit
        | PolicyError::TooMany { .. }
        | PolicyError::Duplicate { .. }
        | PolicyError::Range { .. }
        | PolicyError::TeamRange { .. } => v1::Reason::Malformed,
        PolicyError::TooManyTeams { .. } => v1::Reason::TooManyResources,
        PolicyError::NoSuchParent { .. } => v1::Reason::UnknownTeam,
        PolicyError::WindowShorterThanGuards { .. }
        | PolicyError::GuardTooShort { .. }
        | PolicyError::Cycle { .. }
        | PolicyError::TooDeep { .. } => v1::Reason::PolicyConflict,
    }
}
