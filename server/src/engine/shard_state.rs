//! What this node knows of each shard: whether it is served here, and who has it otherwise.

use apportion_core::ids::NodeId;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// Most changes that a slow reader may be behind. One that is further behind reads the states anew.
const CHANGES_KEPT: usize = 1_024;

/// What a shard is to this node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ShardState {
    /// It was not asked for.
    #[default]
    Unclaimed,
    /// It was asked for, and the store has not answered yet.
    Claiming,
    /// It is served here.
    Owned {
        /// The epoch: it rises by one with each claim, whoever makes it.
        epoch: u64,
    },
    /// It is being handed over: nothing is granted here any more, and the store does not name the new owner yet.
    Leaving {
        /// The node that is to have it.
        to: NodeId,
    },
    /// It was handed over.
    HandedOver {
        /// The node that has it now.
        to: NodeId,
        /// The epoch in which it was handed over.
        epoch: u64,
    },
    /// Another node claimed it, also where this one had asked for it at the same time.
    Lost {
        /// Who owns it, where that is known.
        owner: Option<NodeId>,
        /// The epoch of that claim.
        epoch: Option<u64>,
    },
}

/// A shard that changed its state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardChange {
    /// The shard.
    pub shard: u16,
    /// Its state from now on.
    pub state: ShardState,
}

/// The states of all shards, and who wants to know of changes.
#[derive(Debug)]
pub(super) struct ShardStates {
    states: Mutex<Vec<ShardState>>,
    /// How often a shard was taken over.
    taken_over: AtomicU64,
    changes: broadcast::Sender<ShardChange>,
}

impl ShardStates {
    /// So many shards, none of which was asked for.
    pub(super) fn new(count: u16) -> Self {
        let states = Mutex::new(vec![ShardState::default(); usize::from(count)]);
        let taken_over = AtomicU64::new(0);
        Self { states, taken_over, changes: broadcast::Sender::new(CHANGES_KEPT) }
    }

    fn states(&self) -> MutexGuard<'_, Vec<ShardState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state of a shard; unclaimed where there is none of this number.
    pub(super) fn get(&self, shard: u16) -> ShardState {
        self.states().get(usize::from(shard)).cloned().unwrap_or_default()
    }

    /// Changes the state of a shard. Who follows the changes learns of it in the order in which they are made.
    pub(super) fn set(&self, shard: u16, state: ShardState) {
        let mut states = self.states();
        let Some(known) = states.get_mut(usize::from(shard)).filter(|known| **known != state) else { return };
        known.clone_from(&state);
        if matches!(state, ShardState::Owned { .. }) {
            self.taken_over.fetch_add(1, Ordering::Relaxed);
        }
        // Nobody has to listen.
        let _ = self.changes.send(ShardChange { shard, state });
    }

    /// How often a shard was taken over.
    pub(super) fn taken_over(&self) -> u64 {
        self.taken_over.load(Ordering::Relaxed)
    }

    /// Every change from now on.
    pub(super) fn changes(&self) -> broadcast::Receiver<ShardChange> {
        self.changes.subscribe()
    }
}
