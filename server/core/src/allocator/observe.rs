//! What a provider's response reported: it lowers what is left at once, and corrects later windows.

use super::state::Allocator;
use crate::facts::Finding;
use crate::observation::Observation;
use crate::time::Timestamp;
use crate::windows::SentUnder;

impl Allocator {
    /// Applies what a response reported, and returns what followed from it; nothing where the limit is unknown. Call
    /// [`Allocator::decide`] next.
    pub fn observe(&mut self, now: Timestamp, observation: &Observation) -> Option<Finding> {
        self.advance(now);
        let now = now.max(self.advanced_to);
        let at = self.windows.limits().iter().position(|limit| limit.id == observation.limit)?;
        let open = observation.lease.and_then(|lease| self.leases.find(lease));
        let sent =
            open.map(|open| SentUnder { granted_at: open.lease.granted_at, used_before: open.used_before });
        let finding = self.windows.observe(at, now, observation, sent, &mut self.effects);
        if finding.grid_changed {
            self.move_boundaries(at, now);
        }
        Some(finding)
    }

    /// The boundaries of a limit are not where they were assumed to be: its windows continue in another series.
    pub(super) fn move_boundaries(&mut self, at: usize, now: Timestamp) {
        let limit = &self.windows.limits()[at];
        let window = limit.window_of(now);
        if window == limit.window {
            return;
        }
        let left = self.reshaping.leave(now, &self.windows, &mut self.leases);
        self.windows.begin_series(at, self.reshaping.next_series());
        self.roll(at, window, now);
        if at == self.windows.primary_place() {
            self.windows.skip_first_round();
        }
        self.windows.mark_new(at);
        self.enter_shape(left, now);
    }
}
