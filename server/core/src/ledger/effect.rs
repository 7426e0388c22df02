//! What a host asks of its surroundings, and what it replies to allocators, as data.

use super::block::{BookRefusal, WantedBlock};
use super::claim::Claim;
use super::marks::LearnedLimits;
use super::statement::Series;
use super::store::{Swap, Token};
use super::version::Version;
use crate::ids::{NodeId, WorkspaceId};
use crate::permits::Permits;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// Why a shard is no longer served here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LostWhy {
    /// Another node claimed it, or the store has another history.
    Conflict {
        /// Who owns the shard now, and since which epoch, where that is known.
        owner: Option<(NodeId, u64)>,
    },
    /// It was handed over as asked.
    HandedOver {
        /// The new owner.
        to: NodeId,
        /// The epoch in which it was handed over.
        epoch: u64,
    },
}

impl LostWhy {
    /// This claim stands there instead of ours.
    pub(super) fn claimed(claim: Option<(Claim, Version)>) -> Self {
        Self::Conflict { owner: claim.map(|(claim, _)| (claim.owner, claim.epoch)) }
    }
}

/// What the ledger replies to the allocator of a workspace.
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
    /// The store does not answer about this workspace, or it does again: meanwhile only what is confirmed may be granted.
    StoreLost(bool),
}

impl ShardReply {
    pub(super) fn refused(want: &WantedBlock, why: BookRefusal) -> Self {
        Self::Refused { series: want.series, window_start: want.window.start.earliest, why }
    }
}

/// What a host asks of its surroundings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostEffect {
    /// Write, where everything that is compared holds. Send it once, never retry it.
    Swap {
        /// To answer with.
        token: Token,
        /// What to write.
        swap: Swap,
    },
    /// Read the claim of the token's shard, and the marks of its workspace where it names one.
    Read {
        /// To answer with.
        token: Token,
    },
    /// Read a page of marks of the token's shard, as they are durable now.
    Scan {
        /// To answer with.
        token: Token,
        /// The page begins after this workspace; with the first one where there is none.
        after: Option<WorkspaceId>,
    },
    /// The shard is served here from now on, and its workspaces are open.
    Owned {
        /// The shard.
        shard: u16,
        /// The epoch.
        epoch: u64,
    },
    /// Open every workspace of the shard with a new allocator.
    OpenAll {
        /// The shard.
        shard: u16,
        /// The life of those allocators.
        life: u64,
        /// What was learned of each workspace; nothing of one that is not named.
        learned: BTreeMap<WorkspaceId, LearnedLimits>,
        /// Whether the clock has a new anchor: windows that were open under the old one count as spent.
        is_reanchored: bool,
        /// The start of the last window that a clock far ahead has booked.
        booked_ahead: Option<Timestamp>,
    },
    /// Open one workspace with a new allocator.
    Open {
        /// The shard.
        shard: u16,
        /// The workspace.
        workspace: WorkspaceId,
        /// The life of the allocator.
        life: u64,
        /// What was learned of it.
        learned: LearnedLimits,
    },
    /// A reply to the allocator of a workspace.
    Reply {
        /// The workspace.
        workspace: WorkspaceId,
        /// The reply.
        reply: ShardReply,
    },
    /// Close every workspace of the shard: drop every block, and hand on what waits.
    Lost {
        /// The shard.
        shard: u16,
        /// The reason.
        why: LostWhy,
    },
}
