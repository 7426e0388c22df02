//! What a host asks of its store, and how the store answers. Knows nothing of how a store works.

use super::claim::Claim;
use super::marks::Marks;
use super::version::Version;
use crate::ids::WorkspaceId;

/// Which question to the store an answer belongs to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Token {
    /// The shard that it is about.
    pub shard: u16,
    /// The workspace that it is about; none where it is about the shard's claim, or all of its workspaces.
    pub workspace: Option<WorkspaceId>,
    /// Unlike in every other question of the host.
    pub number: u64,
}

/// What must hold at the instant of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Compare {
    /// The store's history.
    Incarnation(u128),
    /// The version of a shard's claim; `None`: there must be none.
    Claim(u16, Option<Version>),
    /// The version of the marks of a workspace in a shard; `None`: there must be none.
    Marks(u16, WorkspaceId, Option<Version>),
    /// The version of a workspace's policy.
    Policy(WorkspaceId, Version),
}

/// What a write puts in place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Put {
    /// The claim of a shard.
    Claim(u16, Claim),
    /// The marks of a workspace in a shard.
    Marks(u16, Box<Marks>),
}

/// What is written together or not at all, and only where everything that it compares holds.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Swap {
    /// What must hold.
    pub compare: Vec<Compare>,
    /// What is written.
    pub puts: Vec<Put>,
}

/// How a swap ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SwapOutcome {
    /// It was written, and is durable, at this version.
    Done(Version),
    /// It was not written: something that it compares does not hold.
    Conflict,
    /// Nobody knows: a time-out, a lost connection. It may have been written, or may still be.
    Unknown,
    /// The store failed while it wrote. What a read shows of the write may be gone after the next crash, until something is
    /// written over it.
    Failed,
}

/// What a read shows. It may be stale: a hint only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The store's history.
    pub incarnation: u128,
    /// The claim of the shard.
    pub claim: Option<(Claim, Version)>,
    /// The marks of the workspace, where the question named one.
    pub marks: Option<(Marks, Version)>,
}

/// How a read ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReadOutcome {
    /// The store answered.
    Found(Box<Found>),
    /// The store did not answer.
    Failed,
}

/// How a scan ended. What it shows is what was durable at some instant after it was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScanOutcome {
    /// The marks of workspaces of the shard, in order of id.
    Page {
        /// The marks of each, with their version.
        marks: Vec<(Marks, Version)>,
        /// The next page begins after this workspace; there is none where it is absent.
        next: Option<WorkspaceId>,
    },
    /// The store did not answer.
    Failed,
}
