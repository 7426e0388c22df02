//! What is pending: everything that the next write of a shard's record carries.

use super::block::WantedBlock;
use super::mark::MarkKey;
use super::statement::Statement;
use crate::facts::Learned;
use crate::ids::{LimitId, WorkspaceId};
use crate::permits::Permits;
use crate::window::Window;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is written with the next compare-and-swap.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    pub(super) wanted: BTreeMap<MarkKey, WantedBlock>,
    pub(super) learned: BTreeMap<(WorkspaceId, LimitId), Learned>,
    /// Windows that count as used, with their budgets.
    pub(super) exhausted: BTreeMap<MarkKey, (Window, Permits)>,
    /// What allocators state about their workspaces. A statement that is not urgent waits for the next booking.
    pub(super) statements: BTreeMap<WorkspaceId, Statement>,
    /// Workspaces that were deleted.
    pub(super) deleted: BTreeSet<WorkspaceId>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && !self.has_news()
    }

    /// Whether there is anything to write but blocks.
    pub(super) fn has_news(&self) -> bool {
        let is_urgent = self.statements.values().any(|statement| statement.is_urgent);
        is_urgent || !(self.learned.is_empty() && self.exhausted.is_empty() && self.deleted.is_empty())
    }

    /// Puts back what a failed write carried; what came in meanwhile is newer and stays.
    pub(super) fn put_back(&mut self, former: Self) {
        for (limit, learned) in former.learned {
            self.learned.entry(limit).or_insert(learned);
        }
        for (key, spent) in former.exhausted {
            self.exhausted.entry(key).or_insert(spent);
        }
        for (workspace, statement) in former.statements {
            self.statements.entry(workspace).or_insert(statement);
        }
        self.deleted.extend(former.deleted);
    }
}
