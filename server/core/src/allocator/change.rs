//! The policy changes: in force from the next decision on, for waiting requests too; budgets from the next window.

use super::state::Allocator;
use crate::ledger::continued;
use crate::policy::{Policy, PolicyError};
use crate::reshaping::LeftShape;
use crate::time::Timestamp;
use crate::windows::LimitChange;

impl Allocator {
    /// Puts another policy in force. Teams and limits keep what they have under the same id; a removed team's waiting requests
    /// are refused. Call [`Allocator::decide`] next.
    ///
    /// # Errors
    /// [`PolicyError`] where the policy breaks a rule; then nothing was changed.
    pub fn set_policy(&mut self, now: Timestamp, policy: Policy) -> Result<(), PolicyError> {
        self.set_policy_since(now, now, policy)
    }

    /// The same where the previous policy was in force until `since` only, and the change arrives later: a lower budget counts in
    /// windows that started after that, too.
    ///
    /// # Errors
    /// [`PolicyError`] where the policy breaks a rule; then nothing was changed.
    pub fn set_policy_since(
        &mut self,
        now: Timestamp,
        since: Timestamp,
        policy: Policy,
    ) -> Result<(), PolicyError> {
        policy.check()?;
        self.advance(now);
        let now = now.max(self.advanced_to);
        let old = std::mem::replace(&mut self.policy, policy);
        let (before, after) = (self.windows.shape(), self.windows.shape_under(&self.policy, &old));
        let left = (before != after).then(|| self.reshaping.leave(now, &self.windows, &mut self.leases));
        let continues = &continued(&before, &after);
        let change = LimitChange { policy: &self.policy, continues, now };
        self.windows.change(&change, || self.reshaping.next_series(), &mut self.effects);
        self.follow_boundaries(now);
        self.windows.lower_budgets(since);
        self.effects.lower_budgets(self.windows.limits());
        self.rebuild(now);
        if let Some(left) = left {
            self.enter_shape(left, now);
        }
        Ok(())
    }

    /// Where new margins leave no time in windows at learned boundaries, the windows return to those of the policy.
    fn follow_boundaries(&mut self, now: Timestamp) {
        for at in 0..self.windows.limits().len() {
            if self.windows.has_moved(at) {
                self.move_boundaries(at, now);
            }
        }
    }

    /// Windows lie elsewhere now.
    pub(super) fn enter_shape(&mut self, left: LeftShape, now: Timestamp) {
        if self.reshaping.has_other_primary(&left, &self.windows) {
            self.leases.forget_edges();
            self.contest.recount(&mut self.windows);
        }
        self.reshaping.enter(left, now, &self.windows, &mut self.effects);
    }
}
