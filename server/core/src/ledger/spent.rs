//! Permits that may be counted during a span of time, as an account keeps them, and how many such entries become fewer.

use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::Window;

/// Entries that ended less than this ago are merged only beyond the bound, so a window of a minute or less is known exactly.
const EXACT: Span = Span::from_secs(120);

/// Permits that may be counted at any instant from `from` on and before `until`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spent {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// How many.
    pub permits: Permits,
}

/// One entry of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountEntry {
    /// What was spent, and when it may be counted.
    pub spent: Spent,
    /// Which allocator may still correct it; 0 if none may.
    pub life: u64,
}

impl Spent {
    pub(super) fn overlaps(&self, window: &Window) -> bool {
        self.from < window.end.latest && window.start.earliest < self.until
    }

    fn with(self, other: Self, permits: Permits) -> Self {
        Self { from: self.from.min(other.from), until: self.until.max(other.until), permits }
    }
}

impl From<Spent> for AccountEntry {
    /// An entry that nobody can correct any more.
    fn from(spent: Spent) -> Self {
        Self { spent, life: 0 }
    }
}

/// Merges neighbours: those that together span less than half of their age, and beyond `most` entries whatever loses least by it.
pub(super) fn merge(
    list: &mut Vec<AccountEntry>,
    now: Timestamp,
    most: usize,
    join: fn(Permits, Permits) -> Permits,
) {
    list.sort_by_key(|entry| (entry.spent.from, entry.spent.until));
    while let Some((at, both)) = next_to_merge(list, now, list.len() > most, join) {
        list.remove(at);
        list[at - 1].spent = both;
    }
}

/// The pair of neighbours whose span is the smallest part of its age, and what they are together.
fn next_to_merge(
    list: &[AccountEntry],
    now: Timestamp,
    is_full: bool,
    join: fn(Permits, Permits) -> Permits,
) -> Option<(usize, Spent)> {
    let pairs = list.windows(2).zip(1..).filter(|(pair, _)| pair[0].life == pair[1].life);
    let spans = pairs.map(|(pair, at)| {
        let (a, b) = (pair[0].spent, pair[1].spent);
        let both = a.with(b, join(a.permits, b.permits));
        (both.until.since(both.from), now.since(both.until), at, both)
    });
    let due = spans.filter(|(span, age, ..)| is_full || (*age > EXACT && *span + *span < *age));
    let loss = |span: Span, age: Span| u128::from(span.as_ns()) * 1_000 / u128::from(age.as_ns().max(1));
    due.min_by_key(|&(span, age, at, _)| (loss(span, age), at)).map(|(.., at, both)| (at, both))
}
