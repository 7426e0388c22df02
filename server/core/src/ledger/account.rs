//! The account of one workspace: what it was granted under limits that have been changed since, and in windows long over.
//!
//! A provider counts the requests of an account. It knows neither the ids that policy gives to limits nor when they were
//! changed. So whatever was granted stays in the account, as permits that may be counted during a span of time, and a window
//! without a mark starts with all of it that the window overlaps. Knows no store, no teams and no requests.

use crate::ids::LimitId;
use crate::mutant::{self, Mutant};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::{Grid, Window};

/// Most entries of one list of an account; beyond it neighbours are merged, the oldest first.
pub const ENTRIES_MAX: usize = 32;
/// For how long after its end an entry is kept: longer than the windows of any provider that we know of.
pub const REMEMBERED: Span = Span::from_secs(31 * 86_400);
/// Entries that ended less than this ago are merged only beyond the bound, so a window of a minute or less is known exactly.
const EXACT: Span = Span::from_secs(120);

/// The limits of a workspace in the order of policy, each with where its windows lie.
pub type Shape = Vec<(LimitId, Grid)>;

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
pub struct Entry {
    /// What was spent, and when it may be counted.
    pub spent: Spent,
    /// Which allocator may still correct it; 0: none.
    pub life: u64,
}

/// Who books, and in which series of windows. A limit starts a new series whenever its windows come to lie elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Series {
    /// The allocator: unlike for any other one of the workspace, ever. Never 0.
    pub life: u64,
    /// The limit's series in that life.
    pub number: u32,
}

/// What an allocator says of its workspace: where windows lie now, and what it granted in those that lay elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// When this was so.
    pub at: Timestamp,
    /// Which allocator says so.
    pub life: u64,
    /// Which of its statements this is: they count up.
    pub number: u32,
    /// Windows lie elsewhere than in the last one: nothing is granted before it is written.
    pub is_urgent: bool,
    /// The limits now.
    pub shape: Shape,
    /// Everything that this allocator granted under former shapes, as far as no statement that was written made it final.
    pub former: Vec<Granted>,
}

/// What an allocator granted under a former shape, and when nothing more will be said of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Granted {
    /// What, and when it may be counted.
    pub spent: Spent,
    /// The end of the window it was granted in. The mark of that window speaks for it from then on.
    pub final_at: Timestamp,
}

/// What a window starts with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Carried {
    /// Permits that may be counted in it.
    pub(super) all: Permits,
    /// Of those, the ones that the allocator that books may still correct.
    pub(super) own: Permits,
}

/// Everything of one workspace that its marks do not tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// The limits that the marks are of.
    pub shape: Shape,
    /// What was granted under former shapes.
    pub former: Vec<Entry>,
    /// What was granted under this shape, in windows that bear no mark any more.
    pub past: Vec<Entry>,
    /// Windows of former shapes that were exhausted, each with its budget. Unlike grants these do not add up.
    pub exhausted: Vec<Entry>,
}

impl Spent {
    fn overlaps(&self, window: &Window) -> bool {
        self.from < window.end.latest && window.start.earliest < self.until
    }

    fn with(self, other: Self, permits: Permits) -> Self {
        Self { from: self.from.min(other.from), until: self.until.max(other.until), permits }
    }
}

impl From<Spent> for Entry {
    /// An entry that nobody can correct any more.
    fn from(spent: Spent) -> Self {
        Self { spent, life: 0 }
    }
}

impl Account {
    /// What `window` starts with where it bears no mark, for a booking by `life`.
    pub(super) fn carried(&self, window: &Window, life: u64) -> Carried {
        let in_it = |entries: &[Entry], of: &dyn Fn(&Entry) -> bool| -> Permits {
            let entries = entries.iter().filter(|entry| entry.spent.overlaps(window) && of(entry));
            entries.map(|entry| entry.spent.permits).sum()
        };
        let granted = in_it(&self.former, &|_| true) + in_it(&self.past, &|_| true);
        let exhausted = self.exhausted.iter().filter(|entry| entry.spent.overlaps(window));
        let exhausted = exhausted.map(|entry| entry.spent.permits).max().unwrap_or_default();
        Carried { all: granted.max(exhausted), own: in_it(&self.former, &|entry| entry.life == life) }
    }

