//! Floors: the share of each window kept for a priority while it has a backlog, so that nobody starves.

use crate::permits::Permits;
use crate::policy::{BILLION, Share};

/// What a priority may still claim of this window. Counted in billionths of a permit, so that fractions add up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Floor {
    credit: u64,
    used: u64,
}

impl Floor {
    /// Whole permits left of the floor, rounded down.
    pub(crate) fn left(&self) -> Permits {
        Permits::clamped(self.credit.saturating_sub(self.used) / BILLION)
    }

    /// Counts net grants of the priority, however they came about.
    pub(crate) fn spend(&mut self, n: Permits) {
        self.used += u64::from(n) * BILLION;
    }

    /// Permits came back.
    pub(crate) fn restore(&mut self, n: Permits) {
        self.used = self.used.saturating_sub(u64::from(n) * BILLION);
    }

    /// The floor of the window that follows, of which edge permits took `used`. What was not used of this one is carried over
    /// up to the largest waiting head, so that a floor smaller than one request adds up to it.
    pub(crate) fn following(&self, share: Share, budget: Permits, largest_head: Permits, used: u64) -> Self {
        let carried = self.credit.saturating_sub(self.used).min(u64::from(largest_head) * BILLION);
        let next = Self { credit: share.of(budget) + carried, used: used * BILLION };
        debug_assert!(next.left() <= budget + largest_head, "no more than one window and one request");
        next
    }
}
