//! Clean-up: marks of windows long over go, and accounts keep what they stood for, within the bounds of the record.

use super::account::{Account, ENTRIES_MAX};
use super::bounds::ACCOUNTS_MAX;
use super::mark::MarkKey;
use super::record::ShardRecord;
use super::spent::Spent;
use crate::ids::WorkspaceId;
use crate::mutant::{self, Mutant};
use crate::time::Timestamp;
use std::collections::BTreeSet;

impl ShardRecord {
    /// Deletes the marks of windows that ended more than two windows ago, and keeps in the accounts what they stood for. Tidies
    /// those accounts, and those in `touched`.
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

    /// The same for every account; empty ones are removed.
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
            let mut limits = account.shape.iter().map(|(limit, _)| limit);
            limits.any(|limit| self.marks.range(MarkKey::all_of(workspace, limit)).next().is_some())
        })
    }

    /// Makes room: forgets the workspace whose last grant is the oldest.
    fn forget_the_idlest(&mut self) {
        let idlest = self
            .accounts
            .iter()
            .min_by_key(|(workspace, account)| (self.has_marks(workspace), account.last_granted()))
            .map(|(workspace, account)| (workspace.clone(), account.last_granted()));
        if let Some((workspace, until)) = idlest {
            self.accounts.remove(&workspace);
            self.marks.retain(|key, _| key.workspace != workspace);
            self.known_from = self.known_from.max(until);
        }
    }
}
