//! The shard record: the one value in the store on which safety rests, and the pure rules that change it.
//!
//! Owns marks, what was learnt, and what is closed for good. Knows no store: whoever changes a record must write it by a
//! compare-and-swap against the version it was read at.

use super::effect::Refusal;
use super::{LEARNT_MAX, MARKS_MAX};
use crate::facts::Learnt;
use crate::ids::{LimitId, NodeId, WorkspaceId};
use crate::mutant::{self, Mutant};
use crate::permits::Permits;
use crate::time::Timestamp;
use crate::window::Window;
use std::collections::BTreeMap;

/// The name of one window of one limit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MarkKey {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The limit.
    pub limit: LimitId,
    /// The earliest instant at which the window may start.
    pub window_start: Timestamp,
}

/// How much of one window has been booked so far, by anyone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The earliest instant at which the window may end.
    pub window_end: Timestamp,
    /// Permits booked.
    pub hi: Permits,
}

/// The units of one window that a raise booked: those after `from`, up to and with `to`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Raise {
    /// The window.
    pub key: MarkKey,
    /// The mark before.
    pub from: Permits,
    /// The mark after.
    pub to: Permits,
}

/// Everything that is durable of one shard's ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardRecord {
    /// Rises by one with each take-over.
    pub epoch: u64,
    /// Who serves the shard.
    pub owner: NodeId,
    /// Unlike in every other write: tells a writer whether a write was its own.
    pub nonce: u128,
    /// The history of the store in which this was written.
    pub incarnation: u128,
    /// No window that ends at or before this instant may ever be booked again.
    pub closed_through: Timestamp,
    /// No window that starts before this instant may be booked: a restored backup forgot what they held.
    pub spent_before: Timestamp,
    /// How much of each window was booked.
    pub marks: BTreeMap<MarkKey, Mark>,
    /// What was learnt, per limit.
    pub learnt: BTreeMap<(WorkspaceId, LimitId), Learnt>,
}

impl ShardRecord {
    /// The record of a shard that nobody owned before.
    pub fn first(owner: NodeId, nonce: u128, incarnation: u128) -> Self {
        Self {
            epoch: 1,
            owner,
            nonce,
            incarnation,
            closed_through: Timestamp::ZERO,
            spent_before: Timestamp::ZERO,
            marks: BTreeMap::new(),
            learnt: BTreeMap::new(),
        }
    }

    /// The record after `owner` took the shard over: the epoch rises, the marks stay. In a store of another history
    /// than the record's, every window that starts before `known_from` counts as spent.
    #[must_use]
    pub fn take_over(&self, owner: NodeId, nonce: u128, incarnation: u128, known_from: Timestamp) -> Self {
        let mut next = Self { epoch: self.epoch.saturating_add(1), owner, nonce, ..self.clone() };
        if next.incarnation != incarnation {
            next.incarnation = incarnation;
            next.spent_before = next.spent_before.max(known_from);
        }
        if mutant::active(Mutant::NewOwnerStartsAtZero) {
            next.marks.clear();
        }
        if mutant::active(Mutant::LearntForgottenOnRestart) {
            next.learnt.clear();
        }
        next
    }

    /// The record after the owner gave the shard to `owner`, with the units it never granted: of each window, how many.
    #[must_use]
    pub fn hand_over(&self, owner: NodeId, unspent: impl Iterator<Item = (MarkKey, Permits)>) -> Self {
        let mut next = Self { owner, ..self.clone() };
        for (key, permits) in unspent {
            if let Some(mark) = next.marks.get_mut(&key) {
                mark.hi = mark.hi.less(permits);
            }
        }
        next
    }

    /// The mark of a window; zero where it bears none.
    pub fn hi(&self, key: &MarkKey) -> Permits {
        self.marks.get(key).map_or(Permits::ZERO, |mark| mark.hi)
    }

