//! Booking: a mark rises to at most the budget, unless its window is closed for good.

use super::account::REMEMBERED;
use super::block::BookRefusal;
use super::bounds::MARKS_MAX;
use super::mark::{Mark, MarkKey, Raise};
use super::marks::Marks;
use super::spent::Spent;
use super::statement::Series;
use crate::mutant::{self, Mutant};
use crate::permits::Permits;
use crate::time::Timestamp;
use crate::window::Window;

impl Marks {
    /// Whether `window` may never be booked again.
    ///
    /// A restored store forgot the windows before `spent_before` with their marks. Where the phase of the limit was
    /// learned, they may have lain otherwise and reach one window further: what they overlap counts as spent too.
    pub fn is_closed(&self, key: &MarkKey, window: &Window) -> bool {
        let length = window.end.latest.since(window.start.earliest);
        let unknown =
            window.start.earliest < self.known_from && length <= REMEMBERED && !self.marks.contains_key(key);
        let learned = self.learned.contains_key(&key.limit);
        let spent_before = if learned { self.spent_before + length } else { self.spent_before };
        let spent = self.spent_before > Timestamp::ZERO && window.start.earliest < spent_before;
        unknown || spent
    }

    /// Books up to `permits` more of `window`, whose budget is `budget`; fewer where fewer are left, and none where what the
    /// window starts with exhausts it: that is then written down, as anything booked.
    ///
    /// A window without a mark starts with what its workspace's account knows to overlap it.
    ///
    /// # Errors
    /// [`BookRefusal`] where the window is closed, spent, or none of the limit as the account knows it, or there are too many. Nothing is
    /// changed then.
    pub fn raise(
        &mut self,
        key: &MarkKey,
        window: &Window,
        permits: Permits,
        budget: Permits,
        series: Series,
    ) -> Result<Raise, BookRefusal> {
        if !self.account.has(&key.limit, window) {
            return Err(BookRefusal::PolicyChanged);
        }
        if self.is_closed(key, window) {
            return Err(BookRefusal::Closed);
        }
        let old = self.marks.get(key).copied();
        if old.is_none() && self.marks.len() >= MARKS_MAX {
            return Err(BookRefusal::TooMany);
        }
        let mut mark = old.unwrap_or_else(|| {
            let carried = self.account.carried(window, series.life);
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
            return Err(BookRefusal::Spent);
        }
        mark.hi += taken;
        mark.booked = if mark.life == series.life { mark.booked + taken } else { taken };
        mark.life = series.life;
        debug_assert!(
            taken.is_zero() || mark.hi <= budget,
            "{key:?}: {mark:?} exceeds the budget of {budget}"
        );
        debug_assert!(mark.booked <= mark.hi && mark.known <= mark.hi, "{mark:?}: a part exceeds the whole");
        self.marks.insert(key.clone(), mark);
        Ok(Raise { key: key.clone(), from, to: mark.hi })
    }

    /// Counts the whole budget of `window` as booked.
    pub fn spend(&mut self, key: &MarkKey, window: &Window, budget: Permits) {
        let end = window.end.earliest;
        if mutant::active(Mutant::ExhaustedInMemoryOnly) {
            return;
        }
        if !self.account.has(&key.limit, window) {
            let spent = Spent { from: key.window_start, until: end, permits: budget };
            self.account.exhausted.push(spent.into());
        } else if let Some(mark) = self.marks.get_mut(key) {
            mark.hi = mark.hi.max(budget);
            mark.is_exhausted = true;
        } else if self.marks.len() < MARKS_MAX {
            let known = self.account.carried(window, 0).all;
            let (hi, booked) = (known.max(budget), Permits::ZERO);
            let mark = Mark { window_end: end, hi, known, life: 0, booked, is_exhausted: true };
            self.marks.insert(key.clone(), mark);
        }
    }
}
