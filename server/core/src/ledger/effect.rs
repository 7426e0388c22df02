//! What a shard asks of its surroundings, and what it replies to allocators, as data.

use super::block::BookRefusal;
use super::record::ShardRecord;
use super::statement::Series;
use super::store::{Guard, Token};
use super::version::Version;
use crate::ids::WorkspaceId;
use crate::permits::Permits;
use crate::time::Timestamp;

/// Why a shard is no longer served here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LostWhy {
    /// Somebody else wrote the record.
    Conflict,
    /// It was handed over as asked.
    HandedOver,
}

/// What a shard replies to the allocator of a workspace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShardReply {
    /// The units after `from`, up to and with `to`, may be granted by this process.
    Booked {
        /// The series of windows it was wanted in: it tells the limit.
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
        /// The series of windows it was wanted in: it tells the limit.
        series: Series,
        /// The name of the window.
        window_start: Timestamp,
        /// The reason.
        why: BookRefusal,
    },
    /// A statement is durable.
    Stated {
        /// Which allocator made it.
        life: u64,
        /// Which of its statements.
        number: u32,
    },
}

/// What a shard asks of its surroundings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShardEffect {
    /// Write `new` where the record's version is `expected` and every guard holds. Send it once, never retry it.
    Cas {
        /// To answer with.
        token: Token,
        /// The version it replaces; `None`: there must be no record.
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
    /// A reply to the allocator of a workspace.
    Reply {
        /// The workspace.
        workspace: WorkspaceId,
        /// The reply.
        reply: ShardReply,
    },
    /// Drop every block and hand the queue on.
    Lost {
        /// The reason.
        why: LostWhy,
    },
    /// The store does not answer: only what is confirmed may be granted.
    StoreLost,
    /// The store answers again.
    StoreBack,
}
