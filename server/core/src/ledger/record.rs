//! The shard record: the one value in the store on which safety rests; how it is created, taken over and handed over.
//!
//! Knows no store: a change of the record must be written by a compare-and-swap against the version it was read at. The rules that
//! change marks and accounts are in `raise`, `reshape` and `clean_up`.

use super::account::Account;
use super::bounds::LEARNED_MAX;
use super::horizon::Horizon;
use super::mark::{Mark, MarkKey};
use crate::facts::Learned;
use crate::ids::{LimitId, NodeId, WorkspaceId};
use crate::mutant::{self, Mutant};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Everything that is durable of one shard's ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardRecord {
    /// Rises by one with each take-over.
    pub epoch: u64,
    /// Who serves the shard.
    pub owner: NodeId,
    /// Unlike in every other write: shows a writer whether a write was its own.
    pub nonce: u128,
    /// The history of the store in which this was written.
    pub incarnation: u128,
    /// What was granted before this instant may have been forgotten: no window of at most [`REMEMBERED`] that starts before it
    /// may be booked, unless it bears a mark.
    ///
    /// [`REMEMBERED`]: super::REMEMBERED
    pub known_from: Timestamp,
    /// No window that starts before this instant may be booked: a restored backup forgot what they held.
    pub spent_before: Timestamp,
    /// How much of each window was booked.
    pub marks: BTreeMap<MarkKey, Mark>,
    /// What else is known to have been granted, per workspace.
    pub accounts: BTreeMap<WorkspaceId, Account>,
    /// What was learned, per limit.
    pub learned: BTreeMap<(WorkspaceId, LimitId), Learned>,
}

impl ShardRecord {
    /// The record of a shard that nobody has owned before.
    pub fn first(owner: NodeId, nonce: u128, incarnation: u128) -> Self {
        Self {
            epoch: 1,
            owner,
            nonce,
            incarnation,
            known_from: Timestamp::ZERO,
            spent_before: Timestamp::ZERO,
            marks: BTreeMap::new(),
            accounts: BTreeMap::new(),
            learned: BTreeMap::new(),
        }
    }

    /// The record after `owner` took the shard over: the epoch rises, the marks stay. No window that starts from `safe_from` on
    /// can have been booked by anybody whose clock is right. In a store of another history than the record's, every window that
    /// starts before it counts as spent; so it does where a clock that was far ahead left a record of times to come.
    #[must_use]
    pub fn take_over(&self, owner: NodeId, nonce: u128, incarnation: u128, safe_from: Timestamp) -> Self {
        let mut next = Self { epoch: self.epoch.saturating_add(1), owner, nonce, ..self.clone() };
        next.spent_before = next.spent_before.min(safe_from);
        if next.incarnation != incarnation || next.known_from > safe_from {
            next.incarnation = incarnation;
            next.known_from = next.known_from.min(safe_from);
            next.spent_before = safe_from;
        }
        if mutant::active(Mutant::NewOwnerStartsAtZero) {
            next.marks.clear();
        }
        if mutant::active(Mutant::LearnedForgottenOnRestart) {
            next.learned.clear();
        }
        next
    }

    /// The record after the shard was handed over to `owner`, with the units of each window that were never granted.
    #[must_use]
    pub fn hand_over(&self, owner: NodeId, unspent: impl Iterator<Item = (MarkKey, Permits)>) -> Self {
        let mut next = Self { owner, ..self.clone() };
        for (key, permits) in unspent {
            if let Some(mark) = next.marks.get_mut(&key) {
                mark.hi = mark.hi.less(permits);
                mark.booked = mark.booked.less(permits);
                mark.known = mark.known.min(mark.hi);
                debug_assert!(mark.booked <= mark.hi, "{mark:?}: a part exceeds the whole");
            }
        }
        next
    }

    /// The mark of a window; zero where it bears none.
    pub fn hi(&self, key: &MarkKey) -> Permits {
        self.marks.get(key).map_or(Permits::ZERO, |mark| mark.hi)
    }

    /// The start of the last window that is booked further ahead than a right clock books: a clock was far ahead. None where there
    /// is no such window.
    pub fn booked_too_far_ahead(&self, now: Timestamp, horizon: &Horizon) -> Option<Timestamp> {
        let errors = horizon.clock_error + horizon.clock_error;
        let too_far = self.marks.iter().filter(|(key, mark)| {
            // A guard, for which a window may be booked ahead, is a third of it at the most.
            let guard = Span::from_ns(mark.window_end.since(key.window_start).as_ns() / 3);
            key.window_start > now + horizon.runway.max(guard) + errors
        });
        too_far.map(|(key, _)| key.window_start).max()
    }

    /// Writes down what was learned about a limit; does nothing where the record is full.
    pub fn learn(&mut self, limit: (WorkspaceId, LimitId), learned: Learned) {
        if self.learned.contains_key(&limit) || self.learned.len() < LEARNED_MAX {
            self.learned.insert(limit, learned);
        }
    }

    /// Forgets what was learned of a workspace that is deleted, but for a cooldown. What it was granted stays: the provider counts
    /// it all the same.
    pub fn forget(&mut self, workspace: &WorkspaceId, now: Timestamp) {
        self.learned.retain(|(of, _), learned| {
            if of == workspace {
                *learned = learned.of_no_limit();
            }
            of != workspace || learned.cooldown_until > Some(now)
        });
    }
}
