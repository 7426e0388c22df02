//! What a provider's response said: it lowers what is left at once, and teaches later windows.

use super::Allocator;
use crate::observation::Observation;
use crate::time::Timestamp;

impl Allocator {
    /// Takes in what a response said. Call [`Allocator::decide`] next.
    pub fn observe(&mut self, now: Timestamp, observation: &Observation) {
        self.advance(now);
        let Some(limit) = self.limits.iter_mut().find(|limit| limit.policy.id == observation.limit) else { return };
        let granted = limit.booking.mark.less(limit.booking.free);
        if let Some(remaining) = observation.remaining {
            let others = limit.budget.less(granted + remaining);
            limit.booking.others = limit.booking.others.max(others);
        }
        limit.booking.exhausted |= observation.throttled;
    }
}
