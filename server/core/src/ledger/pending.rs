//! What is pending: everything that the next write of a workspace's marks carries.

use super::block::WantedBlock;
use super::mark::MarkKey;
use super::marks::{LearnedLimits, Marks};
use super::statement::Statement;
use crate::permits::Permits;
use crate::window::Window;
use std::collections::BTreeMap;

/// Everything that is written with the next compare-and-swap.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    pub(super) wanted: BTreeMap<MarkKey, WantedBlock>,
    pub(super) learned: LearnedLimits,
    /// Windows that count as used, with their budgets.
    pub(super) exhausted: BTreeMap<MarkKey, (Window, Permits)>,
    /// What the allocator states. A statement that is not urgent waits for the next booking.
    pub(super) statement: Option<Statement>,
    /// The workspace was deleted.
    pub(super) is_deleted: bool,
}

impl Pending {
    /// Whether there is nothing that has to be written now.
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && !self.has_news()
    }

    /// Whether there is nothing at all.
    pub(super) fn is_idle(&self) -> bool {
        self.is_empty() && self.statement.is_none()
    }

    /// Whether there is anything to write but blocks.
    pub(super) fn has_news(&self) -> bool {
        let is_urgent = self.statement.as_ref().is_some_and(|statement| statement.is_urgent);
        is_urgent || self.is_deleted || !(self.learned.is_empty() && self.exhausted.is_empty())
    }

    /// Drops what the store knows already; `is_first`: it knows nothing of the workspace.
    pub(super) fn drop_known(&mut self, marks: &Marks, is_first: bool) {
        self.learned.retain(|limit, learned| marks.learned.get(limit) != Some(learned));
        self.is_deleted &= !is_first;
    }

    /// Puts back what a failed write carried; what came in meanwhile is newer and stays.
    pub(super) fn put_back(&mut self, former: Self) {
        for (key, want) in former.wanted {
            self.wanted.entry(key).or_insert(want);
        }
        for (limit, learned) in former.learned {
            self.learned.entry(limit).or_insert(learned);
        }
        for (key, spent) in former.exhausted {
            self.exhausted.entry(key).or_insert(spent);
        }
        self.statement = self.statement.take().or(former.statement);
        self.is_deleted |= former.is_deleted;
    }
}
