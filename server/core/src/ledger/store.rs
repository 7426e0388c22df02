//! What a shard asks of its store, and how the store answers. Knows nothing of how a store works.

use super::record::ShardRecord;
use super::version::Version;
use crate::ids::WorkspaceId;

/// Which question to the store an answer belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Token(pub u64);

/// What else must hold at the instant of a write, compared in the same transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Guard {
    /// The store's history.
    Incarnation(u128),
    /// The version of a workspace's policy.
    Policy(WorkspaceId, Version),
}

/// How a compare-and-swap ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CasOutcome {
    /// It was written, and is durable, at this version.
    Ok(Version),
    /// It was not written: the version or a guard differs. With the current record.
    Conflict(Option<(ShardRecord, Version)>),
    /// Nobody knows: a time-out, a lost connection. It may have been written, or may still be.
    Unknown,
    /// The store failed while it wrote. What a read shows of the write may be gone after the next crash, until something is
    /// written over it.
    Failed,
}

/// How a read ended. What it shows may be stale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReadOutcome {
    /// A record.
    Found {
        /// The record.
        record: ShardRecord,
        /// Its version.
        version: Version,
        /// The store's history.
        incarnation: u128,
    },
    /// No record.
    Absent {
        /// The store's history.
        incarnation: u128,
    },
    /// The store did not answer.
    Failed,
}
