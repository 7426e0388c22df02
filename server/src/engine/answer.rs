//! What goes into and comes out of the engine.

use super::lease_name::LeaseName;
use apportion_core::allocator::SettleError;
use apportion_core::ids::{CallerId, LimitId, TeamId, WorkspaceId};
use apportion_core::observation::Observation;
use apportion_core::permits::Permits;
use apportion_core::policy::Policy;
use apportion_core::request::{Ask, Lease, LeaseId, Refusal};
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
    /// How long at most, whatever it says: its caller does not wait longer.
    pub longest_wait: Option<Span>,
}

/// What responses said, once the policy, the lease and the time of the report are known; or the limit that is unknown.
pub type Observe<'a> = dyn Fn(&Policy, Option<LeaseId>, Timestamp) -> Result<Vec<Observation>, LimitId> + 'a;

/// What a lease was used for so far.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The workspace.
    pub workspace: &'a WorkspaceId,
    /// The team that it was granted to.
    pub team: &'a TeamId,
    /// The caller that it was granted to.
    pub caller: &'a CallerId,
    /// The name of the lease, as the client has it.
    pub lease: &'a str,
    /// Permits used, all told.
    pub used: Permits,
    /// Permits returned, all told.
    pub returned: Permits,
    /// Whether this is the last report.
    pub is_final: bool,
    /// What responses said.
    pub observe: &'a Observe<'a>,
}

/// A lease, as the server knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Granted {
    /// What the client calls it.
    pub name: LeaseName,
    /// The lease.
    pub lease: Lease,
    /// When the request came, or its repeat.
    pub received_at: Timestamp,
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
