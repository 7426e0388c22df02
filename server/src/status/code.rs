//! The gRPC status code of each reason, as `reason.proto` specifies it.

use apportion_proto::v1;
use tonic::Code;

/// The gRPC status code of a reason.
pub(super) fn code(reason: v1::Reason) -> Code {
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
        R::UnknownTeam | R::UnknownWorkspace | R::UnknownToken | R::UnknownNode | R::UnknownDomain => {
            Code::NotFound
        }
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
        R::StoreLost | R::NotOwner | R::Draining | R::ClockUnsteady | R::WorkspaceClosed => Code::Unavailable,
        R::NotYourLease | R::PermissionDenied => Code::PermissionDenied,
        R::Cancelled => Code::Cancelled,
        R::Unauthenticated => Code::Unauthenticated,
        R::AlreadyExists => Code::AlreadyExists,
        R::StaleEtag => Code::Aborted,
        R::PolicyConflict | R::PolicyOvercommitted | R::StillNeeded | R::NoAdministrator | R::NoCluster => {
            Code::FailedPrecondition
        }
        R::Internal | R::Unspecified => Code::Internal,
    }
}
