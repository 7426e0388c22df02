//! Requests and their answers.

use crate::ids::{CallerId, LimitId, RequestId, TeamId};
use crate::permits::Permits;
use crate::priority::Priority;
use crate::time::Timestamp;
use std::fmt;

/// A request for a lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    /// The team it is for.
    pub team: TeamId,
    /// The service or instance that sends it.
    pub caller: CallerId,
    /// Requested priority; `None` uses the team's default. A priority above the team's highest is lowered to it.
    pub priority: Option<Priority>,
    /// How many permits it wants, at least 1.
    pub permits: Permits,
    /// The least it would take, from 1 to `permits`.
    pub min_permits: Permits,
    /// After this instant the answer is useless. A grant at that very instant is in time.
    pub deadline: Timestamp,
    /// The client's id of this request, so that a repeat is recognized.
    pub request_id: Option<RequestId>,
}

/// What a repeat must have in common with the request it repeats: the most and the least permits, and the priority it names.
pub(crate) type Content = (Permits, Permits, Option<Priority>);

impl Ask {
    /// What a repeat must have in common with it.
    pub(crate) fn content(&self) -> Content {
        (self.permits, self.min_permits, self.priority)
    }
}

/// The number of a request, never used for another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// The number of a lease, unique within the life of an allocator.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LeaseId(pub u64);

/// Permits granted together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// Its number.
    pub id: LeaseId,
    /// How many permits.
    pub permits: Permits,
    /// The priority at which it was served.
    pub priority: Priority,
    /// When it was granted.
    pub granted_at: Timestamp,
    /// When its last permit must have been handed on, on the server's clock. The client is sent a duration.
    pub ends_at: Timestamp,
    /// The end of the primary limit's window, on the server's clock.
    pub window_ends_at: Timestamp,
    /// Permits left in the primary limit's window after this grant.
    pub left: Permits,
    /// Whether other requests wait: take only what is needed now.
    pub contended: bool,
}

/// What a lease was used for so far: counts are cumulative.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Permits used.
    pub used: Permits,
    /// Permits that will not be used.
    pub returned: Permits,
    /// Whether this is the last report.
    pub is_final: bool,
}

impl Usage {
    /// Whether it is more than was granted.
    pub(crate) fn exceeds(&self, granted: Permits) -> bool {
        self.used > granted || self.returned > granted.less(self.used)
    }
}

/// What became of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was granted.
    Granted(Lease),
    /// It was refused.
    Refused(Refusal),
}

/// The outcome of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The request.
    pub ticket: Ticket,
    /// What became of it.
    pub outcome: Outcome,
}

/// A refusal: why, and when to retry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// When to retry; `None` if a retry cannot succeed under the current policy.
    pub retry_at: Option<Timestamp>,
    /// The limit that stopped it, where one did.
    pub limit: Option<LimitId>,
}

/// Why a request is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// It asks for no permit, or for less than the least it would take.
    Malformed,
    /// There is no such team.
    UnknownTeam,
    /// The team has parts; only they have callers.
    TeamHasParts,
    /// Its `min_permits` exceed what can ever be granted: the largest lease, the budget, or a cap on the path.
    TooLarge,
    /// The team, or one it is part of, has a cap of 0.
    TeamPaused,
    /// The same request id came with other content.
    RequestIdReused,
    /// The lease that was granted under this request id has ended.
    LeaseEnded,
    /// It is certain that it cannot be granted before its deadline.
    DeadlineTooShort,
    /// Its deadline passed while it waited for permits of the window.
    WindowExhausted,
    /// Its deadline passed in the first window of a limit that was added or changed: what was granted before is charged to it.
    LimitChanged,
    /// Its deadline passed while its team, or one it is part of, was at its cap.
    TeamCapReached,
    /// The provider throttles or asked to wait: nothing is granted until that cooldown ends.
    ProviderCooldown,
    /// The window was open while the server's clock was wrong: nothing more in it.
    ClockUnsteady,
    /// Too many requests of this caller wait.
    CallerQueueFull,
    /// Too many requests of this team wait.
    TeamQueueFull,
    /// Too many requests of this workspace wait.
    WorkspaceQueueFull,
    /// The team has too many callers.
    TooManyCallers,
    /// Too many request ids are remembered.
    TooManyRequestIds,
    /// The store cannot be reached, and what was booked is used up.
    StoreLost,
    /// Another node serves this workspace now. Reserved for clusters: nothing raises it yet.
    NotOwner,
}

impl Reason {
    /// Whether the request can never be granted under the current policy: an argument error rather than a "not now".
    pub const fn is_final(self) -> bool {
        match self {
            Self::Malformed
            | Self::UnknownTeam
            | Self::TeamHasParts
            | Self::TooLarge
            | Self::TeamPaused
            | Self::RequestIdReused
            | Self::LeaseEnded => true,
            Self::DeadlineTooShort
            | Self::WindowExhausted
            | Self::LimitChanged
            | Self::TeamCapReached
            | Self::ProviderCooldown
            | Self::ClockUnsteady
            | Self::CallerQueueFull
            | Self::TeamQueueFull
            | Self::WorkspaceQueueFull
            | Self::TooManyCallers
            | Self::TooManyRequestIds
            | Self::StoreLost
            | Self::NotOwner => false,
        }
    }

    /// The name of the value `v1::Reason` that the wire carries, without `REASON_`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED",
            Self::UnknownTeam => "UNKNOWN_TEAM",
            Self::TeamHasParts => "TEAM_HAS_PARTS",
            Self::TooLarge => "TOO_LARGE",
            Self::TeamPaused => "TEAM_PAUSED",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::LeaseEnded => "LEASE_ENDED",
            Self::DeadlineTooShort => "DEADLINE_TOO_SHORT",
            Self::WindowExhausted => "WINDOW_EXHAUSTED",
            Self::LimitChanged => "LIMIT_CHANGED",
            Self::TeamCapReached => "TEAM_CAP_REACHED",
            Self::ProviderCooldown => "PROVIDER_COOLDOWN",
            Self::ClockUnsteady => "CLOCK_UNSTEADY",
            Self::CallerQueueFull => "CALLER_QUEUE_FULL",
            Self::TeamQueueFull => "TEAM_QUEUE_FULL",
            Self::WorkspaceQueueFull => "WORKSPACE_QUEUE_FULL",
            Self::TooManyCallers => "TOO_MANY_CALLERS",
            Self::TooManyRequestIds => "TOO_MANY_REQUEST_IDS",
            Self::StoreLost => "STORE_LOST",
            Self::NotOwner => "NOT_OWNER",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
