//! Clean-up: marks of windows long over go, and the account keeps what they stood for, within its bounds.

use super::account::ENTRIES_MAX;
use super::marks::Marks;
use super::spent::Spent;
use crate::mutant::{self, Mutant};
use crate::time::Timestamp;

impl Marks {
    /// Deletes the marks of windows that ended more than two windows ago, and keeps in the account what they stood for. Tidies the
    /// account.
    ///
    /// The account is made of the marks of the shortest windows, so the others stay a window longer: all that they overlap is in
    /// the account by then.
    pub fn clean_up(&mut self, now: Timestamp) {
        let finest = self.account.finest().cloned();
        let past = &mut self.account.past;
        self.marks.retain(|key, mark| {
            let length = mark.window_end.since(key.window_start);
            let is_finest = finest.as_ref() == Some(&key.limit);
            let kept = if is_finest { length + length } else { length + length + length };
            let is_old = now.since(mark.window_end) > kept;
            if is_old && is_finest && !mutant::active(Mutant::CleanUpForgetsPast) {
                let permits = mark.hi.less(mark.known);
                past.push(Spent { from: key.window_start, until: mark.window_end, permits }.into());
            }
            !is_old
        });
        let forgotten = self.account.tidy(now, ENTRIES_MAX);
        self.known_from = self.known_from.max(forgotten.unwrap_or_default());
    }
}
