//! What comes out of the engine: leases, and events that no call asked for.

use super::lease_name::LeaseName;
use crate::error::Error;
use apportion_core::ids::LimitId;
use apportion_core::permits::Permits;
use apportion_core::request::Lease;
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::Window;

/// A lease, as the server knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Granted {
    /// The client's name for it.
    pub name: LeaseName,
    /// The lease.
    pub lease: Lease,
    /// When the request came, or its repeat.
    pub received_at: Timestamp,
    /// The version of the workspace's signals; 0 where it is not known.
    pub signals_version: u32,
}

/// The answer to a request for a lease.
pub(super) type Reply = Result<Granted, Error>;

/// Something that the server reports on its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WorkspaceEvent {
    /// The provider throttles: no permit of this window may be used any more.
    Revoked {
        /// The limit.
        limit: LimitId,
        /// The window.
        window: Window,
        /// When it is over, on the server's clock.
        until: Timestamp,
    },
    /// The budget of a limit changed.
    LimitChanged {
        /// The limit.
        limit: LimitId,
        /// Permits of one window.
        permits: Permits,
        /// The length of a window.
        window: Span,
    },
}
