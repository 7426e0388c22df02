//! What an allocator granted under limits that have been changed since, as far as the provider may still count it.
//!
//! A lease of a previous shape of the workspace stays alive, and is charged to the windows of every limit that is new. Owns how
//! much that is and until when. Knows no limits and no teams.

use crate::ledger::{FormerGrant, Series, Spent};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::Window;

/// The number of a part that no lease corrects: all of its permits were used.
const USED_UP: u32 = u32::MAX;
/// What is used within so long is stated together.
const NEAR: Span = Span::from_ms(100);
/// Most entries that are kept apart; beyond it the two oldest become one.
const ENTRIES_MAX: usize = 24;

/// Leases of one window of a previous shape, or what they were used for.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// The number by which leases refer to it; 0 if none may correct it.
    number: u32,
    /// The newest series of windows that these leases were charged to.
    newest: u32,
    granted: FormerGrant,
}

/// Everything that was granted under previous shapes.
#[derive(Clone, Debug, Default)]
pub(crate) struct PreviousGrants {
    parts: Vec<Part>,
    last: u32,
    /// Of each series that went on when the shape changed last: the start of a window, and how much of it was granted by then.
    pub(crate) before: Vec<(Series, Timestamp, Permits)>,
    /// When the newest statement was made, and its number.
    stated_at: Timestamp,
    statement: u32,
    /// What was stated is out of date.
    pub(crate) is_stale: bool,
}

impl PreviousGrants {
    /// Adds what leases of a window may still use. Returns the number by which they correct it.
    pub(crate) fn add_live(&mut self, spent: Spent, final_at: Timestamp, newest: u32) -> u32 {
        if spent.permits.is_zero() {
            return USED_UP;
        }
        self.last += 1;
        self.push(Part { number: self.last, newest, granted: FormerGrant { spent, final_at } });
        self.last
    }

    /// Adds what was used in a window: it is final.
    pub(crate) fn add_used(&mut self, spent: Spent, final_at: Timestamp, newest: u32) {
        if !spent.permits.is_zero() {
            self.push(Part { number: 0, newest, granted: FormerGrant { spent, final_at } });
        }
    }

    fn push(&mut self, part: Part) {
        if self.parts.len() >= ENTRIES_MAX {
            self.merge();
        }
        self.parts.push(part);
    }

    /// Merges two entries into one that no lease corrects: final ones first, and of those the ones that end first.
    fn merge(&mut self) {
        self.parts.sort_by_key(|part| (part.number != 0, part.granted.spent.until));
        let FormerGrant { spent: other, final_at } = self.parts.remove(1).granted;
        let Part { number, granted, .. } = &mut self.parts[0];
        let spent = granted.spent;
        *number = 0;
        granted.final_at = granted.final_at.max(final_at);
        granted.spent = Spent {
            from: spent.from.min(other.from),
            until: spent.until.max(other.until),
            permits: spent.permits + other.permits,
        };
    }

    /// The newest series of windows that the leases of a part were charged to; none where it has expired.
    pub(crate) fn newest_series(&self, number: u32) -> Option<u32> {
        self.find(number).map(|at| self.parts[at].newest)
    }

    /// Permits of a lease came back, and will never be counted.
    pub(crate) fn give_back(&mut self, number: u32, n: Permits) {
        if let Some(at) = self.find(number) {
            self.parts[at].granted.spent.permits -= n;
            self.is_stale = true;
        }
    }

    /// A lease has nothing left: what it was used for is counted before `until`.
    pub(crate) fn use_up(&mut self, number: u32, n: Permits, until: Timestamp) {
        let Some(at) = self.find(number) else { return };
        let Part { newest, granted: FormerGrant { spent, final_at }, .. } = self.parts[at];
        if until >= spent.until || n.is_zero() {
            return;
        }
        self.parts[at].granted.spent.permits -= n;
        self.is_stale = true;
        let is_near = |at: Timestamp| at <= until && until.since(at) <= NEAR;
        let near = |part: &&mut Part| {
            part.number == 0 && part.granted.final_at == final_at && is_near(part.granted.spent.until)
        };
        match self.parts.iter_mut().find(near) {
            Some(part) => {
                let known = &mut part.granted.spent;
                *known = Spent { from: known.from.min(spent.from), until, permits: known.permits + n };
            }
            None => self.add_used(Spent { until, permits: n, ..spent }, final_at, newest),
        }
    }

    fn find(&self, number: u32) -> Option<usize> {
        self.parts.iter().position(|part| part.number == number && number != 0)
    }

    /// How much of a window that continues was granted when the shape changed last.
    pub(crate) fn known_of(&self, series: Series, window: &Window) -> Permits {
        let same = |(known, start, _): &&(Series, Timestamp, Permits)| {
            (*known, *start) == (series, window.start.earliest)
        };
        self.before.iter().find(same).map_or(Permits::ZERO, |(.., granted)| *granted)
    }

    /// So much of it came back: it may be granted again, as something new.
    pub(crate) fn came_back(&mut self, series: Series, window_start: Timestamp, n: Permits) {
        let same =
            self.before.iter_mut().find(|(known, start, _)| (*known, *start) == (series, window_start));
        if let Some((.., granted)) = same {
            *granted = granted.less(n);
        }
    }

    /// What the statement with this number is to contain.
    pub(crate) fn state(&mut self, now: Timestamp, number: u32) -> Vec<FormerGrant> {
        (self.stated_at, self.statement, self.is_stale) = (now, number, false);
        self.parts.iter().map(|part| part.granted).collect()
    }

    /// A statement is written: what was final by then need not be stated again.
    pub(crate) fn written(&mut self, number: u32) {
        if number == self.statement {
            let stated_at = self.stated_at;
            self.parts.retain(|part| part.granted.final_at > stated_at);
        }
    }
}
