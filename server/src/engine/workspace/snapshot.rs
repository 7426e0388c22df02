//! What a workspace looks like now, for watchers and metrics.

use super::state::{Service, Workspace};
use crate::engine::health::Health;
use crate::engine::wait_stats::{Refusals, TeamWaits};
use crate::error::Error;
use apportion_core::allocator::{Allocator, LimitNow, TeamNow};
use apportion_core::policy::Policy;
use apportion_core::time::Timestamp;
use std::sync::Arc;

/// A workspace at one instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// When it was taken.
    pub now: Timestamp,
    /// Its limits, in the order of the policy; none while it is closed.
    pub limits: Vec<LimitNow>,
    /// The index of the primary limit, which paces decisions.
    pub scheduler: usize,
    /// Its teams, in order of id, and how long their requests waited.
    pub teams: Vec<(TeamNow, TeamWaits)>,
    /// Its policy; none while it is closed, or where it was not asked for.
    pub policy: Option<Policy>,
    /// Waiting requests.
    pub waiting_requests: usize,
    /// How many requests were refused since the start, by reason.
    pub refusals: Refusals,
    /// Why nothing is granted, or nothing beyond what is booked.
    pub trouble: Option<Error>,
}

impl Workspace {
    /// Takes a snapshot with the policy.
    pub(in crate::engine) fn snapshot(self: &Arc<Self>, health: &Health) -> Snapshot {
        self.capture(health, |allocator| Some(allocator.policy().clone()))
    }

    /// Takes a snapshot without the policy: for many workspaces at once.
    pub(in crate::engine) fn figures(self: &Arc<Self>, health: &Health) -> Snapshot {
        self.capture(health, |_| None)
    }

    fn capture(
        self: &Arc<Self>,
        health: &Health,
        policy: impl FnOnce(&Allocator) -> Option<Policy>,
    ) -> Snapshot {
        let mut guard = self.lock();
        let now = self.now();
        let state = &mut *guard;
        let allocator = match &mut state.service {
            Service::Open(allocator) => allocator,
            Service::Closed(why) => {
                let refusals = state.stats.refusals().clone();
                return Snapshot { refusals, ..Snapshot::closed(now, why) };
            }
        };
        let teams = allocator.teams_now(now).into_iter().map(|team| {
            let waits = state.stats.of(&team.id, now);
            (team, waits)
        });
        let snapshot = Snapshot {
            now,
            teams: teams.collect(),
            limits: allocator.limits_now(now),
            scheduler: allocator.primary_limit(),
            policy: policy(allocator),
            waiting_requests: allocator.waiting(),
            refusals: state.stats.refusals().clone(),
            trouble: trouble(allocator, health),
        };
        self.flush(state, now, None); // reading lets time pass
        snapshot
    }
}

impl Snapshot {
    /// A workspace that is closed for this reason.
    pub(in crate::engine) fn closed(now: Timestamp, why: &Error) -> Self {
        let trouble = Some(why.clone());
        let (limits, teams) = (Vec::new(), Vec::new());
        let refusals = Refusals::new();
        Self { now, limits, scheduler: 0, teams, policy: None, waiting_requests: 0, refusals, trouble }
    }
}

fn trouble(allocator: &Allocator, health: &Health) -> Option<Error> {
    if health.is_draining() {
        Some(Error::Draining)
    } else if allocator.is_store_lost() || health.is_store_lost() {
        Some(Error::StoreLost)
    } else {
        None
    }
}
