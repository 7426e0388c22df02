//! What is durable of a limit's facts, and of which limit of policy it is known.

use super::phase::PhaseInterval;
use crate::mutant::{self, Mutant};
use crate::permits::Permits;
use crate::policy::LimitPolicy;
use crate::time::{Span, Timestamp};

/// What was learned about a limit and must survive a restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Learned {
    /// The budget of a window, where it differs from policy.
    pub permits: Option<Permits>,
    /// Where windows start, where resets contradicted policy.
    pub phase: Option<PhaseInterval>,
    /// Until when nothing may be sent.
    pub cooldown_until: Option<Timestamp>,
    /// External use to be expected of a new window.
    pub external_use: Permits,
    /// The limit that this is known of; `None`: any limit that it is applied to.
    pub basis: Option<Basis>,
}

/// The limit of policy that something was learned of. It does not hold for a limit of another shape, nor for one that was created
/// later.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Basis {
    /// The budget of a window.
    pub permits: Permits,
    /// The length of a window.
    pub window: Span,
    /// Where windows start.
    pub phase: Span,
    /// When the workspace was created.
    pub created_at: Timestamp,
}

impl Basis {
    /// A limit of a workspace that was created at `created_at`.
    pub(super) fn of(policy: &LimitPolicy, created_at: Timestamp) -> Self {
        Self { permits: policy.permits, window: policy.window, phase: policy.phase, created_at }
    }
}

impl Learned {
    /// The part that holds for `limit`: all of it for the limit it was learned of; everything but the budget where only the budget
    /// differs; only the cooldown for any other limit.
    pub(super) fn of(&self, limit: Basis) -> Self {
        let Some(basis) = self.basis.filter(|_| !mutant::active(Mutant::LearnedOfAnotherLimit)) else {
            return *self;
        };
        if basis == limit {
            *self
        } else if (Basis { permits: limit.permits, ..basis }) == limit {
            Self { permits: None, ..*self }
        } else {
            self.of_no_limit()
        }
    }

    /// The part that holds for every limit.
    pub(crate) fn of_no_limit(&self) -> Self {
        Self { cooldown_until: self.cooldown_until, basis: Some(Basis::default()), ..Self::default() }
    }
}
