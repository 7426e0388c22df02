//! Marks: how much of one window has been booked, and for what that stands when its limit changes.

use super::statement::Statement;
use crate::ids::{LimitId, WorkspaceId};
use crate::permits::Permits;
use crate::time::Timestamp;

/// The name of one window of one limit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MarkKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The limit.
    pub limit: LimitId,
    /// The earliest instant at which the window may start.
    pub window_start: Timestamp,
}

/// How much of one window has been booked so far, by anyone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The earliest instant at which the window may end.
    pub window_end: Timestamp,
    /// Permits booked, and those that the window started with.
    pub hi: Permits,
    /// Of those, what the account knows already from other marks or entries.
    pub known: Permits,
    /// The allocator that booked last; 0 if none may still account for anything in it.
    pub life: u64,
    /// Of those, what that allocator accounts for: what it booked, and what it may still correct.
    pub booked: Permits,
    /// All of the window counts as used: the provider said so, or it was open under a wrong clock.
    pub is_exhausted: bool,
}

/// The units of one window that a raise booked: those after `from`, up to and with `to`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Raise {
    /// The window.
    pub key: MarkKey,
    /// The mark before.
    pub from: Permits,
    /// The mark after.
    pub to: Permits,
}

impl MarkKey {
    /// The names of all windows of a limit.
    pub(super) fn all_of(workspace: &WorkspaceId, limit: &LimitId) -> std::ops::RangeInclusive<Self> {
        let key = |window_start| Self { workspace: workspace.clone(), limit: limit.clone(), window_start };
        key(Timestamp::ZERO)..=key(Timestamp::MAX)
    }
}

impl Mark {
    /// What was booked since the account knew of it, less what the allocator that makes the statement accounts for in it.
    pub(super) fn left_to_account_for(&self, statement: &Statement) -> Permits {
        let booked = self.hi.less(self.known);
        let accounted = self.life == statement.life && self.window_end > statement.at;
        if accounted { booked.less(self.booked) } else { booked }
    }

    /// The mark of a window that continues under another shape. What the allocator that makes the statement booked of it may be new
    /// to the account: it was not granted yet, or comes back and is granted again.
    pub(super) fn continued(self, statement: &Statement) -> Self {
        if self.life == statement.life {
            Self { known: self.hi.less(self.booked), ..self }
        } else {
            Self { known: self.hi, booked: Permits::ZERO, life: 0, ..self }
        }
    }
}
