//! Opens and closes workspaces, and passes on to them what the host reports.

use super::round::{Notice, OpeningShard};
use crate::clock::Clock;
use crate::engine::health::Health;
use crate::engine::lease_name::Life;
use crate::engine::registry::WorkspaceRegistry;
use crate::engine::settings::Serving;
use crate::engine::shard_state::{ShardState, ShardStates};
use crate::engine::workspace::{Opening, Workspace};
use crate::error::Error;
use apportion_core::host;
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::{LearnedLimits, LostWhy, MarkKey, ShardReply};
use apportion_core::permits::Permits;
use apportion_core::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The workspaces as the ledger sees them.
pub(in crate::engine) struct Opener {
    registry: Arc<WorkspaceRegistry>,
    health: Arc<Health>,
    clock: Arc<Clock>,
    serving: Serving,
    states: Arc<ShardStates>,
    /// The last window that a clock far ahead has booked, of each shard that has one.
    booked_ahead: BTreeMap<u16, Timestamp>,
}

impl Opener {
    pub(in crate::engine) fn new(
        serving: Serving,
        registry: Arc<WorkspaceRegistry>,
        health: Arc<Health>,
        clock: Arc<Clock>,
        states: Arc<ShardStates>,
    ) -> Self {
        Self { registry, health, clock, serving, states, booked_ahead: BTreeMap::new() }
    }

    /// The shard of a workspace that is closed and may be opened; none where it is open, or there is no such workspace.
    pub(super) fn closed(&self, id: &WorkspaceId) -> Option<u16> {
        let workspace = self.registry.find(id).ok()?;
        (!workspace.is_open()).then_some(workspace.shard)
    }

    /// A workspace is not served here, whatever closed it before.
    pub(super) fn close_elsewhere(&self, id: &WorkspaceId) {
        if let Ok(workspace) = self.registry.find(id) {
            workspace.close(&self.serving.elsewhere(workspace.shard));
        }
    }

    /// The workspaces of a shard are not served here, whatever closed them before.
    pub(super) fn close_shard(&self, shard: u16) {
        let why = self.serving.elsewhere(shard);
        self.registry.of_shard(shard).iter().for_each(|workspace| workspace.close(&why));
    }

    /// A shard is being taken over.
    pub(super) fn claiming(&self, shard: u16) {
        self.states.set(shard, ShardState::Claiming);
    }

    /// Closes the workspaces of a shard that is given to a node. Returns what each had booked and not granted.
    pub(super) fn leave(&self, shard: u16, to: &NodeId) -> Vec<(MarkKey, Permits)> {
        self.states.set(shard, ShardState::Leaving { to: to.clone() });
        self.finish(shard, &self.handed_over(shard))
    }

    /// Closes the workspaces of a shard. Returns what each had booked and not granted.
    pub(super) fn finish(&self, shard: u16, why: &Error) -> Vec<(MarkKey, Permits)> {
        self.registry.of_shard(shard).iter().flat_map(|workspace| workspace.finish(why)).collect()
    }

    /// Why a workspace is closed whose shard was handed over.
    fn handed_over(&self, shard: u16) -> Error {
        match self.serving {
            Serving::Everything => Error::Draining,
            Serving::Claimed => Error::NotOwner { shard },
        }
    }

    /// Carries out what is to be done in workspaces.
    pub(super) fn carry_out(&mut self, notice: Notice) {
        match notice {
            Notice::Reply(id, reply) => self.reply(&id, reply),
            Notice::Owned(shard, epoch) => self.states.set(shard, ShardState::Owned { epoch }),
            Notice::OpenAll(shard, opening) => self.open_all(shard, &opening),
            Notice::Open(id, life, learned) => {
                if let Ok(workspace) = self.registry.find(&id) {
                    open(&workspace, life, &learned, false);
                }
            }
            Notice::Lost(shard, why) => self.lost(shard, why),
        }
    }

    fn open_all(&mut self, shard: u16, opening: &OpeningShard) {
        self.report_booked_ahead(shard, opening.booked_ahead);
        let nothing = LearnedLimits::new();
        for workspace in self.registry.of_shard(shard) {
            let learned = opening.learned.get(&workspace.id).unwrap_or(&nothing);
            open(&workspace, opening.life, learned, opening.is_reanchored);
        }
    }

    fn reply(&self, id: &WorkspaceId, reply: ShardReply) {
        let Ok(workspace) = self.registry.find(id) else { return };
        workspace.contain_panic(|workspace| {
            workspace.update(|allocator| host::apply_reply(allocator, reply));
        });
    }

    fn lost(&mut self, shard: u16, why: LostWhy) {
        let (state, why) = match why {
            LostWhy::HandedOver { to, epoch } => {
                (ShardState::HandedOver { to, epoch }, self.handed_over(shard))
            }
            LostWhy::Conflict { owner } => {
                self.report_lost(shard, owner.as_ref());
                let (owner, epoch) = owner.unzip();
                (ShardState::Lost { owner, epoch }, self.serving.elsewhere(shard))
            }
        };
        self.states.set(shard, state);
        self.booked_ahead.remove(&shard);
        self.health.set_booked_ahead_until(self.booked_ahead.values().copied().max());
        self.registry.of_shard(shard).iter().for_each(|workspace| workspace.close(&why));
    }

    /// Logs that a shard is lost: an error where this process should be the only one that uses the store, and what happens all the
    /// time in a cluster.
    fn report_lost(&self, shard: u16, owner: Option<&(NodeId, u64)>) {
        match self.serving {
            Serving::Everything => tracing::error!(
                shard,
                ?owner,
                "the shard is lost: its workspaces grant nothing here until it is taken over"
            ),
            Serving::Claimed => tracing::debug!(shard, ?owner, "another node has claimed the shard"),
        }
    }

    /// Logs where a clock that was far ahead has booked windows to come: they stay spent when they come.
    fn report_booked_ahead(&mut self, shard: u16, last: Option<Timestamp>) {
        self.booked_ahead.remove(&shard);
        if let Some(last) = last {
            self.booked_ahead.insert(shard, last);
            tracing::error!(
                shard,
                seconds = last.since(self.clock.now()).as_ns() / 1_000_000_000,
                "a clock was ahead and booked windows this far in the future: they stay spent; check this machine's clock"
            );
        }
        self.health.set_booked_ahead_until(self.booked_ahead.values().copied().max());
    }
}

fn open(workspace: &Arc<Workspace>, life: u64, learned: &LearnedLimits, is_reanchored: bool) {
    workspace.open(Opening { life: Life::of(life), learned, is_reanchored });
}
