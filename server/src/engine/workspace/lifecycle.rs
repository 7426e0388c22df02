//! A workspace is opened, closed, and gets another policy.

use super::state::{Service, Workspace};
use crate::engine::grant::WorkspaceEvent;
use crate::engine::lease_name::Life;
use crate::engine::settings::Versioned;
use crate::error::Error;
use apportion_core::allocator::Allocator;
use apportion_core::facts::Learned;
use apportion_core::ids::LimitId;
use apportion_core::ledger::MarkKey;
use apportion_core::permits::Permits;
use apportion_core::policy::PolicyError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a workspace is opened with.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Opening<'a> {
    /// The life that begins.
    pub(in crate::engine) life: Life,
    /// What was learned of its limits.
    pub(in crate::engine) learned: &'a BTreeMap<LimitId, Learned>,
    /// Whether the clock has a new anchor: windows that were open under the old one count as spent.
    pub(in crate::engine) is_reanchored: bool,
}

impl Workspace {
    /// Opens the workspace with a new allocator. Not while the clock is unsteady: once it is steady, every workspace is opened
    /// again. The clock check closes workspaces after a step one by one, so none slips through.
    pub(in crate::engine) fn open(&self, opening: Opening<'_>) {
        let mut guard = self.lock();
        let now = self.now();
        if !self.environment.clock.is_steady() {
            return guard.close(&Error::ClockUnsteady);
        }
        guard.close(&Error::StoreLost);
        let policy = guard.versioned.policy.clone();
        let bounds = self.environment.bounds;
        match Allocator::with_learned(policy, bounds, opening.learned, opening.life.number(), now) {
            Ok(mut allocator) => {
                if opening.is_reanchored {
                    allocator.spend_open_windows(now);
                }
                guard.service = Service::Open(Box::new(allocator));
                guard.life = opening.life;
            }
            Err(error) => tracing::error!(
                workspace = %self.id, %error,
                "the stored policy breaks a rule: the workspace stays closed until it is changed"
            ),
        }
    }

    /// Refuses all waiting requests, and every request until the workspace is opened.
    pub(in crate::engine) fn close(&self, why: &Error) {
        self.lock().close(why);
    }

    /// Closes the workspace: it is served here no more. Returns how many permits of each window were booked here and never granted.
    pub(in crate::engine) fn finish(&self, why: &Error) -> Vec<(MarkKey, Permits)> {
        let mut guard = self.lock();
        let mark = |(limit, window_start, permits): (&LimitId, _, _)| {
            (MarkKey { workspace: self.id.clone(), limit: limit.clone(), window_start }, permits)
        };
        let unspent = match &guard.service {
            Service::Open(allocator) => allocator.unspent().map(mark).collect(),
            Service::Closed(_) => Vec::new(),
        };
        guard.close(why);
        unspent
    }

    /// The version of the policy in force.
    pub(in crate::engine) fn policy_version(&self) -> u64 {
        self.lock().versioned.version
    }

    /// Puts a policy in force, for waiting requests too.
    ///
    /// # Errors
    /// The rule that it breaks; nothing is changed then.
    pub(in crate::engine) fn set_policy(self: &Arc<Self>, versioned: Versioned) -> Result<(), PolicyError> {
        let mut guard = self.lock();
        let now = self.now();
        versioned.policy.check()?;
        if let Service::Open(allocator) = &mut guard.service {
            let before = allocator.policy().limits.clone();
            allocator.set_policy(now, versioned.policy.clone())?;
            for limit in &allocator.policy().limits {
                if !before.iter().any(|old| old.id == limit.id && old.permits == limit.permits) {
                    self.publish(WorkspaceEvent::LimitChanged {
                        limit: limit.id.clone(),
                        permits: limit.permits,
                        window: limit.window,
                    });
                }
            }
        }
        guard.stats.set_policy(&versioned.policy);
        guard.versioned = versioned;
        self.decide(&mut guard, now);
        Ok(())
    }
}
