//! One workspace: its allocator behind a lock, the requests that wait for it, and where its answers and effects go.
//!
//! One file a verb. None of them knows the map of workspaces, the ledger's thread or the store.

mod state;

mod events;
mod flush;

mod acquire;
mod decide;
mod explain;
mod lifecycle;
mod settle;
mod snapshot;
mod withdraw;

pub(super) use acquire::AcquireOutcome;
pub(super) use lifecycle::Opening;
pub use snapshot::Snapshot;
pub(super) use state::{Environment, Workspace};
