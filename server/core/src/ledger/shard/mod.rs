//! One shard on one node: claimed, served, handed over or lost, with the books of its workspaces.
//!
//! Reading order: `write`, `scan`, `state`, `asking`, `scanning`, `answers`, `leaving`.

mod answers;
mod asking;
mod leaving;
mod scan;
mod scanning;
mod state;
mod write;

pub(super) use state::{ShardLedger, Site};
