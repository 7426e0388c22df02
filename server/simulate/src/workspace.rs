//! From the keys of `workspace` to a checked policy.

use crate::decimal::{Decimal, Whole};
use crate::fault::{Checked, Fault};
use crate::format::{LimitEntry, TeamEntry, Urgency, WorkspaceEntry};
use apportion_core::ids::{LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, Share, TeamPolicy};
use apportion_core::priority::{PerPriority, Priority};
use apportion_core::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// The name of the limit in a file that has only one.
const ONLY_LIMIT: &str = "main";
/// A day: times before window 0 reach back no further.
const DAY_NS: u128 = 86_400 * 1_000_000_000;
/// The latest start of window 0: half of all time, so that every run fits behind it.
const LATEST_ORIGIN_NS: u128 = 1 << 63;

/// Reads and checks the policy.
pub(crate) fn policy(workspace: &WorkspaceEntry) -> Checked<Policy> {
    let policy = Policy {
        limits: limits(workspace)?,
        teams: list("workspace.teams", &workspace.teams, team)?,
        holdback: shares("workspace.holdback", &workspace.holdback)?,
        floors: floors(workspace)?,
        largest_lease: workspace.lease_max.map(|n| permits("workspace.lease_max", n)).transpose()?,
        edge: edge(&workspace.edge),
        spare_edge: workspace.spare_edge,
        external_use_memory: 0,
        created_at: Timestamp::ZERO,
    };
    policy.check().map_err(|error| Fault::of_policy("workspace", &policy, &error))?;
    Ok(policy)
}

