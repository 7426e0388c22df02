//! The budget of a window, as policy has it or as the provider's responses correct it.

use crate::permits::Permits;
use crate::request::LeaseId;

/// What two responses of different leases must agree on before it holds for later windows.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    policy: Permits,
    /// What the leases agreed on, where it is not what policy says.
    learnt: Option<Permits>,
    /// The last value that differed from the budget, and under which lease it came.
    heard: Option<Box<(LeaseId, Permits)>>,
}

impl Budget {
    pub(super) fn new(policy: Permits, learnt: Option<Permits>) -> Self {
        let learnt = learnt.filter(|&permits| permits != policy && !permits.is_zero());
        Self { policy, learnt, heard: None }
    }

    /// A policy that says something else replaces what was learnt; one that says the same does not.
    pub(super) fn set_policy(&mut self, policy: Permits) {
        if policy != self.policy {
            *self = Self::new(policy, None);
        }
    }

    /// The budget of the next window to open.
    pub(super) fn next(&self) -> Permits {
        self.learnt.unwrap_or(self.policy)
    }

    pub(super) fn policy(&self) -> Permits {
        self.policy
    }

    pub(super) fn learnt(&self) -> Option<Permits> {
        self.learnt
    }

    /// A response under `lease` says that the budget of a window is `permits`.
    pub(super) fn observe(&mut self, lease: LeaseId, permits: Permits) {
        if permits == self.next() {
            self.heard = None;
            return;
        }
        match self.heard.as_deref().copied() {
            Some((who, same)) if same == permits && who != lease => {
                *self = Self::new(self.policy, Some(permits));
            }
            _ => self.heard = Some(Box::new((lease, permits))),
        }
    }
}
