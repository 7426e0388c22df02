//! The claim of a shard: who serves it, since which epoch, and what of its past nobody may book.
//!
//! It is all that the nodes fight over. Knows no marks: each workspace has its own.

use crate::ids::NodeId;
use crate::time::Timestamp;

/// The value under the key of a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// Rises by one with each take-over.
    pub epoch: u64,
    /// Who serves the shard.
    pub owner: NodeId,
    /// Unlike in every other write: shows a writer whether a write was its own.
    pub nonce: u128,
    /// The history of the store in which this was written.
    pub incarnation: u128,
    /// What was granted before this instant may have been forgotten, in all workspaces: no window of at most [`REMEMBERED`] that
    /// starts before it may be booked, unless it bears a mark.
    ///
    /// [`REMEMBERED`]: super::REMEMBERED
    pub known_from: Timestamp,
    /// No window that starts before this instant may be booked: a restored backup forgot what they held.
    pub spent_before: Timestamp,
}

impl Claim {
    /// The claim of a shard that nobody has owned before.
    pub fn first(owner: NodeId, nonce: u128, incarnation: u128) -> Self {
        let [known_from, spent_before] = [Timestamp::ZERO; 2];
        Self { epoch: 1, owner, nonce, incarnation, known_from, spent_before }
    }

    /// The claim after `owner` took the shard over: the epoch rises. No window that starts from `safe_from` on can have been booked
    /// by anybody whose clock is right. In a store of another history than the claim's, every window that starts before it counts as
    /// spent; so it does where a clock that was far ahead left a claim of times to come.
    #[must_use]
    pub fn take_over(&self, owner: NodeId, nonce: u128, incarnation: u128, safe_from: Timestamp) -> Self {
        let mut next = Self { epoch: self.epoch.saturating_add(1), owner, nonce, ..self.clone() };
        next.spent_before = next.spent_before.min(safe_from);
        if next.incarnation != incarnation || next.known_from > safe_from {
            next.incarnation = incarnation;
            next.known_from = next.known_from.min(safe_from);
            next.spent_before = safe_from;
        }
        next
    }

    /// The claim after the shard was handed over to `owner`, who takes it over next.
    #[must_use]
    pub fn hand_over(&self, owner: NodeId, nonce: u128) -> Self {
        Self { owner, nonce, ..self.clone() }
    }
}
