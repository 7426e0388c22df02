//! What an allocator granted under limits that have been changed since, as far as it may still be counted.
//!
//! A lease of a former shape of the workspace goes on to live, and is charged to the windows of every limit that is new. Owns how
//! much that is and when it is over. Knows no limits and no teams.

use crate::ids::LimitId;
use crate::ledger::{Granted, Series, Spent};
use crate::permits::Permits;
use crate::time::Timestamp;
use crate::window::Window;

/// Most entries that are told apart; beyond it the two oldest become one.
const ENTRIES_MAX: usize = 12;

/// Leases of one window of a former shape, or what they were used for.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// What leases of it call it; 0: none may correct it.
    number: u32,
    /// The newest series of windows that these leases were charged to.
    newest: u32,
    granted: Granted,
}

/// Everything that was granted under former shapes.
#[derive(Clone, Debug, Default)]
pub(super) struct Former {
    parts: Vec<Part>,
    last: u32,
    /// Of each series that went on when the shape changed last: the start of a window, and how much of it was granted by then.
    pub(super) before: Vec<(Series, Timestamp, Permits)>,
    /// When the newest statement was made.
    stated_at: Timestamp,
    /// A block that was asked for after it: once that is booked, the statement is written.
    awaited: Option<(LimitId, Timestamp)>,
    /// What was said is not so any more.
    pub(super) is_stale: bool,
}

impl Former {
    /// Adds what was granted in a window. Returns the number by which its leases correct it.
    pub(super) fn add(&mut self, spent: Spent, final_at: Timestamp, newest: u32) -> u32 {
        self.last += 1;
        if self.parts.len() >= ENTRIES_MAX {
            self.merge();
        }
        self.parts.push(Part { number: self.last, newest, granted: Granted { spent, final_at } });
        self.last
    }

    /// The two that end first become one that nobody corrects.
    fn merge(&mut self) {
        self.parts.sort_by_key(|part| (part.granted.final_at, part.number));
        let Granted { spent: other, final_at } = self.parts.remove(1).granted;
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

    /// The newest series of windows that the leases of a part were charged to; nothing where it is over.
    pub(super) fn newest_series(&self, number: u32) -> Option<u32> {
        self.find(number).map(|at| self.parts[at].newest)
    }

    /// Permits of a lease came back, and will never be counted.
    pub(super) fn give_back(&mut self, number: u32, n: Permits) {
        if let Some(at) = self.find(number) {
            self.parts[at].granted.spent.permits -= n;
            self.is_stale = true;
        }
    }

    /// A lease has nothing left: what it was used for is counted before `until`.
    pub(super) fn use_up(&mut self, number: u32, n: Permits, until: Timestamp) {
        let Some(at) = self.find(number) else { return };
        let Part { newest, granted: Granted { spent, final_at }, .. } = self.parts[at];
        if until >= spent.until || n.is_zero() {
            return;
        }
        self.parts[at].granted.spent.permits -= n;
        self.is_stale = true;
        let used = |part: &&mut Part| part.number == 0 && part.granted.final_at == final_at;
        match self.parts.iter_mut().find(used) {
            Some(part) => {
                let known = &mut part.granted.spent;
                *known = Spent {
                    from: known.from.min(spent.from),
                    until: known.until.max(until),
                    permits: known.permits + n,
                };
            }
            None => {
                self.add(Spent { until, permits: n, ..spent }, final_at, newest);
                if let Some(part) = self.parts.last_mut() {
                    part.number = 0;
                }
            }
        }
    }

    fn find(&self, number: u32) -> Option<usize> {
        self.parts.iter().position(|part| part.number == number && number != 0)
    }

    /// How much of a window that goes on was granted when the shape changed last.
    pub(super) fn known_of(&self, series: Series, window: &Window) -> Permits {
        let same = |(known, start, _): &&(Series, Timestamp, Permits)| {
            (*known, *start) == (series, window.start.earliest)
        };
        self.before.iter().find(same).map_or(Permits::ZERO, |(.., granted)| *granted)
    }

    /// What is to be said of it now.
    pub(super) fn state(&mut self, now: Timestamp) -> Vec<Granted> {
        (self.stated_at, self.awaited, self.is_stale) = (now, None, false);
        self.parts.iter().map(|part| part.granted).collect()
    }

    /// A block is asked for.
    pub(super) fn asked(&mut self, limit: &LimitId, window: &Window) {
        if self.awaited.is_none() {
            self.awaited = Some((limit.clone(), window.start.earliest));
        }
    }

    /// A block was booked: the statement before it is written, and what was final by then need not be said again.
    pub(super) fn booked(&mut self, limit: &LimitId, window_start: Timestamp) {
        if self.awaited.as_ref().is_some_and(|(of, start)| of == limit && *start == window_start) {
            let stated_at = self.stated_at;
            self.parts.retain(|part| part.granted.final_at > stated_at);
        }
    }
}
