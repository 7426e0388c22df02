//! One round of effects, sorted by who carries them out. Pure: it touches neither the store nor a workspace.

use super::shards::Shards;
use super::transaction::transaction;
use crate::store::Transaction;
use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::{LostWhy, ShardEffect, ShardReply, Token};
use std::collections::BTreeSet;

/// A write of a shard's record.
#[derive(Debug)]
pub(super) struct ShardWrite {
    pub(super) shard: u16,
    pub(super) token: Token,
    pub(super) transaction: Transaction,
}

/// What is to be done, in this order for each shard.
#[derive(Debug)]
pub(super) enum Notice {
    /// Pass a reply to the allocator of a workspace.
    Reply(WorkspaceId, ShardReply),
    /// Close the workspaces of a shard.
    ShardLost(u16, LostWhy),
    /// Tell the workspaces of a shard whether the store is lost.
    StoreLost(u16, bool),
}

/// What one round asks of the store and has for workspaces.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) notices: Vec<Notice>,
    pub(super) writes: Vec<ShardWrite>,
    pub(super) reads: Vec<(u16, Token)>,
    /// Shards that are served here from now on.
    pub(super) owned: BTreeSet<u16>,
}

impl Round {
    /// Takes the effects of every shard that was touched.
    pub(super) fn collect(shards: &mut Shards) -> Self {
        let mut round = Self::default();
        for (number, shard) in shards.take_dirty() {
            while let Some(effect) = shard.poll() {
                round.add(number, effect);
            }
        }
        round
    }

    fn add(&mut self, shard: u16, effect: ShardEffect) {
        let notice = match effect {
            ShardEffect::Cas { token, expected, new, guards } => {
                let transaction = transaction(shard, expected, &new, guards);
                return self.writes.push(ShardWrite { shard, token, transaction });
            }
            ShardEffect::Read { token } => return self.reads.push((shard, token)),
            ShardEffect::Owned { .. } => {
                self.owned.insert(shard);
                return;
            }
            ShardEffect::Reply { workspace, reply } => Notice::Reply(workspace, reply),
            ShardEffect::Lost { why } => {
                self.owned.remove(&shard);
                Notice::ShardLost(shard, why)
            }
            ShardEffect::StoreLost => Notice::StoreLost(shard, true),
            ShardEffect::StoreBack => Notice::StoreLost(shard, false),
        };
        self.notices.push(notice);
    }
}
