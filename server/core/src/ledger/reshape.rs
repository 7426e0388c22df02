//! What becomes of marks when the windows of a workspace come to lie elsewhere: those of windows that stay continue, the others go
//! into the account.

use super::account::Account;
use super::mark::{Mark, MarkKey};
use super::record::ShardRecord;
use super::shape::continued;
use super::spent::Spent;
use super::statement::Statement;
use crate::ids::{LimitId, WorkspaceId};
use crate::mutant::{self, Mutant};

impl ShardRecord {
    /// Takes in a statement. Where windows lie elsewhere than before, what the marks of the former ones stood for goes into the
    /// account.
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

    /// Puts what was booked under the shape so far into the account. Marks of a limit whose windows stay continue.
    fn reshape(&mut self, workspace: &WorkspaceId, account: &mut Account, statement: &Statement) {
        let finest = account.finest().cloned();
        let before = std::mem::replace(&mut account.shape, statement.shape.clone());
        let from = continued(&before, &statement.shape);
        account.former.append(&mut account.past);
        let mut marks = Vec::new();
        for (place, (limit, _)) in before.iter().enumerate() {
            let continues = from.iter().position(|&old| old == Some(place));
            for (key, mark) in self.take_marks(workspace, limit) {
                let spent = Spent { from: key.window_start, until: mark.window_end, permits: mark.hi };
                if mark.is_exhausted {
                    account.exhausted.push(spent.into());
                }
                if finest.as_ref() == Some(limit) {
                    let permits = mark.left_to_account_for(statement);
                    account.former.push(Spent { permits, ..spent }.into());
                }
                if let Some(place) = continues.filter(|_| mark.window_end > statement.at) {
                    let limit = statement.shape[place].0.clone();
                    marks.push((MarkKey { limit, ..key.clone() }, mark.continued(statement)));
                }
            }
            if continues.is_none() && !statement.shape.iter().any(|(id, _)| id == limit) {
                self.learned.remove(&(workspace.clone(), limit.clone()));
            }
        }
        self.marks.extend(marks);
    }

    /// Takes all marks of a limit out.
    fn take_marks(&mut self, workspace: &WorkspaceId, limit: &LimitId) -> Vec<(MarkKey, Mark)> {
        let keys = self.marks.range(MarkKey::all_of(workspace, limit)).map(|(key, _)| key.clone());
        let keys: Vec<_> = keys.collect();
        keys.into_iter().filter_map(|key| self.marks.remove_entry(&key)).collect()
    }
}
