//! The account of one workspace: what it was granted under limits that have been changed since, and in windows long over.
//!
//! A provider counts the requests of an account. It knows neither the ids that policy gives to limits nor when they were
//! changed. So whatever was granted stays in the account, as permits that may be counted during a span of time, and a window
//! without a mark starts with all of it that the window overlaps. Knows no store, no teams and no requests.

use super::shape::Shape;
use super::spent::{AccountEntry, merge};
use super::statement::{FormerGrant, Statement};
use crate::ids::LimitId;
use crate::mutant::{self, Mutant};
use crate::permits::Permits;
use crate::time::{Span, Timestamp};
use crate::window::Window;

/// Most entries of one list of an account; beyond it neighbours are merged, the oldest first.
pub const ENTRIES_MAX: usize = 32;
/// For how long after its end an entry is kept: longer than the windows of any provider that we know of.
pub const REMEMBERED: Span = Span::from_secs(31 * 86_400);

/// What a window starts with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Carried {
    /// Permits that may be counted in it.
    pub(super) all: Permits,
    /// Of those, the ones that the allocator that books may still correct.
    pub(super) own: Permits,
}

/// Everything of one workspace that its marks do not say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// The limits that the marks are of.
    pub shape: Shape,
    /// What was granted under former shapes.
    pub former: Vec<AccountEntry>,
    /// What was granted under this shape, in windows that bear no mark any more.
    pub past: Vec<AccountEntry>,
    /// Windows of former shapes that were exhausted, each with its budget. Unlike grants these do not add up.
    pub exhausted: Vec<AccountEntry>,
}

impl Account {
    /// What `window` starts with where it bears no mark, for a booking by `life`.
    pub(super) fn carried(&self, window: &Window, life: u64) -> Carried {
        let in_it = |entries: &[AccountEntry], of: &dyn Fn(&AccountEntry) -> bool| -> Permits {
            let entries = entries.iter().filter(|entry| entry.spent.overlaps(window) && of(entry));
            entries.map(|entry| entry.spent.permits).sum()
        };
        let granted = in_it(&self.former, &|_| true) + in_it(&self.past, &|_| true);
        let exhausted = self.exhausted.iter().filter(|entry| entry.spent.overlaps(window));
        let exhausted = exhausted.map(|entry| entry.spent.permits).max().unwrap_or_default();
        let carried =
            Carried { all: granted.max(exhausted), own: in_it(&self.former, &|entry| entry.life == life) };
        debug_assert!(carried.own <= carried.all, "{carried:?}: a part exceeds the whole");
        carried
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

    /// Replaces what an allocator stated before about its grants. What it does not state again stays for good.
    pub(super) fn correct(&mut self, statement: &Statement) {
        self.former.retain(|entry| entry.life != statement.life);
        self.former.iter_mut().for_each(|entry| entry.life = 0);
        if mutant::active(Mutant::LeasesOfFormerLimitsIgnored) {
            return;
        }
        let granted = statement.former.iter().filter(|granted| !granted.spent.permits.is_zero());
        self.former.extend(granted.map(|&FormerGrant { spent, final_at }| {
            let life = if final_at > statement.at { statement.life } else { 0 };
            AccountEntry { spent, life }
        }));
    }

    /// Forgets what ended long ago and merges what is old, so that no list outgrows `most`. Returns the latest end among what it
    /// forgot.
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
}
