//! Every shard's state machine, and which of them may have effects to carry out.

use apportion_core::facts::Learned;
use apportion_core::ids::{LimitId, NodeId, WorkspaceId};
use apportion_core::ledger::{Horizon, Shard};
use apportion_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The limits that were learned of one workspace.
pub(super) type LearnedLimits = BTreeMap<LimitId, Learned>;

/// All shards.
pub(super) struct Shards {
    shards: Vec<Shard>,
    /// Shards that were touched since their effects were last collected.
    dirty: BTreeSet<u16>,
}

impl Shards {
    /// The shards of a node. `seed` differs in every process.
    pub(super) fn new(count: u16, node: &NodeId, horizon: Horizon, seed: u64) -> Self {
        let shard = |number: u16| {
            // Writes count up from it; 2^32 processes may each write 2^32 times to a shard before two could meet.
            let nonce = (u128::from(seed) << 64) | (u128::from(number) << 40);
            Shard::new(node.clone(), nonce, horizon)
        };
        Self { shards: (0..count).map(shard).collect(), dirty: BTreeSet::new() }
    }

    /// The numbers of all shards.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u16> + use<> {
        0..u16::try_from(self.shards.len()).unwrap_or(u16::MAX)
    }

    pub(super) fn get(&self, number: u16) -> &Shard {
        &self.shards[usize::from(number)]
    }

    /// A shard to be changed: its effects are collected next.
    pub(super) fn touch(&mut self, number: u16) -> &mut Shard {
        self.dirty.insert(number);
        &mut self.shards[usize::from(number)]
    }

    /// Takes the shards that were touched, each with its number.
    pub(super) fn take_dirty(&mut self) -> impl Iterator<Item = (u16, &mut Shard)> {
        let dirty = std::mem::take(&mut self.dirty);
        let shards = self.numbers().zip(self.shards.iter_mut());
        shards.filter(move |(number, _)| dirty.contains(number))
    }

    pub(super) fn has_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Lets time pass in every shard.
    pub(super) fn advance(&mut self, now: Timestamp) {
        for number in self.numbers() {
            self.touch(number).advance(now);
        }
    }

    /// The next instant at which a shard has something to do.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.shards.iter().filter_map(Shard::next_deadline).min()
    }

    /// The first shard that is not served here.
    pub(super) fn first_not_serving(&self) -> Option<u16> {
        self.numbers().find(|&number| !self.get(number).is_serving())
    }

    /// The start of the last window that a clock far ahead has booked.
    pub(super) fn booked_too_far_ahead(&self, now: Timestamp) -> Option<Timestamp> {
        self.shards.iter().filter_map(|shard| shard.booked_too_far_ahead(now)).max()
    }

    /// What was learned of one workspace.
    pub(super) fn learned_of(&self, number: u16, workspace: &WorkspaceId) -> LearnedLimits {
        let record = self.get(number).record();
        let learned = record.into_iter().flat_map(|record| &record.learned);
        let of_it = learned.filter(|((id, _), _)| id == workspace);
        of_it.map(|((_, limit), facts)| (limit.clone(), *facts)).collect()
    }

    /// What was learned of every workspace in these shards.
    pub(super) fn learned(&self, numbers: &BTreeSet<u16>) -> BTreeMap<&WorkspaceId, LearnedLimits> {
        let mut learned: BTreeMap<&WorkspaceId, LearnedLimits> = BTreeMap::new();
        for record in numbers.iter().filter_map(|&number| self.get(number).record()) {
            for ((workspace, limit), facts) in &record.learned {
                learned.entry(workspace).or_default().insert(limit.clone(), *facts);
            }
        }
        learned
    }
}