/// Where window 0 starts: a whole number of every window, at least a day, plus the phase of the primary limit.
pub(crate) fn origin(policy: &Policy) -> Checked<Timestamp> {
    let common = policy.limits.iter().try_fold(1_u128, |common, limit| {
        let window = u128::from(limit.window.as_ns());
        Some(common / gcd(common, window) * window).filter(|&common| common <= LATEST_ORIGIN_NS)
    });
    let phase = u128::from(policy.limits[policy.primary_limit()].phase.as_ns());
    common
        .map(|common| common * DAY_NS.div_ceil(common) + phase)
        .filter(|&origin| origin <= LATEST_ORIGIN_NS)
        .and_then(|origin| u64::try_from(origin).ok())
        .map(Timestamp::from_ns)
        .ok_or_else(|| {
            Fault::new(
                "workspace.limits",
                "the windows have no common multiple below 292 years: choose rounder ones",
            )
        })
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Reads each element of a list, naming its place in faults.
pub(crate) fn list<F, T>(field: &str, from: &[F], read: impl Fn(&str, &F) -> Checked<T>) -> Checked<Vec<T>> {
    from.iter().enumerate().map(|(place, element)| read(&format!("{field}[{place}]"), element)).collect()
}

fn limits(workspace: &WorkspaceEntry) -> Checked<Vec<LimitPolicy>> {
    let WorkspaceEntry { window_s, budget, guard_s, start_margin_s, start_within_s, limits, .. } = workspace;
    let plain =
        [("window_s", window_s.is_some()), ("budget", budget.is_some()), ("guard_s", guard_s.is_some())];
    if let Some(limits) = limits {
        let margins =
            [("start_margin_s", start_margin_s.is_some()), ("start_within_s", start_within_s.is_some())];
        if let Some((key, _)) = plain.iter().chain(&margins).find(|(_, given)| *given) {
            return Err(Fault::new(
                format!("workspace.{key}"),
                "stands beside `limits`: give one or the other",
            ));
        }
        return list("workspace.limits", limits, limit);
    }
    let (Some(window_s), Some(budget), Some(guard_s)) = (*window_s, *budget, *guard_s) else {
        let key = plain.iter().find(|(_, given)| !given).map_or("limits", |(key, _)| key);
        return Err(Fault::new(format!("workspace.{key}"), "is missing (and there is no `limits`)"));
    };
    Ok(vec![limit("workspace", &only(workspace, window_s, budget, guard_s))?])
}

fn only(workspace: &WorkspaceEntry, window_s: Decimal, budget: Whole, guard_s: Decimal) -> LimitEntry {
    let WorkspaceEntry { start_margin_s, start_within_s, .. } = *workspace;
    LimitEntry {
        id: ONLY_LIMIT.into(),
        window_s,
        budget,
        phase_s: None,
        guard_s,
        start_margin_s,
        start_within_s,
    }
}

/// How precisely the start of a window is known, where it is not exact.
pub(crate) fn start_within(workspace: &WorkspaceEntry, policy: &Policy) -> Checked<BTreeMap<LimitId, Span>> {
    let given: Vec<(String, Option<Decimal>)> = match &workspace.limits {
        None => vec![("workspace".into(), workspace.start_within_s)],
        Some(limits) => {
            let limits = limits.iter().enumerate();
            limits.map(|(at, limit)| (format!("workspace.limits[{at}]"), limit.start_within_s)).collect()
        }
    };
    let mut within = BTreeMap::new();
    for (limit, (field, given)) in policy.limits.iter().zip(given) {
        let Some(given) = given else { continue };
        let field = format!("{field}.start_within_s");
        let span = span(&field, given)?;
        let Margins { start, guard, .. } = limit.margins;
        if span >= limit.window.less(start + guard) {
            return Err(Fault::new(
                field,
                "with both margins it takes the whole window: choose a smaller one",
            ));
        }
        within.insert(limit.id.clone(), span);
    }
    Ok(within)
}

fn limit(field: &str, limit: &LimitEntry) -> Checked<LimitPolicy> {
    let window = span(&format!("{field}.window_s"), limit.window_s)?;
    let guard = span(&format!("{field}.guard_s"), limit.guard_s)?;
    if window == Span::ZERO {
        return Err(Fault::new(format!("{field}.window_s"), "a window is longer than 0 s"));
    }
    if guard >= window {
        return Err(Fault::new(format!("{field}.guard_s"), "a guard is shorter than the window"));
    }
    let start = span(&format!("{field}.start_margin_s"), limit.start_margin_s.unwrap_or(Decimal(0)))?;
    if start > guard {
        return Err(Fault::new(
            format!("{field}.start_margin_s"),
            "a start margin is no longer than the guard",
        ));
    }
    let budget = permits(&format!("{field}.budget"), limit.budget)?;
    if budget.is_zero() {
        return Err(Fault::new(format!("{field}.budget"), "a budget is at least 1"));
    }
    Ok(LimitPolicy {
        id: LimitId::new(&limit.id).map_err(|error| Fault::new(format!("{field}.id"), error.to_string()))?,
        permits: budget,
        window,
        phase: span(&format!("{field}.phase_s"), limit.phase_s.unwrap_or(Decimal(0)))?,
        margins: Margins { start, guard, life: guard.less(start) },
    })
}

/// Reads one team. In a file every team may ask for any priority unless it says otherwise.
pub(crate) fn team(field: &str, team: &TeamEntry) -> Checked<TeamPolicy> {
    let number = |key: &str, n: Option<Whole>| n.map(|n| permits(&format!("{field}.{key}"), n)).transpose();
    let weight = team.weight.map_or(1, |weight| weight.0);
    Ok(TeamPolicy {
        parent: team.parent.as_deref().map(|id| team_id(&format!("{field}.parent"), id)).transpose()?,
        weight,
        reservation: number("reservation", team.reservation)?.unwrap_or(Permits::ZERO),
        cap: number("cap", team.cap)?,
        protected: team.protected,
        priority: team.priority.map_or(Priority::Default, Into::into),
        highest_priority: team.highest_priority.map_or(Priority::Critical, Into::into),
        ..TeamPolicy::new(team_id(&format!("{field}.id"), &team.id)?)
    })
}

/// Reads the name of a team.
pub(crate) fn team_id(field: &str, id: &str) -> Checked<TeamId> {
    TeamId::new(id).map_err(|error| Fault::new(field, error.to_string()))
}

/// Reads a number of permits.
pub(crate) fn permits(field: &str, n: Whole) -> Checked<Permits> {
    Permits::new(n.0)
        .ok_or_else(|| Fault::new(field, format!("{} is too large, at most {}", n.0, Permits::MAX)))
}

/// Reads a duration.
pub(crate) fn span(field: &str, seconds: Decimal) -> Checked<Span> {
    u64::try_from(seconds.0).map(Span::from_ns).map_err(|_| Fault::new(field, "must not be negative"))
}

fn shares(field: &str, shares: &BTreeMap<Urgency, Decimal>) -> Checked<PerPriority<Share>> {
    let mut all = PerPriority::default();
    for (&urgency, share) in shares {
        let priority = Priority::from(urgency);
        all[priority] = u32::try_from(share.0)
            .ok()
            .and_then(Share::from_billionths)
            .ok_or_else(|| Fault::new(format!("{field}.{priority}"), "a share is from 0 to 1"))?;
    }
    Ok(all)
}

fn floors(workspace: &WorkspaceEntry) -> Checked<PerPriority<Share>> {
    let floors = shares("workspace.floors", &workspace.floors)?;
    let sum: u64 = floors.0.iter().map(|share| u64::from(share.billionths())).sum();
    if sum > u64::from(Share::WHOLE) {
        return Err(Fault::new("workspace.floors", "all floors together are at most 1"));
    }
    Ok(floors)
}

fn edge(urgencies: &[Urgency]) -> PerPriority<bool> {
    let mut edge = PerPriority::default();
    for &urgency in urgencies {
        edge[Priority::from(urgency)] = true;
    }
    edge
}
