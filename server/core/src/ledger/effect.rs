//! What goes into and comes out of a shard: wanted blocks, outcomes of the store, effects as data.
//!
//! Knows nothing of how a store answers, nor of the rules of booking.

use super::account::Series;
use super::record::ShardRecord;
use crate::ids::{LimitId, WorkspaceId};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::Window;

/// The version of a value in the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version(pub u64);

/// Which question to the store an answer belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Token(pub u64);

/// A block that the allocator would like to grant from.
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
    /// How long before the window's start it may be booked, where that is longer than every window is: its guard, in which edge
    /// permits are charged to the next window.
    pub ahead: Span,
    /// The version of the workspace's policy that this rests on.
    pub policy_version: Version,
    /// Who books, in which series of windows.
    pub series: Series,
}

/// What else must be so at the instant of a write, compared in the same transaction.
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
    /// It was written, and durable, at this version.
    Ok(Version),
    /// It was not written: the version or a guard differs. What stands there now.
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
        /// What stands there.
        record: ShardRecord,
        /// At which version.
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

/// Why a wanted block was not booked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
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

/// Why a shard is no longer served here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LostWhy {
    /// Somebody else wrote the record.
    Conflict,
    /// It was handed over as asked.
    HandedOver,
    /// The embedded store failed.
    Io,
    /// The store was restored from a backup.
    Restored,
}

/// What a shard asks of its surroundings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Write `new` where the record's version is `expected` and every guard holds. Send it once, never retry it.
    Cas {
        /// To answer with.
        token: Token,
        /// The version it replaces; none: there must be no record.
        expected: Option<Version>,
        /// The new record.
        new: Box<ShardRecord>,
        /// What else must hold.
        guards: Vec<Guard>,
    },
    /// Read the record.
    Read {
        /// To answer with.
        token: Token,
    },
    /// The shard is served here from now on.
    Owned {
        /// The epoch.
        epoch: u64,
    },
    /// The units after `from`, up to and with `to`, may be granted by this process.
    Confirmed {
        /// The workspace.
        workspace: WorkspaceId,
        /// The limit.
        limit: LimitId,
        /// The series of windows it was wanted in.
        series: Series,
        /// The name of the window.
        window_start: Timestamp,
        /// The mark before.
        from: Permits,
        /// The mark after.
        to: Permits,
    },
    /// A wanted block was not booked.
    Refused {
        /// The workspace.
        workspace: WorkspaceId,
        /// The limit.
        limit: LimitId,
        /// The series of windows it was wanted in.
        series: Series,
        /// The name of the window.
        window_start: Timestamp,
        /// Why.
        why: Refusal,
    },
    /// What an allocator said of its workspace is durable.
    Stated {
        /// The workspace.
        workspace: WorkspaceId,
        /// Which allocator.
        life: u64,
        /// Which of its statements.
        number: u32,
    },
    /// Drop every block and hand the queue on.
    Lost {
        /// Why.
        why: LostWhy,
    },
    /// The store does not answer: only what is confirmed may be granted.
    StoreLost,
    /// The store answers again.
    StoreBack,
}
