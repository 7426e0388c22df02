//! One round of effects, sorted by who carries them out. Pure: it touches neither the store nor a workspace.

use super::transaction::transaction;
use crate::store::Transaction;
use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::{Host, HostEffect, LearnedLimits, LostWhy, ShardReply, Token};
use apportion_core::time::Timestamp;
use std::collections::BTreeMap;

/// What is to be done in workspaces, in this order.
#[derive(Debug)]
pub(super) enum Notice {
    /// Pass a reply to the allocator of a workspace.
    Reply(WorkspaceId, ShardReply),
    /// A shard is served here from now on, in this epoch.
    Owned(u16, u64),
    /// Open the workspaces of a shard.
    OpenAll(u16, OpeningShard),
    /// Open one workspace, in this life.
    Open(WorkspaceId, u64, LearnedLimits),
    /// Close the workspaces of a shard.
    Lost(u16, LostWhy),
}

/// What the workspaces of a shard are opened with.
#[derive(Debug)]
pub(super) struct OpeningShard {
    pub(super) life: u64,
    pub(super) learned: BTreeMap<WorkspaceId, LearnedLimits>,
    pub(super) is_reanchored: bool,
    pub(super) booked_ahead: Option<Timestamp>,
}

/// What one round asks of the store and has for workspaces.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) notices: Vec<Notice>,
    pub(super) reads: Vec<Token>,
    pub(super) scans: Vec<(Token, Option<WorkspaceId>)>,
    pub(super) writes: Vec<(Token, Transaction)>,
}

impl Round {
    /// Takes the effects that the host has.
    pub(super) fn collect(host: &mut Host) -> Self {
        let mut round = Self::default();
        while let Some(effect) = host.poll() {
            round.add(effect);
        }
        round
    }

    fn add(&mut self, effect: HostEffect) {
        let notice = match effect {
            HostEffect::Swap { token, swap } => return self.writes.push((token, transaction(swap))),
            HostEffect::Read { token } => return self.reads.push(token),
            HostEffect::Scan { token, after } => return self.scans.push((token, after)),
            HostEffect::Owned { shard, epoch } => Notice::Owned(shard, epoch),
            HostEffect::OpenAll { shard, life, learned, is_reanchored, booked_ahead } => {
                Notice::OpenAll(shard, OpeningShard { life, learned, is_reanchored, booked_ahead })
            }
            HostEffect::Open { workspace, life, learned, .. } => Notice::Open(workspace, life, learned),
            HostEffect::Reply { workspace, reply } => Notice::Reply(workspace, reply),
            HostEffect::Lost { shard, why } => Notice::Lost(shard, why),
        };
        self.notices.push(notice);
    }
}
