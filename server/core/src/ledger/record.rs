//! The shard record: the one value in the store on which safety rests, and the pure rules that change it.
//!
//! Owns marks, what was learnt, and what is closed for good. Knows no store: whoever changes a record must write it by a
//! compare-and-swap against the version it was read at.

use super::account::{Account, Series, Spent, Statement, continued};
use super::effect::Refusal;
use super::{ACCOUNTS_MAX, ENTRIES_MAX, Horizon, LEARNT_MAX, MARKS_MAX};
use crate::facts::Learnt;
use crate::ids::{LimitId, NodeId, WorkspaceId};
use crate::mutant::{self, Mutant};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::Window;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Permits booked, and those that the window started with.
    pub hi: Permits,
    /// Of those, what the account knows already: it stands in other marks or entries too.
    pub known: Permits,
    /// The allocator that booked last; 0: none that may still account for anything in it.
    pub life: u64,
    /// Of those, what that allocator accounts for: what it booked, and what it may still correct.
    pub booked: Permits,
    /// All of the window counts as used: the provider said so, or it was open under a wrong clock.
    pub is_exhausted: bool,
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
    /// What was granted before this instant may have been forgotten: no window of at most [`REMEMBERED`] that starts before it
    /// may be booked, unless it bears a mark.
    ///
    /// [`REMEMBERED`]: super::REMEMBERED
    pub known_from: Timestamp,
    /// No window that starts before this instant may be booked: a restored backup forgot what they held.
    pub spent_before: Timestamp,
    /// How much of each window was booked.
    pub marks: BTreeMap<MarkKey, Mark>,
    /// What else is known of what was granted, per workspace.
    pub accounts: BTreeMap<WorkspaceId, Account>,
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
            known_from: Timestamp::ZERO,
            spent_before: Timestamp::ZERO,
            marks: BTreeMap::new(),
            accounts: BTreeMap::new(),
            learnt: BTreeMap::new(),
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
                mark.booked = mark.booked.less(permits);
                mark.known = mark.known.min(mark.hi);
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

    /// Whether `window` may never be booked again.
    ///
    /// A restored store forgot the windows before `spent_before` with their marks. Where the phase of the limit was
    /// learnt, they may have lain otherwise and reach one window further: what they overlap counts as spent too.
    pub fn is_closed(&self, key: &MarkKey, window: &Window) -> bool {
        let length = window.end.latest.since(window.start.earliest);
        let unknown = window.start.earliest < self.known_from
            && length <= super::REMEMBERED
            && !self.marks.contains_key(key);
        let learnt = self.learnt.contains_key(&(key.workspace.clone(), key.limit.clone()));
        let spent_before = if learnt { self.spent_before + length } else { self.spent_before };
        let spent = self.spent_before > Timestamp::ZERO && window.start.earliest < spent_before;
        unknown || spent
    }

    /// Books up to `permits` more of `window`, whose budget is `budget`; fewer where fewer are left, and none where what the
    /// window starts with exhausts it: that is then written down, as anything booked.
    ///
    /// A window without a mark starts with what its workspace's account knows to overlap it.
    ///
    /// # Errors
    /// [`Refusal`] where the window is closed, spent, or none of the limit as the account knows it, or the record is full. The
    /// record is then unchanged.
    pub fn raise(
        &mut self,
        key: &MarkKey,
        window: &Window,
        permits: Permits,
        budget: Permits,
        series: Series,
    ) -> Result<Raise, Refusal> {
        let account = self.accounts.get(&key.workspace).filter(|account| account.has(&key.limit, window));
        let account = account.ok_or(Refusal::PolicyChanged)?;
        if self.is_closed(key, window) {
            return Err(Refusal::Closed);
        }
        let old = self.marks.get(key).copied();
        if old.is_none() && self.marks.len() >= MARKS_MAX {
            return Err(Refusal::TooMany);
        }
        let mut mark = old.unwrap_or_else(|| {
            let carried = account.carried(window, series.life);
            Mark {
                window_end: window.end.earliest,
                hi: carried.all,
                known: carried.all.less(carried.own),
                life: series.life,
                booked: carried.own,
                is_exhausted: false,
            }
        });
        let left = if mark.is_exhausted { Permits::ZERO } else { budget.less(mark.hi) };
        let (from, taken) = (mark.hi, permits.min(left));
        if taken.is_zero() && old.is_some() {
            return Err(Refusal::Spent);
        }
        mark.hi += taken;
        mark.booked = if mark.life == series.life { mark.booked + taken } else { taken };
        mark.life = series.life;
        self.marks.insert(key.clone(), mark);
        Ok(Raise { key: key.clone(), from, to: mark.hi })
    }

    /// Counts the whole budget of `window` as booked.
    pub fn spend(&mut self, key: &MarkKey, window: &Window, budget: Permits) {
        let end = window.end.earliest;
        if mutant::active(Mutant::ExhaustedInMemoryOnly) {
            return;
        }
        let account = self.accounts.entry(key.workspace.clone()).or_default();
        if !account.has(&key.limit, window) {
            let spent = Spent { from: key.window_start, until: end, permits: budget };
            account.exhausted.push(spent.into());
        } else if let Some(mark) = self.marks.get_mut(key) {
            mark.hi = mark.hi.max(budget);
            mark.is_exhausted = true;
        } else if self.marks.len() < MARKS_MAX {
            let known = account.carried(window, 0).all;
            let (hi, booked) = (known.max(budget), Permits::ZERO);
            let mark = Mark { window_end: end, hi, known, life: 0, booked, is_exhausted: true };
            self.marks.insert(key.clone(), mark);
        }
    }

    /// Takes in what an allocator says of its workspace. Where windows lie elsewhere than before, what the marks of the former
    /// ones stood for goes into the account.
    pub fn state(&mut self, workspace: &WorkspaceId, statement: &Statement) {
        let account = self.accounts.entry(workspace.clone()).or_default();
        if account.shape != statement.shape {
            let mut account = std::mem::take(account);
            if mutant::active(Mutant::FormerWindowsIgnored) {
                account.shape.clone_from(&statement.shape);
            } else {
                self.reshape(workspace, &mut account, statement);
            }
            self.accounts.insert(workspace.clone(), account);
        }
        if let Some(account) = self.accounts.get_mut(workspace) {
            account.correct(statement);
        }
    }

    /// Puts what was booked under the shape so far into the account. Marks of a limit whose windows stay go on.
    fn reshape(&mut self, workspace: &WorkspaceId, account: &mut Account, statement: &Statement) {
        let finest = account.finest().cloned();
        let before = std::mem::replace(&mut account.shape, statement.shape.clone());
        let from = continued(&before, &statement.shape);
        account.former.append(&mut account.past);
        let mut marks = Vec::new();
        for (place, (limit, _)) in before.iter().enumerate() {
            let goes_on = from.iter().position(|&old| old == Some(place));
            for (key, mark) in self.take_marks(workspace, limit) {
                let spent = Spent { from: key.window_start, until: mark.window_end, permits: mark.hi };
                if mark.is_exhausted {
                    account.exhausted.push(spent.into());
                }
                if finest.as_ref() == Some(limit) {
                    let permits = mark.left_to_account_for(statement);
                    account.former.push(Spent { permits, ..spent }.into());
                }
                if let Some(place) = goes_on.filter(|_| mark.window_end > statement.at) {
                    let limit = statement.shape[place].0.clone();
                    marks.push((MarkKey { limit, ..key.clone() }, mark.go_on(statement)));
                }
            }
            if goes_on.is_none() && !statement.shape.iter().any(|(id, _)| id == limit) {
                self.learnt.remove(&(workspace.clone(), limit.clone()));
            }
        }
        self.marks.extend(marks);
    }

    /// Takes all marks of a limit out.
    fn take_marks(&mut self, workspace: &WorkspaceId, limit: &LimitId) -> Vec<(MarkKey, Mark)> {
        let key = |window_start| MarkKey { workspace: workspace.clone(), limit: limit.clone(), window_start };
        let keys = self.marks.range(key(Timestamp::ZERO)..=key(Timestamp::MAX)).map(|(key, _)| key.clone());
        let keys: Vec<_> = keys.collect();
        keys.into_iter().filter_map(|key| self.marks.remove_entry(&key)).collect()
    }

    /// Writes down what was learnt about a limit; nothing where the record is full.
    pub fn learn(&mut self, limit: (WorkspaceId, LimitId), learnt: Learnt) {
        if self.learnt.contains_key(&limit) || self.learnt.len() < LEARNT_MAX {
            self.learnt.insert(limit, learnt);
        }
    }

    /// Forgets what was learnt of a workspace that is no more, but for a cooldown. What it was granted stays: the provider counts
    /// it all the same.
    pub fn forget(&mut self, workspace: &WorkspaceId, now: Timestamp) {
        self.learnt.retain(|(of, _), learnt| {
            if of == workspace {
                *learnt = learnt.of_no_limit();
            }
            of != workspace || learnt.cooldown_until > Some(now)
        });
    }

    /// Deletes the marks of windows that ended more than two windows ago, and keeps in the accounts what they stood for. Of
    /// accounts it looks after those, and those in `touched`.
    ///
    /// The account is made of the marks of the shortest windows, so the others stay a window longer: all that they overlap is in
    /// the account by then.
    pub fn clean_up(&mut self, now: Timestamp, mut touched: BTreeSet<WorkspaceId>) {
        let mut old = Vec::new();
        self.marks.retain(|key, mark| {
            let length = mark.window_end.since(key.window_start);
            let account = self.accounts.get(&key.workspace);
            let is_finest = account.is_none_or(|account| account.finest() == Some(&key.limit));
            let kept = if is_finest { length + length } else { length + length + length };
            let is_old = now.since(mark.window_end) > kept;
            if is_old {
                old.push((key.clone(), *mark));
            }
            !is_old
        });
        for (key, mark) in old {
            let account = self.accounts.get_mut(&key.workspace);
            if let Some(account) = account.filter(|account| account.finest() == Some(&key.limit))
                && !mutant::active(Mutant::CleanUpForgetsPast)
            {
                let permits = mark.hi.less(mark.known);
                account.past.push(Spent { from: key.window_start, until: mark.window_end, permits }.into());
            }
            touched.insert(key.workspace);
        }
        // The more workspaces are remembered, the less exactly.
        let most = (ACCOUNTS_MAX * 4 / self.accounts.len().max(1)).clamp(4, ENTRIES_MAX);
        for workspace in touched {
            self.tidy(&workspace, now, most);
        }
        while self.accounts.len() > ACCOUNTS_MAX {
            self.forget_the_idlest();
        }
    }

    /// The same for every account; those that tell nothing go.
    pub fn clean_up_all(&mut self, now: Timestamp) {
        let all: BTreeSet<_> = self.accounts.keys().cloned().collect();
        self.clean_up(now, all.clone());
        for workspace in all {
            let is_empty = self.accounts.get(&workspace).is_some_and(Account::is_empty);
            if is_empty && !self.has_marks(&workspace) {
                self.accounts.remove(&workspace);
            }
        }
    }

    fn tidy(&mut self, workspace: &WorkspaceId, now: Timestamp, most: usize) {
        let Some(account) = self.accounts.get_mut(workspace) else { return };
        let forgotten = account.tidy(now, most);
        self.known_from = self.known_from.max(forgotten.unwrap_or_default());
    }

    fn has_marks(&self, workspace: &WorkspaceId) -> bool {
        self.accounts.get(workspace).is_some_and(|account| {
            account.shape.iter().any(|(limit, _)| {
                let key = |window_start| MarkKey {
                    workspace: workspace.clone(),
                    limit: limit.clone(),
                    window_start,
                };
                self.marks.range(key(Timestamp::ZERO)..=key(Timestamp::MAX)).next().is_some()
            })
        })
    }

    /// Makes room: the workspace that was granted nothing for the longest is forgotten.
    fn forget_the_idlest(&mut self) {
        let last = |account: &Account| {
            account
                .former
                .iter()
                .chain(&account.past)
                .map(|entry| entry.spent.until)
                .max()
                .unwrap_or_default()
        };
        let idlest = self
            .accounts
            .iter()
            .min_by_key(|(workspace, account)| (self.has_marks(workspace), last(account)))
            .map(|(workspace, account)| (workspace.clone(), last(account)));
        if let Some((workspace, until)) = idlest {
            self.accounts.remove(&workspace);
            self.marks.retain(|key, _| key.workspace != workspace);
            self.known_from = self.known_from.max(until);
        }
    }
}

impl Mark {
    /// What was booked since the account knew of it, less what the allocator that makes the statement accounts for in it.
    fn left_to_account_for(&self, statement: &Statement) -> Permits {
        let booked = self.hi.less(self.known);
        let accounted = self.life == statement.life && self.window_end > statement.at;
        if accounted { booked.less(self.booked) } else { booked }
    }

    /// The mark of a window that goes on under another shape. What the allocator that makes the statement booked of it may be new to
    /// the account: it was not granted yet, or comes back and is granted again.
    fn go_on(self, statement: &Statement) -> Self {
        if self.life == statement.life {
            Self { known: self.hi.less(self.booked), ..self }
        } else {
            Self { known: self.hi, booked: Permits::ZERO, life: 0, ..self }
        }
    }
}
