//! The shards of the engine, as the campaign for them sees them. Decides nothing.

use crate::engine::{Engine, ShardState};
use crate::membership::{Served, ShardServer};
use apportion_core::ids::NodeId;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// The engine, which serves the shards that it is told to claim.
#[derive(Debug)]
pub(super) struct EngineShards {
    engine: Arc<Engine>,
    changed: watch::Sender<u64>,
}

impl EngineShards {
    /// Must be called inside a tokio runtime.
    pub(super) fn new(engine: Arc<Engine>) -> Arc<Self> {
        let mut changes = engine.shard_changes();
        let shards = Arc::new(Self { engine, changed: watch::Sender::new(0) });
        let known = Arc::downgrade(&shards);
        tokio::spawn(async move {
            // What a slow reader has missed are changes all the same.
            while !matches!(changes.recv().await, Err(RecvError::Closed)) {
                let Some(shards) = known.upgrade() else { return };
                shards.changed.send_modify(|number| *number = number.wrapping_add(1));
            }
        });
        shards
    }
}

impl ShardServer for EngineShards {
    fn count(&self) -> u16 {
        self.engine.shard_count()
    }

    fn claim(&self, shard: u16) {
        self.engine.claim(shard);
    }

    fn hand_over(&self, shard: u16, to: NodeId) {
        self.engine.hand_over(shard, to);
    }

    fn deposed(&self, shard: u16, by: NodeId, epoch: u64) {
        self.engine.deposed(shard, by, epoch);
    }

    fn served(&self, shard: u16) -> Served {
        match self.engine.shard_state(shard) {
            ShardState::Unclaimed | ShardState::HandedOver { .. } | ShardState::Lost { .. } => Served::Not,
            ShardState::Claiming => Served::Claiming,
            ShardState::Owned { epoch } => Served::Owned(epoch),
            ShardState::Leaving { .. } => Served::Leaving,
        }
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
