//! What goes into and comes out of the engine.

use super::lease_name::LeaseName;
use apportion_core::allocator::SettleError;
use apportion_core::ids::{CallerId, LimitId, TeamId, WorkspaceId};
use apportion_core::observation::Observation;
use apportion_core::permits::Permits;
use apportion_core::request::{Ask, Lease, Refusal};
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::Window;

/// A request for a lease.
#[derive(Clone, Debug)]
pub struct Request {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What is asked; its deadline is set here.
    pub ask: Ask,
    /// How long it may wait from now on; none: one window of the shortest limit.
    pub max_wait: Option<Span>,
}

/// What a lease was used for so far.
#[derive(Clone, Debug)]
pub struct Report {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The team that it was granted to.
    pub team: TeamId,
    /// The caller that it was granted to.
    pub caller: CallerId,
    /// The name of the lease, as the client has it.
    pub lease: String,
    /// Permits used, all told.
    pub used: Permits,
    /// Permits returned, all told.
    pub returned: Permits,
    /// Whether this is the last report.
    pub is_final: bool,
    /// What responses said; which lease they came under is filled in here.
    pub observations: Vec<Observation>,
}

/// A lease, as it is told to a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Granted {
    /// What the client calls it.
    pub name: LeaseName,
    /// The lease.
    pub lease: Lease,
    /// How long the request was kept here.
    pub held: Span,
    /// How long from then on a request may be handed on.
    pub valid_for: Span,
    /// How long from then on the scheduler's window goes on.
    pub until_window_end: Span,
}

impl Granted {
    /// What a client that asked at `arrived` is told about a lease. `now` is the grant, or later for a repeat.
    pub(super) fn new(name: LeaseName, lease: Lease, arrived: Timestamp, now: Timestamp) -> Self {
        Self {
            name,
            lease,
            held: now.since(arrived),
            valid_for: lease.ends_at.since(now),
            until_window_end: lease.window_ends_at.since(now),
        }
    }
}

/// Why something was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// By the rules of the workspace, at `now`.
    ByRule(Refusal, Timestamp),
    /// There is no such workspace.
    UnknownWorkspace,
    /// The workspace has no such limit.
    UnknownLimit(LimitId),
    /// A report says more than was granted.
    SettledTooMuch(SettleError),
    /// The lease is somebody else's, or there never was such a lease.
    NotYourLease,
    /// The server is about to stop.
    Draining,
    /// The wall clock jumped.
    ClockUnsteady,
    /// The store does not answer, or the workspace is not taken over yet.
    StoreLost,
    /// A mistake in the server.
    Internal,
}

/// Something that the server says by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The provider throttles: nothing of this window may be used any more.
    Revoked {
        /// The limit.
        limit: LimitId,
        /// The window.
        window: Window,
        /// Until when, on the server's clock.
        until: Timestamp,
    },
    /// The budget of a limit is another one.
    LimitChanged {
        /// The limit.
        limit: LimitId,
        /// Permits of one window.
        permits: Permits,
        /// The length of a window.
        window: Span,
    },
}
