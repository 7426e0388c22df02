//! What goes into a shard about a workspace, as data: for a host whose allocators and shards live in different threads.

use super::block::WantedBlock;
use super::mark::MarkKey;
use super::statement::Statement;
use crate::facts::Learned;
use crate::ids::{LimitId, WorkspaceId};
use crate::permits::Permits;
use crate::window::Window;

/// What goes into a shard about a workspace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShardInput {
    /// Book a block.
    Want(WantedBlock),
    /// Write down what was learned about a limit.
    Learn {
        /// The workspace.
        workspace: WorkspaceId,
        /// The limit.
        limit: LimitId,
        /// What was learned.
        learned: Learned,
    },
    /// Count all of a window's budget as booked.
    Exhausted {
        /// The name of the window.
        key: MarkKey,
        /// The window.
        window: Window,
        /// Its budget.
        budget: Permits,
    },
    /// Write down what an allocator states about its workspace.
    State {
        /// The workspace.
        workspace: WorkspaceId,
        /// The statement.
        statement: Statement,
    },
    /// Forget what was learned of a workspace that is deleted.
    Forget {
        /// The workspace.
        workspace: WorkspaceId,
    },
}

impl ShardInput {
    /// The workspace that it is about.
    pub fn workspace(&self) -> &WorkspaceId {
        match self {
            Self::Want(want) => &want.workspace,
            Self::Exhausted { key, .. } => &key.workspace,
            Self::Learn { workspace, .. } | Self::State { workspace, .. } | Self::Forget { workspace } => {
                workspace
            }
        }
    }
}
