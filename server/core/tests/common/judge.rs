//! Counts independently what was granted, and compares it with budgets, caps and confirmed blocks.

use super::permits;
use apportion_core::ids::{LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Policy};
use apportion_core::request::{Lease, LeaseId};
use apportion_core::time::Timestamp;
use std::collections::BTreeMap;

/// A window of a limit: its name and its number.
type Key = (LimitId, u64);

struct Charge {
    team: TeamId,
    windows: Vec<Key>,
    nodes: Vec<(TeamId, u64)>,
}

/// What was granted, by window and by team.
#[derive(Default)]
pub(crate) struct Judge {
    granted: BTreeMap<Key, u64>,
    confirmed: BTreeMap<Key, u64>,
    budgets: BTreeMap<Key, Permits>,
    by_team: BTreeMap<(TeamId, u64), u64>,
    leases: BTreeMap<LeaseId, Charge>,
    /// How many leases were granted in two windows of a limit.
    pub(crate) edges: u64,
    /// How many permits came back.
    pub(crate) returned: u64,
}

/// The windows in which a request sent now may be counted.
fn windows(limit: &LimitPolicy, now: Timestamp) -> Vec<u64> {
    let (length, phase) = (limit.window.as_ns(), limit.phase.as_ns());
    let since = now.as_ns() - phase;
    let (k, into) = (since / length, since % length);
    if into > length - limit.margins.guard.as_ns() {
        vec![k, k + 1]
    } else if into < limit.margins.start.as_ns() {
        vec![k - 1, k]
    } else {
        vec![k]
    }
}

fn path(policy: &Policy, team: &TeamId) -> Vec<TeamId> {
    let parent = |id: &TeamId| policy.teams.iter().find(|team| team.id == *id)?.parent.clone();
    std::iter::successors(Some(team.clone()), parent).collect()
}

impl Judge {
    /// The budgets in force: the largest one from the last guard before a window on counts for it.
    pub(crate) fn look(&mut self, policy: &Policy, now: Timestamp) {
        for limit in &policy.limits {
            for window in windows(limit, now) {
                let start = window * limit.window.as_ns() + limit.phase.as_ns() + limit.margins.start.as_ns();
                let budget = self.budgets.entry((limit.id.clone(), window)).or_insert(limit.permits);
                if now.as_ns() <= start {
                    *budget = (*budget).max(limit.permits);
                }
            }
        }
    }

    /// A block was confirmed.
    pub(crate) fn confirmed(&mut self, limit: &LimitPolicy, start: Timestamp, n: Permits) {
        let window = (start.as_ns() - limit.phase.as_ns()) / limit.window.as_ns();
        *self.confirmed.entry((limit.id.clone(), window)).or_default() += u64::from(n);
    }

    /// A lease was granted now to a team.
    pub(crate) fn grant(&mut self, policy: &Policy, team: &TeamId, lease: &Lease, now: Timestamp) {
        let n = u64::from(lease.permits);
        assert!(lease.permits <= policy.largest() && n > 0, "a lease of {n}");
        assert!(lease.granted_at == now && lease.ends_at >= now, "{lease:?} at {now:?}");
        let mut charge = Charge { team: team.clone(), windows: Vec::new(), nodes: Vec::new() };
        for limit in &policy.limits {
            let charged = windows(limit, now);
            if charged.len() > 1 {
                self.edges += 1;
                assert!(policy.has_edges(lease.priority), "{lease:?} outside of {:?}", limit.id);
            }
            for window in charged {
                let key = (limit.id.clone(), window);
                let granted = self.granted.entry(key.clone()).or_default();
                *granted += n;
                let budget = self.budgets.get(&key).map_or(0, |&budget| u64::from(budget));
                assert!(*granted <= budget, "{key:?}: {granted} granted of {budget}");
                let confirmed = self.confirmed.get(&key).copied().unwrap_or_default();
                assert!(*granted <= confirmed, "{key:?}: {granted} granted of {confirmed} confirmed");
                charge.windows.push(key);
            }
        }
        for window in windows(&policy.limits[policy.primary_limit()], now) {
            for node in path(policy, team) {
                let granted = self.by_team.entry((node.clone(), window)).or_default();
                *granted += n;
                let cap = policy.teams.iter().find(|team| team.id == node).and_then(|team| team.cap);
                assert!(
                    cap.is_none_or(|cap| *granted <= u64::from(cap)),
                    "{node:?}: {granted} above {cap:?}"
                );
                charge.nodes.push((node, window));
            }
        }
        self.leases.insert(lease.id, charge);
    }

    /// Permits of a lease came back and were taken.
    pub(crate) fn back(&mut self, lease: LeaseId, n: Permits) {
        let Some(charge) = self.leases.get(&lease).filter(|_| n > permits(0)) else { return };
        self.returned += u64::from(n);
        for key in &charge.windows {
            *self.granted.get_mut(key).expect("a window that was charged") -= u64::from(n);
        }
        for key in &charge.nodes {
            // A team that is new under its old name starts from nothing.
            if let Some(granted) = self.by_team.get_mut(key) {
                *granted -= u64::from(n);
            }
        }
    }

    /// Another allocator serves the workspace: nothing comes back of the leases so far, and the budgets of the policy are in force
    /// at once.
    pub(crate) fn reopen(&mut self, policy: &Policy, now: Timestamp) {
        self.leases.clear();
        for limit in &policy.limits {
            for window in windows(limit, now) {
                let budget = self.budgets.entry((limit.id.clone(), window)).or_default();
                *budget = (*budget).max(limit.permits);
            }
        }
    }

    /// Teams that are not where they were start from nothing; their leases are closed.
    pub(crate) fn change(&mut self, old: &Policy, new: &Policy) {
        for team in &old.teams {
            let still = new.teams.iter().any(|other| other.id == team.id);
            if !still || path(old, &team.id) != path(new, &team.id) {
                self.by_team.retain(|(id, _), _| *id != team.id);
                self.leases.retain(|_, charge| charge.team != team.id);
            }
        }
    }
}
