//! A workspace at one instant, as it goes over the wire.

use crate::convert::priority::wire_priority;
use crate::convert::time::{duration, timestamp};
use crate::engine::{Snapshot, TeamWaits};
use crate::error::Error;
use apportion_core::allocator::{LimitNow, TeamNow};
use apportion_core::ids::{LimitId, TeamId, WorkspaceId};
use apportion_core::permits::Permits;
use apportion_core::policy::TeamPolicy;
use apportion_core::priority::Priority;
use apportion_core::time::Timestamp;
use apportion_proto::v1;
use std::collections::BTreeMap;

/// A snapshot, the `version`-th of its stream.
pub(super) fn wire_snapshot(
    workspace: &WorkspaceId,
    snapshot: &Snapshot,
    version: u64,
) -> v1::WorkspaceSnapshot {
    let configured = Configured::new(snapshot);
    v1::WorkspaceSnapshot {
        version,
        workspace: workspace.to_string(),
        time: Some(timestamp(snapshot.now)),
        limits: snapshot.limits.iter().map(|now| limit(now, snapshot.now, &configured)).collect(),
        teams: snapshot.teams.iter().map(|(now, waits)| team(now, waits, &configured)).collect(),
        waiting_requests: u32::try_from(snapshot.waiting_requests).unwrap_or(u32::MAX),
        trouble: trouble(snapshot).into(),
        trouble_message: match &snapshot.trouble {
            Some(Error::WorkspaceClosed { why }) => why.clone(),
            _ => String::new(),
        },
    }
}

fn trouble(snapshot: &Snapshot) -> v1::Reason {
    match &snapshot.trouble {
        Some(error) => error.reason(),
        None if snapshot.limits.iter().any(|limit| limit.is_exhausted) => v1::Reason::ProviderCooldown,
        None if snapshot.limits.iter().any(|limit| limit.is_spent_by_clock) => v1::Reason::ClockUnsteady,
        None => v1::Reason::Unspecified,
    }
}

/// What is configured, to be found by id.
struct Configured<'a> {
    limits: BTreeMap<&'a LimitId, u32>,
    teams: BTreeMap<&'a TeamId, &'a TeamPolicy>,
}

impl<'a> Configured<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        let policy = snapshot.policy.as_ref();
        let limits = policy.into_iter().flat_map(|policy| &policy.limits);
        let teams = policy.into_iter().flat_map(|policy| &policy.teams);
        Self {
            limits: limits.map(|limit| (&limit.id, limit.permits.get())).collect(),
            teams: teams.map(|team| (&team.id, team)).collect(),
        }
    }
}

fn limit(limit: &LimitNow, now: Timestamp, configured: &Configured<'_>) -> v1::LimitState {
    v1::LimitState {
        limit: limit.id.to_string(),
        window_start_time: Some(timestamp(limit.window.start.earliest)),
        window_end_time: Some(timestamp(limit.window.end.latest)),
        elapsed: Some(duration(now.since(limit.window.start.earliest).min(limit.length))),
        window: Some(duration(limit.length)),
        budget_permits: limit.budget.get(),
        left_permits: limit.left.get(),
        booked_permits: limit.booked.get(),
        others_permits: limit.external_use.get(),
        open: limit.is_open,
        cooldown: limit.cooldown_until.map(|until| duration(until.since(now))),
        exhausted: limit.is_exhausted,
        configured_permits: configured.limits.get(&limit.id).copied().unwrap_or_default(),
    }
}

fn team(team: &TeamNow, waits: &TeamWaits, configured: &Configured<'_>) -> v1::TeamState {
    let policy = configured.teams.get(&team.id);
    let by_priority = Priority::ALL.into_iter().zip(team.waiting_requests);
    v1::TeamState {
        team: team.id.to_string(),
        parent_team: team.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        granted_permits: team.granted.get(),
        waiting_permits: team.waiting_permits,
        expected_permits: u32::try_from(team.expected).unwrap_or(u32::MAX),
        share_billionths: team.share_billionths,
        waits: by_priority.filter_map(|(c, waiting)| lane(c, waiting, waits)).collect(),
        weight: policy.map_or(0, |policy| policy.weight),
        reservation_permits: policy.map_or(0, |policy| policy.reservation.get()),
        cap_permits: policy.and_then(|policy| policy.cap).map(Permits::get),
        priority: policy.map_or(0, |policy| wire_priority(policy.priority).into()),
        highest_priority: policy.map_or(0, |policy| wire_priority(policy.highest_priority).into()),
    }
}

fn lane(c: Priority, waiting: u32, waits: &TeamWaits) -> Option<v1::Waits> {
    let summary = waits[c].as_ref().filter(|summary| summary.granted + summary.refused > 0);
    (waiting > 0 || summary.is_some()).then(|| v1::Waits {
        priority: wire_priority(c).into(),
        waiting_requests: waiting,
        granted_requests: summary.map_or(0, |summary| summary.granted),
        refused_requests: summary.map_or(0, |summary| summary.refused),
        p50_wait: summary.and_then(|summary| summary.p50).map(duration),
        p99_wait: summary.and_then(|summary| summary.p99).map(duration),
        longest_wait: summary.and_then(|summary| summary.longest).map(duration),
    })
}
