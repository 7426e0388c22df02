//! Edge permits: decisions inside a guard, and where a boundary is uncertain.

use super::Allocator;
use super::pick::Bound;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::share::tree::Tree;
use crate::time::Timestamp;

impl Allocator {
    /// Inside a guard, and where a boundary is uncertain, a request may be counted in either of two windows: an edge permit is
    /// charged to both. A head that does not fit a cap in one of them is passed over.
    pub(super) fn grant_at_the_edge(&mut self, now: Timestamp) {
        if self.limits.iter().any(|limit| now < limit.stop_until) {
            return;
        }
        let edge = self.policy.edge;
        for c in Priority::ALL.into_iter().filter(|&c| edge[c]) {
            while let Some(candidate) = self.pick(Tree::ROOT, c, &self.edge_bound(now)) {
                if self.grant(now, candidate, Tree::ROOT).is_none() {
                    return;
                }
            }
        }
    }

    /// What an edge permit may take: what both windows have left. Where the scheduler's own window is open, caps hold in that alone.
    fn edge_bound(&self, now: Timestamp) -> Bound {
        let left = self.limits.iter().map(|limit| {
            let left = limit.left(self.store_lost);
            if limit.is_open(now) { left } else { left.min(limit.left_next(self.store_lost)) }
        });
        let most = left.min().unwrap_or(Permits::ZERO);
        let scheduler = &self.limits[self.scheduler];
        let foreign = scheduler.next.foreign;
        if scheduler.is_open(now) { Bound::Flat(most) } else { Bound::Edge { most, foreign } }
    }
}
