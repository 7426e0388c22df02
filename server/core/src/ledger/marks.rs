//! The marks of a workspace: the value in the store on which safety rests; how it is taken over and handed back.
//!
//! Knows no store: a change must be written by a compare-and-swap against the version that was read, beside the claim of the shard.
//! The rules that change marks and accounts are in `raise`, `reshape` and `clean_up`.

use super::account::Account;
use super::bounds::LEARNED_MAX;
use super::claim::Claim;
use super::horizon::Horizon;
use super::mark::{Mark, MarkKey};
use crate::facts::Learned;
use crate::ids::{LimitId, WorkspaceId};
use crate::mutant::{self, Mutant};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// What was learned of the limits of one workspace.
pub type LearnedLimits = BTreeMap<LimitId, Learned>;

/// Everything that is durable of one workspace's ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Marks {
    /// Whose they are.
    pub workspace: WorkspaceId,
    /// Unlike in every other write: shows a writer whether a write was its own.
    pub nonce: u128,
    /// What was granted before this instant may have been forgotten: no window of at most [`REMEMBERED`] that starts before it
    /// may be booked, unless it bears a mark.
    ///
    /// [`REMEMBERED`]: super::REMEMBERED
    pub known_from: Timestamp,
    /// No window that starts before this instant may be booked.
    pub spent_before: Timestamp,
    /// How much of each window was booked.
    pub marks: BTreeMap<MarkKey, Mark>,
    /// What else is known to have been granted.
    pub account: Account,
    /// What was learned, per limit.
    pub learned: LearnedLimits,
}

impl Marks {
    /// Nothing was booked yet.
    pub fn first(workspace: WorkspaceId) -> Self {
        Self {
            workspace,
            nonce: 0,
            known_from: Timestamp::ZERO,
            spent_before: Timestamp::ZERO,
            marks: BTreeMap::new(),
            account: Account::default(),
            learned: LearnedLimits::new(),
        }
    }

    /// The marks as they count under a claim, at `now`. What is forgotten or spent in the whole shard is so here; a clock that was
    /// far ahead closes no more than the windows before `safe_from`, which nobody whose clock is right can have booked.
    #[must_use]
    pub fn under(mut self, claim: &Claim, now: Timestamp, safe_from: Timestamp) -> Self {
        self.spent_before = self.spent_before.min(safe_from);
        if self.known_from > safe_from {
            (self.known_from, self.spent_before) = (safe_from, safe_from);
        }
        self.known_from = self.known_from.max(claim.known_from);
        self.spent_before = self.spent_before.max(claim.spent_before);
        if mutant::active(Mutant::NewOwnerStartsAtZero) {
            self.marks.clear();
        }
        if mutant::active(Mutant::LearnedForgottenOnRestart) {
            self.learned.clear();
        }
        self.clean_up(now);
        self
    }

    /// Gives units back that were booked and never granted, of each window.
    pub fn give_back(&mut self, unspent: impl IntoIterator<Item = (MarkKey, Permits)>) {
        for (key, permits) in unspent {
            if let Some(mark) = self.marks.get_mut(&key) {
                mark.hi = mark.hi.less(permits);
                mark.booked = mark.booked.less(permits);
                mark.known = mark.known.min(mark.hi);
                debug_assert!(mark.booked <= mark.hi, "{mark:?}: a part exceeds the whole");
            }
        }
    }

    /// The mark of a window; zero where it bears none.
    pub fn hi(&self, key: &MarkKey) -> Permits {
        self.marks.get(key).map_or(Permits::ZERO, |mark| mark.hi)
    }

    /// Whether a window that bears a mark has not ended yet.
    pub(super) fn is_busy(&self, now: Timestamp) -> bool {
        self.marks.values().any(|mark| mark.window_end > now)
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

    /// Writes down what was learned about a limit; does nothing where there is no room.
    pub fn learn(&mut self, limit: LimitId, learned: Learned) {
        if self.learned.contains_key(&limit) || self.learned.len() < LEARNED_MAX {
            self.learned.insert(limit, learned);
        }
    }

    /// Forgets what was learned of a workspace that is deleted, but for a cooldown. What it was granted stays: the provider counts
    /// it all the same.
    pub fn forget(&mut self, now: Timestamp) {
        self.learned.retain(|_, learned| {
            *learned = learned.of_no_limit();
            learned.cooldown_until > Some(now)
        });
    }
}