    /// Whether `window` is one of `limit`'s.
    pub(super) fn has(&self, limit: &LimitId, window: &Window) -> bool {
        let mut grids = self.shape.iter().filter(|(id, _)| id == limit);
        grids.next().is_some_and(|(_, grid)| grid.at(window.start.earliest) == *window)
    }

    /// The limit with the shortest windows, the first of those: every permit was charged to one of them.
    pub(super) fn finest(&self) -> Option<&LimitId> {
        self.shape.iter().min_by_key(|(_, grid)| grid.length()).map(|(id, _)| id)
    }

    /// Takes what an allocator says of its grants for what it said before. What it will not say again stays for good.
    pub(super) fn correct(&mut self, statement: &Statement) {
        self.former.retain(|entry| entry.life != statement.life);
        self.former.iter_mut().for_each(|entry| entry.life = 0);
        if mutant::active(Mutant::LeasesOfFormerLimitsIgnored) {
            return;
        }
        let granted = statement.former.iter().filter(|granted| !granted.spent.permits.is_zero());
        self.former.extend(granted.map(|&Granted { spent, final_at }| {
            let life = if final_at > statement.at { statement.life } else { 0 };
            Entry { spent, life }
        }));
    }

    /// Forgets what ended long ago and merges what is old, so that no list outgrows `most`. Returns when the last ended of what
    /// it forgot.
    pub(super) fn tidy(&mut self, now: Timestamp, most: usize) -> Option<Timestamp> {
        let mut forgotten = None;
        for list in [&mut self.former, &mut self.past, &mut self.exhausted] {
            list.retain(|entry| {
                let is_old = now.since(entry.spent.until) > REMEMBERED;
                forgotten = forgotten.max(is_old.then_some(entry.spent.until));
                !is_old
            });
        }
        merge(&mut self.former, now, most, |a, b| a + b);
        merge(&mut self.past, now, most, |a, b| a + b);
        merge(&mut self.exhausted, now, most, Permits::max);
        forgotten
    }

    /// Whether it tells nothing that a new one would not.
    pub(super) fn is_empty(&self) -> bool {
        self.former.is_empty() && self.past.is_empty() && self.exhausted.is_empty()
    }
}

/// Merges neighbours: those that together span less than half of their age, and beyond `most` entries whatever loses least by it.
fn merge(list: &mut Vec<Entry>, now: Timestamp, most: usize, join: fn(Permits, Permits) -> Permits) {
    list.sort_by_key(|entry| (entry.spent.from, entry.spent.until));
    while let Some((at, both)) = next_to_merge(list, now, list.len() > most, join) {
        list.remove(at);
        list[at - 1].spent = both;
    }
}

/// The pair of neighbours whose span is the smallest part of its age, and what they are together.
fn next_to_merge(
    list: &[Entry],
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

/// Which limit of the shape before each limit goes on with, by its place there: the one with the same windows under the same id,
/// or one whose id is gone.
pub(crate) fn continued(before: &Shape, now: &Shape) -> Vec<Option<usize>> {
    let same = |(id, grid): &(LimitId, Grid)| before.iter().position(|old| old.0 == *id && old.1 == *grid);
    let mut from: Vec<_> = now.iter().map(same).collect();
    for (place, (_, grid)) in now.iter().enumerate() {
        if from[place].is_none() {
            let free = |&old: &usize| before[old].1 == *grid && !from.contains(&Some(old));
            from[place] = (0..before.len()).find(free);
        }
    }
    from
}