    /// Whether `window` may never be booked again.
    ///
    /// A restored store forgot the windows before `spent_before` with their marks. Where the phase of the limit was
    /// learnt, they may have lain otherwise and reach one window further: what they overlap counts as spent too.
    pub fn is_closed(&self, key: &MarkKey, window: &Window) -> bool {
        let closed =
            window.end.earliest <= self.closed_through && !mutant::active(Mutant::ClosedThroughUnchecked);
        let learnt = self.learnt.contains_key(&(key.workspace.clone(), key.limit.clone()));
        let length = window.end.latest.since(window.start.earliest);
        let known_from = if learnt { self.spent_before + length } else { self.spent_before };
        let spent = self.spent_before > Timestamp::ZERO && window.start.earliest < known_from;
        closed || spent
    }

    /// Books up to `permits` more of `window`, whose budget is `budget`; fewer where fewer are left.
    ///
    /// A window without a mark starts with the marks of every window of the same limit, on another phase, that it
    /// overlaps; and what is booked is charged to each of those as well, since it may be counted there.
    ///
    /// # Errors
    /// [`Refusal`] where the window is closed or spent, or the record is full. The record is then unchanged.
    pub fn raise(
        &mut self,
        key: &MarkKey,
        window: &Window,
        permits: Permits,
        budget: Permits,
    ) -> Result<Raise, Refusal> {
        if self.is_closed(key, window) {
            return Err(Refusal::Closed);
        }
        if !self.marks.contains_key(key) && self.marks.len() >= MARKS_MAX {
            return Err(Refusal::TooMany);
        }
        let overlapped = self.overlapped(key, window);
        let from = match self.marks.get(key) {
            Some(mark) => mark.hi,
            None => overlapped.iter().map(|other| self.hi(other)).sum::<Permits>().min(budget),
        };
        let taken = permits.min(budget.less(from));
        if taken.is_zero() {
            return Err(Refusal::Spent);
        }
        let to = from + taken;
        self.marks.insert(key.clone(), Mark { window_end: window.end.earliest, hi: to });
        for other in overlapped {
            if let Some(mark) = self.marks.get_mut(&other) {
                mark.hi = mark.hi.max((mark.hi + taken).min(budget));
            }
        }
        Ok(Raise { key: key.clone(), from, to })
    }

    /// The marked windows of the same limit, other than this one, in which a permit of `window` may be counted. The
    /// next window on the same phase is none of them.
    fn overlapped(&self, key: &MarkKey, window: &Window) -> Vec<MarkKey> {
        let first = MarkKey { window_start: Timestamp::ZERO, ..key.clone() };
        let last = MarkKey { window_start: window.end.latest, ..key.clone() };
        self.marks
            .range(first..last)
            .filter(|(other, mark)| {
                other.window_start != key.window_start
                    && other.window_start != window.end.earliest
                    && window.start.earliest < mark.window_end
            })
            .map(|(other, _)| other.clone())
            .collect()
    }

    /// Counts the whole budget of `window` as booked: the provider said that it is exhausted.
    pub fn spend(&mut self, key: &MarkKey, window_end: Timestamp, budget: Permits) {
        if let Some(mark) = self.marks.get_mut(key) {
            mark.hi = mark.hi.max(budget);
        } else if window_end > self.closed_through && self.marks.len() < MARKS_MAX {
            self.marks.insert(key.clone(), Mark { window_end, hi: budget });
        }
    }

    /// Writes down what was learnt about a limit; nothing where the record is full.
    pub fn learn(&mut self, limit: (WorkspaceId, LimitId), learnt: Learnt) {
        if self.learnt.contains_key(&limit) || self.learnt.len() < LEARNT_MAX {
            self.learnt.insert(limit, learnt);
        }
    }

    /// Deletes the marks of windows that ended more than two windows ago, and closes everything up to their end for
    /// good. The newest marked window stays, so a fast clock cannot close what nobody has booked.
    pub fn clean_up(&mut self, now: Timestamp) {
        let Some(newest) = self.marks.values().map(|mark| mark.window_end).max() else { return };
        let mut closed = self.closed_through;
        self.marks.retain(|key, mark| {
            let length = mark.window_end.since(key.window_start);
            let old = now.since(mark.window_end) > length + length && mark.window_end < newest;
            if old {
                closed = closed.max(mark.window_end);
            }
            !old
        });
        if !mutant::active(Mutant::CleanUpForgetsClosedThrough) {
            self.closed_through = closed;
        }
    }
}
