//! What a workspace looks like now, for people who watch it and for metrics.

use super::answer::Refused;
use super::parts::Parts;
use super::waits::TeamWaits;
use super::workspace::Workspace;
use apportion_core::allocator::{Allocator, LimitNow, TeamNow};
use apportion_core::policy::Policy;
use apportion_core::time::Timestamp;
use std::sync::Arc;

/// A workspace at one instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// When it was taken.
    pub now: Timestamp,
    /// Its limits, in the order of the policy; none while it is not served.
    pub limits: Vec<LimitNow>,
    /// Which of them is the scheduler's own.
    pub scheduler: usize,
    /// Its teams, in order of id, and how their requests fared.
    pub teams: Vec<(TeamNow, TeamWaits)>,
    /// What is configured; none while it is not served.
    pub policy: Option<Policy>,
    /// Requests that wait.
    pub waiting_requests: usize,
    /// Why nothing is granted, or nothing beyond what is booked.
    pub trouble: Option<Refused>,
}

impl Workspace {
    /// What it looks like now, and what is configured.
    pub(super) fn snapshot(self: &Arc<Self>, parts: &Arc<Parts>) -> Snapshot {
        self.shown(parts, |allocator| Some(allocator.policy().clone()))
    }

    /// The same without what is configured: for many workspaces at once.
    pub(super) fn figures(self: &Arc<Self>, parts: &Arc<Parts>) -> Snapshot {
        self.shown(parts, |_| None)
    }

    fn shown(
        self: &Arc<Self>,
        parts: &Arc<Parts>,
        policy: impl FnOnce(&Allocator) -> Option<Policy>,
    ) -> Snapshot {
        self.read(parts, |now, allocator, waits| {
            let allocator = match allocator {
                Ok(allocator) => allocator,
                Err(why) => return closed(now, why),
            };
            let teams = allocator.teams_now(now).into_iter().map(|team| {
                let waits = waits.of(&team.id, now);
                (team, waits)
            });
            Snapshot {
                now,
                teams: teams.collect(),
                limits: allocator.limits_now(now),
                scheduler: allocator.primary_limit(),
                policy: policy(allocator),
                waiting_requests: allocator.waiting(),
                trouble: trouble(allocator, parts),
            }
        })
    }
}

fn closed(now: Timestamp, why: &Refused) -> Snapshot {
    let trouble = Some(why.clone());
    let (limits, teams) = (Vec::new(), Vec::new());
    Snapshot { now, limits, scheduler: 0, teams, policy: None, waiting_requests: 0, trouble }
}

fn trouble(allocator: &Allocator, parts: &Parts) -> Option<Refused> {
    if parts.is_draining() {
        Some(Refused::Draining)
    } else if allocator.is_store_lost() || parts.is_store_lost() {
        Some(Refused::StoreLost)
    } else {
        None
    }
}
