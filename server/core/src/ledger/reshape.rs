//! What becomes of marks when the windows of a workspace come to lie elsewhere: those of windows that stay continue, the others go
//! into the account.

use super::mark::{Mark, MarkKey};
use super::marks::Marks;
use super::shape::continued;
use super::spent::Spent;
use super::statement::Statement;
use crate::ids::LimitId;
use crate::mutant::{self, Mutant};

impl Marks {
    /// Takes in a statement. Where windows lie elsewhere than before, what the marks of the former ones stood for goes into the
    /// account.
    pub fn state(&mut self, statement: &Statement) {
        if self.account.shape != statement.shape {
            if mutant::active(Mutant::FormerWindowsIgnored) {
                self.account.shape.clone_from(&statement.shape);
            } else {
                self.reshape(statement);
            }
        }
        self.account.correct(statement);
    }

    /// Puts what was booked under the shape so far into the account. Marks of a limit whose windows stay continue.
    fn reshape(&mut self, statement: &Statement) {
        let finest = self.account.finest().cloned();
        let before = std::mem::replace(&mut self.account.shape, statement.shape.clone());
        let from = continued(&before, &statement.shape);
        self.account.former.append(&mut self.account.past);
        let mut marks = Vec::new();
        for (place, (limit, _)) in before.iter().enumerate() {
            let continues = from.iter().position(|&old| old == Some(place));
            for (key, mark) in self.take_marks(limit) {
                let spent = Spent { from: key.window_start, until: mark.window_end, permits: mark.hi };
                if mark.is_exhausted {
                    self.account.exhausted.push(spent.into());
                }
                if finest.as_ref() == Some(limit) {
                    let permits = mark.left_to_account_for(statement);
                    self.account.former.push(Spent { permits, ..spent }.into());
                }
                if let Some(place) = continues.filter(|_| mark.window_end > statement.at) {
                    let limit = statement.shape[place].0.clone();
                    marks.push((MarkKey { limit, ..key.clone() }, mark.continued(statement)));
                }
            }
            if continues.is_none() && !statement.shape.iter().any(|(id, _)| id == limit) {
                self.learned.remove(limit);
            }
        }
        self.marks.extend(marks);
    }

    /// Takes all marks of a limit out.
    fn take_marks(&mut self, limit: &LimitId) -> Vec<(MarkKey, Mark)> {
        let keys = self.marks.range(MarkKey::all_of(&self.workspace, limit)).map(|(key, _)| key.clone());
        let keys: Vec<_> = keys.collect();
        keys.into_iter().filter_map(|key| self.marks.remove_entry(&key)).collect()
    }
}
