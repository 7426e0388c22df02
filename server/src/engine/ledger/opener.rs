//! Opens workspaces, and passes on to them what the shards report.

use super::round::Notice;
use super::shards::{LearnedLimits, Shards};
use crate::clock::Clock;
use crate::engine::health::Health;
use crate::engine::lease_name::Life;
use crate::engine::registry::WorkspaceRegistry;
use crate::engine::workspace::{Opening, Workspace};
use crate::error::Error;
use apportion_core::host;
use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::{LostWhy, MarkKey, ShardReply};
use apportion_core::permits::Permits;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The workspaces as the ledger sees them.
pub(in crate::engine) struct Opener {
    registry: Arc<WorkspaceRegistry>,
    health: Arc<Health>,
    clock: Arc<Clock>,
    /// How often workspaces were opened other than by taking their shard over.
    reopened: u64,
}

impl Opener {
    pub(in crate::engine) fn new(
        registry: Arc<WorkspaceRegistry>,
        health: Arc<Health>,
        clock: Arc<Clock>,
    ) -> Self {
        Self { registry, health, clock, reopened: 0 }
    }

    /// Opens a workspace that is closed, where its shard is served here.
    pub(super) fn reopen(&mut self, shards: &Shards, id: &WorkspaceId) {
        if let Ok(workspace) = self.registry.find(id)
            && shards.get(workspace.shard).is_serving()
            && !workspace.is_open()
        {
            self.reopened += 1;
            let learned = shards.learned_of(workspace.shard, &workspace.id);
            self.open(shards, &workspace, &learned, false);
        }
    }

    /// Opens every workspace of these shards again, since the clock has a new anchor.
    pub(super) fn reanchor(&mut self, shards: &Shards, numbers: &BTreeSet<u16>) {
        self.reopened += 1;
        self.open_all(shards, numbers, true);
    }

    /// Opens the workspaces of shards that are served here from now on, in one pass over all of them.
    pub(super) fn open_all(&self, shards: &Shards, numbers: &BTreeSet<u16>, is_reanchored: bool) {
        if numbers.is_empty() {
            return;
        }
        self.report_booked_ahead(shards);
        let (learned, nothing) = (shards.learned(numbers), LearnedLimits::new());
        self.registry.for_each(|workspace| {
            if numbers.contains(&workspace.shard) {
                let learned = learned.get(&workspace.id).unwrap_or(&nothing);
                self.open(shards, workspace, learned, is_reanchored);
            }
        });
    }

    fn open(
        &self,
        shards: &Shards,
        workspace: &Arc<Workspace>,
        learned: &LearnedLimits,
        is_reanchored: bool,
    ) {
        let shard = shards.get(workspace.shard);
        let epoch = shard.record().map_or(0, |record| record.epoch);
        let life = Life::new(epoch, self.reopened);
        workspace.open(Opening { life, learned, is_reanchored, is_store_lost: shard.is_store_lost() });
    }

    /// Logs where a clock that was far ahead has booked windows to come: they stay spent when they come.
    fn report_booked_ahead(&self, shards: &Shards) {
        let now = self.clock.now();
        let last = shards.booked_too_far_ahead(now);
        self.health.set_booked_ahead_until(last);
        if let Some(last) = last {
            tracing::error!(
                seconds = last.since(now).as_ns() / 1_000_000_000,
                "a clock was ahead and booked windows this far in the future: they stay spent; check this machine's clock"
            );
        }
    }

    /// Passes on what the shards report.
    pub(super) fn notify(&self, notice: Notice) {
        match notice {
            Notice::Reply(id, reply) => self.reply(&id, reply),
            Notice::ShardLost(shard, why) => self.close_shard(shard, why),
            Notice::StoreLost(shard, is_lost) => self.for_shard(shard, |workspace| {
                workspace.contain_panic(|workspace| {
                    workspace.update(|allocator| allocator.set_store_lost(is_lost));
                });
            }),
        }
    }

    fn reply(&self, id: &WorkspaceId, reply: ShardReply) {
        let Ok(workspace) = self.registry.find(id) else { return };
        workspace.contain_panic(|workspace| {
            workspace.update(|allocator| host::apply_reply(allocator, reply));
        });
    }

    fn close_shard(&self, shard: u16, why: LostWhy) {
        let error = if why == LostWhy::HandedOver { Error::Draining } else { Error::StoreLost };
        if why != LostWhy::HandedOver {
            tracing::error!(
                shard,
                ?why,
                "the shard is lost: its workspaces grant nothing until it is taken over"
            );
        }
        self.for_shard(shard, |workspace| workspace.close(&error));
    }

    fn for_shard(&self, shard: u16, act: impl Fn(&Arc<Workspace>)) {
        self.registry.for_each(|workspace| {
            if workspace.shard == shard {
                act(workspace);
            }
        });
    }

    /// Closes every workspace for good, and calls `unspent` with each and what it had booked and not granted.
    pub(super) fn finish_all(&self, mut unspent: impl FnMut(&Workspace, Vec<(MarkKey, Permits)>)) {
        self.registry.for_each(|workspace| unspent(workspace, workspace.finish()));
    }
}
