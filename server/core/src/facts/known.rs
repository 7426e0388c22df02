//! The facts of one limit: one field for each, what is durable of them, and how policy and a new window change them.

use super::budget::Budget;
use super::external_use::ExternalUse;
use super::learned::{Basis, Learned};
use super::phase::Phase;
use crate::permits::Permits;
use crate::policy::LimitPolicy;
use crate::time::Timestamp;
use crate::window::{Grid, Window};

/// What is known about one limit.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When the workspace was created.
    created_at: Timestamp,
    pub(super) budget: Budget,
    pub(super) phase: Phase,
    pub(super) external_use: ExternalUse,
    pub(super) cooldown_until: Option<Timestamp>,
    /// Where the open window started; zero: not known yet.
    current: Timestamp,
}

impl Facts {
    /// What policy says of a limit of a workspace that was created at `created_at`, corrected by what was `learned` before of the
    /// same limit. External use is remembered for `external_use_memory` windows (at most [`EXTERNAL_USE_MEMORY_MAX`]).
    ///
    /// [`EXTERNAL_USE_MEMORY_MAX`]: super::EXTERNAL_USE_MEMORY_MAX
    pub fn new(
        policy: &LimitPolicy,
        created_at: Timestamp,
        external_use_memory: u32,
        learned: Option<&Learned>,
    ) -> Self {
        let learned = learned.map(|learned| learned.of(Basis::of(policy, created_at))).unwrap_or_default();
        Self {
            created_at,
            budget: Budget::new(policy.permits, learned.permits),
            phase: Phase::new(policy, learned.phase),
            external_use: ExternalUse::new(external_use_memory, learned.external_use),
            cooldown_until: learned.cooldown_until,
            current: Timestamp::ZERO,
        }
    }

    /// The windows, as known now.
    pub fn grid(&self) -> Grid {
        self.phase.grid()
    }

    /// The budget of the next window to open, as known now.
    pub fn budget(&self) -> Permits {
        self.budget.next()
    }

    /// The external use of the current window, at least.
    pub fn external_use(&self) -> Permits {
        self.external_use.used()
    }

    /// The external use that is still expected of the current window. Only responses lower it.
    pub fn external_use_to_come(&self) -> Permits {
        self.external_use.to_come()
    }

    /// How far the expected external use may be off: to be kept from a window at first, and released as it passes.
    pub fn external_use_margin(&self) -> Permits {
        self.external_use.margin(self.budget.next())
    }

    /// What must survive a restart.
    pub fn learned(&self) -> Learned {
        let learned = Learned {
            permits: self.budget.learned(),
            phase: self.phase.learned(),
            cooldown_until: self.cooldown_until,
            external_use: self.external_use.learned(),
            basis: None,
        };
        let (window, phase) = (self.phase.length(), self.phase.policy());
        let basis = Basis { permits: self.budget.policy(), window, phase, created_at: self.created_at };
        Learned { basis: (learned != Learned::default()).then_some(basis), ..learned }
    }

    /// Applies a change of policy. A new budget counts from the next window. What was learned stays unless policy changed just
    /// that, or its margins leave no time in windows that lie as was learned. Returns whether [`Facts::learned`] changed.
    #[must_use = "what was learned may have to be written"]
    pub fn set_policy(&mut self, policy: &LimitPolicy, external_use_memory: u32) -> bool {
        let before = self.learned();
        self.external_use.remember(external_use_memory);
        self.budget.set_policy(policy.permits);
        self.phase.set_policy(policy);
        before != self.learned()
    }

    /// Starts a new window. The same or an earlier one changes nothing. A cooldown that ended before it is forgotten; one that did
    /// not still holds in it.
    pub fn roll(&mut self, window: &Window) {
        let start = window.start.earliest;
        if self.current > Timestamp::ZERO {
            if start <= self.current {
                return;
            }
            let windows = start.since(self.current).as_ns() / self.phase.length().as_ns();
            let windows = u32::try_from(windows.max(1)).unwrap_or(u32::MAX);
            self.external_use.roll(windows, self.phase.length(), self.budget.next());
        }
        self.current = start;
        self.cooldown_until = self.cooldown_until.filter(|&until| until > start);
    }
}
