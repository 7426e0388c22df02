//! The budget of a window: policy's, or as the provider's responses correct it.

use crate::permits::Permits;
use crate::request::LeaseId;

/// A budget that holds for later windows only once responses of two different leases agree on it.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    policy: Permits,
    /// What two leases agreed on, where it differs from policy.
    learned: Option<Permits>,
    /// The last reported value that differed from the budget, and its lease.
    reported: Option<Box<(LeaseId, Permits)>>,
}

impl Budget {
    pub(super) fn new(policy: Permits, learned: Option<Permits>) -> Self {
        let learned = learned.filter(|&permits| permits != policy && !permits.is_zero());
        Self { policy, learned, reported: None }
    }

    /// Applies policy: another budget replaces what was learned; the same one does not.
    pub(super) fn set_policy(&mut self, policy: Permits) {
        if policy != self.policy {
            *self = Self::new(policy, None);
        }
    }

    /// The budget of the next window to open.
    pub(super) fn next(&self) -> Permits {
        self.learned.unwrap_or(self.policy)
    }

    pub(super) fn policy(&self) -> Permits {
        self.policy
    }

    pub(super) fn learned(&self) -> Option<Permits> {
        self.learned
    }

    /// Takes in a response under `lease` which says that the budget of a window is `permits`.
    pub(super) fn observe(&mut self, lease: LeaseId, permits: Permits) {
        if permits == self.next() {
            self.reported = None;
            return;
        }
        match self.reported.as_deref().copied() {
            Some((other, same)) if same == permits && other != lease => {
                *self = Self::new(self.policy, Some(permits));
            }
            _ => self.reported = Some(Box::new((lease, permits))),
        }
    }
}
