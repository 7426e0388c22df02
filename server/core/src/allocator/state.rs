//! The parts of an allocator, and what can be read of it.

use crate::bounds::Bounds;
use crate::contest::{Contest, Rebuild};
use crate::effect::{Effect, Effects};
use crate::facts::Learned;
use crate::granting::Stall;
use crate::ids::LimitId;
use crate::lease::Leases;
use crate::permits::Permits;
use crate::policy::{Policy, PolicyError};
use crate::replies::Replies;
use crate::request::Answer;
use crate::reshaping::Reshaping;
use crate::rules::Rules;
use crate::time::Timestamp;
use crate::undecided::Undecided;
use crate::windows::Windows;
use std::collections::BTreeMap;

/// Who gets which permit of one workspace when.
#[derive(Clone, Debug)]
pub struct Allocator {
    pub(super) bounds: Bounds,
    pub(super) policy: Policy,
    pub(super) contest: Contest,
    pub(super) windows: Windows,
    pub(super) leases: Leases,
    pub(super) reshaping: Reshaping,
    pub(super) replies: Replies,
    pub(super) effects: Effects,
    pub(super) undecided: Undecided,
    pub(super) stall: Stall,
    /// The latest `now` so far.
    pub(super) advanced_to: Timestamp,
}

impl Allocator {
    /// A workspace under a policy, at `now`. Nothing is booked and nothing was learned yet.
    ///
    /// # Errors
    /// [`PolicyError`] where the policy breaks a rule.
    pub fn new(policy: Policy, bounds: Bounds, now: Timestamp) -> Result<Self, PolicyError> {
        Self::with_learned(policy, bounds, &BTreeMap::new(), 1, now)
    }

    /// The same with what was learned of its limits before a restart or by a previous owner. No other allocator of the workspace may
    /// ever have had this `life`, and it is not 0.
    ///
    /// # Errors
    /// [`PolicyError`] where the policy breaks a rule.
    pub fn with_learned(
        policy: Policy,
        bounds: Bounds,
        learned: &BTreeMap<LimitId, Learned>,
        life: u64,
        now: Timestamp,
    ) -> Result<Self, PolicyError> {
        policy.check()?;
        let newest_series = policy.limits.iter().zip(1..).map(|(_, series)| series).last().unwrap_or(0);
        let mut allocator = Self {
            bounds,
            contest: Contest::new(),
            windows: Windows::new(&policy, learned, now),
            leases: Leases::default(),
            reshaping: Reshaping::new(life, newest_series),
            replies: Replies::default(),
            effects: Effects::default(),
            undecided: Undecided::default(),
            stall: Stall::default(),
            advanced_to: now,
            policy,
        };
        allocator.rebuild(now);
        Ok(allocator)
    }

    /// Rebuilds the teams, and what is held back for them, from the policy.
    pub(super) fn rebuild(&mut self, now: Timestamp) {
        let rebuild = Rebuild { now, policy: &self.policy, removed_at_once: self.bounds.removed_at_once };
        self.contest.rebuild(&rebuild, &mut self.windows, &mut self.leases, &mut self.replies);
        for at in 0..self.windows.limits().len() {
            self.release(at, now);
            self.windows.invalidate_ahead(at);
        }
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { policy: &self.policy, contest: &self.contest, windows: &self.windows }
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The next answer that is due.
    pub fn next_answer(&mut self) -> Option<Answer> {
        self.replies.pop()
    }

    /// The next effect that is to be carried out.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop()
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.contest.queue().len()
    }

    /// Permits left in the primary limit's window.
    pub fn left(&self) -> Permits {
        self.windows.left()
    }

    /// The place of the primary limit, which paces decisions, in the policy.
    pub fn primary_limit(&self) -> usize {
        self.windows.primary_place()
    }

    /// The next instant at which [`Allocator::decide`] has something to do, if nothing else happens; `None` if there is none.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.rules().next_decision(self.advanced_to)
    }
}
