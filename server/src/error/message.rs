//! Why the core refused a request, as human-readable text.

use apportion_core::request::Reason;

/// The text for a reason: what is wrong, and what to do where that is not obvious.
pub(super) fn refusal_message(reason: Reason) -> &'static str {
    match reason {
        Reason::Malformed => "permits must be at least 1, and min_permits at most permits",
        Reason::UnknownTeam => "the workspace has no such team",
        Reason::TeamHasParts => "the team has child teams: send the request to one of them",
        Reason::TooLarge => {
            "the least number of permits exceeds the largest lease, a budget or a cap of the team; request fewer"
        }
        Reason::TeamPaused => "the team, or a team above it, has a cap of 0; raise the cap to resume",
        Reason::RequestIdReused => {
            "this request id was used with other content; use a new id for each request"
        }
        Reason::LeaseEnded => "the lease granted under this request id has ended; use a new request id",
        Reason::DeadlineTooShort => "the request cannot be granted within max_wait; retry after the delay",
        Reason::WindowExhausted => "max_wait passed while the request waited for permits of the window",
        Reason::TeamCapReached => "max_wait passed while the team, or a team above it, was at its cap",
        Reason::LimitChanged => {
            "max_wait passed in the first window of a new or changed limit: \
             permits granted before the limit changed still count against this window"
        }
        Reason::ProviderCooldown => {
            "the provider is throttling or asked to wait; nothing is granted until its cooldown ends"
        }
        Reason::ClockUnsteady => {
            "the server's clock was wrong during this window; nothing more is granted in it"
        }
        Reason::CallerQueueFull => "too many requests of this caller are waiting",
        Reason::TeamQueueFull => "too many requests of this team are waiting",
        Reason::WorkspaceQueueFull => "too many requests of this workspace are waiting",
        Reason::TooManyCallers => "the team has too many callers at once; give callers stable names",
        Reason::TooManyRequestIds => "too many requests with a request id are waiting",
        Reason::StoreLost => {
            "the server cannot reach its store and has used up the permits that it had booked; retry later"
        }
        Reason::NotOwner => "another node serves this workspace; reconnect",
    }
}
