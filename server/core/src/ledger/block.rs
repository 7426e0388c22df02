//! A block that an allocator wants to grant from, and why it is not booked.

use super::mark::MarkKey;
use super::statement::Series;
use super::version::Version;
use crate::ids::{LimitId, WorkspaceId};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::Window;

/// A block that an allocator wants to grant from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WantedBlock {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The limit.
    pub limit: LimitId,
    /// The window.
    pub window: Window,
    /// How many permits, at most.
    pub permits: Permits,
    /// The budget of the window.
    pub budget: Permits,
    /// How long before the window's start it may be booked, where that is longer than the runway of every window: its guard, in
    /// which edge permits are charged to the next window.
    pub ahead: Span,
    /// The version of the workspace's policy that this rests on.
    pub policy_version: Version,
    /// Who books, in which series of windows.
    pub series: Series,
}

impl WantedBlock {
    /// The name of the window.
    pub(super) fn key(&self) -> MarkKey {
        let (workspace, limit) = (self.workspace.clone(), self.limit.clone());
        MarkKey { workspace, limit, window_start: self.window.start.earliest }
    }

    /// Whether the window starts later than anyone may book at `now`, where every window may be booked a `runway` ahead.
    pub(super) fn is_too_early(&self, now: Timestamp, runway: Span) -> bool {
        self.window.start.earliest > now + runway.max(self.ahead)
    }
}

/// Why a wanted block was not booked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BookRefusal {
    /// The window is closed for good.
    Closed,
    /// All of its budget is booked.
    Spent,
    /// It starts later than anyone may book.
    TooEarly,
    /// The policy it rests on is no longer in force, or its windows lie elsewhere by now: ask again with the new one.
    PolicyChanged,
    /// A bound is reached.
    TooMany,
    /// The shard is not served here.
    NotOwner,
}
