//! How much a team may be granted now.

use super::bounds::{Bound, Within};
use super::view::Rules;
use crate::permits::Permits;
use crate::priority::Priority;
use crate::share::tree::NodeIx;

impl Rules<'_> {
    /// The most that a team may be granted in one priority, caps aside.
    pub(crate) fn most(&self, team: NodeIx, c: Priority, within: &Within) -> Permits {
        let this = match within.this {
            Bound::Flat(most) => most,
            Bound::Held { lower, protected, floor } => {
                let primary = self.windows.primary_place();
                let is_store_lost = self.windows.is_store_lost();
                let (mut most, mut by_floor) = (u64::MAX, u64::from(floor));
                for (at, limit) in self.windows.limits().iter().enumerate() {
                    let left = u64::from(limit.left(is_store_lost));
                    let held = limit.holdback.held_from(team, c);
                    if at == primary {
                        most = most.min(left.saturating_sub(held + protected + lower));
                        by_floor = by_floor.min(left.saturating_sub(lower));
                    } else {
                        most = most.min(left.saturating_sub(held));
                        by_floor = by_floor.min(left.saturating_sub(held));
                    }
                }
                Permits::clamped(most.max(by_floor))
            }
        };
        within.next.map_or(this, |next| this.min(self.most_next(team, c, &next)))
    }
}
