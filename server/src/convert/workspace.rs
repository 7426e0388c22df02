//! Workspaces as they are configured: limits, shares of priorities, edges.

use super::field::{count, name, out_of_range, permits};
use super::names;
use super::priority::{optional_priority, wire_priority};
use super::time::{duration, instant, optional_span, span};
use crate::error::FieldError;
use apportion_core::ids::WorkspaceId;
use apportion_core::permits::Permits;
use apportion_core::policy::{
    LIMITS_MAX, LimitPolicy, Margins, Policy, PolicyError, Share, TeamPolicy, WINDOW_MAX,
};
use apportion_core::priority::{PerPriority, Priority};
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;

/// For how many windows external use is remembered by default.
pub(crate) const EXTERNAL_USE_MEMORY_DEFAULT: u32 = 3;
/// For how many windows it may be kept.
const EXTERNAL_USE_MEMORY_MAX: u32 = 64;
/// The least useful life of a lease that makes sense.
const LIFE_LEAST: Span = Span::from_ms(1);

/// The policy of a workspace with `teams`, every value inside its own bounds and every absent one at its default. What values must
/// be to each other [`Policy::check`] says; [`policy_field`] finds the field at fault.
///
/// # Errors
/// [`FieldError`] where a field is missing, malformed or out of its bounds.
pub(crate) fn policy(workspace: &v1::Workspace, teams: Vec<TeamPolicy>) -> Result<Policy, FieldError> {
    count("limits", workspace.limits.len(), 1, LIMITS_MAX)?;
    let limits = workspace.limits.iter().enumerate();
    let limits = limits.map(|(at, wire)| limit(wire).map_err(|error| error.under(&format!("limits[{at}]"))));
    let largest = workspace.largest_lease_permits;
    Ok(Policy {
        limits: limits.collect::<Result<_, _>>()?,
        teams,
        holdback: shares_or("holdback", workspace.holdback.as_ref(), [20, 0, 0])?,
        floors: shares_or("floors", workspace.floors.as_ref(), [0, 10, 5])?,
        largest_lease: largest
            .map(|n| permits("largest_lease_permits", n, Permits::ONE, Permits::MAX))
            .transpose()?,
        edge: edge(workspace.edge.as_ref())?,
        spare_edge: workspace.spare_edge.unwrap_or(true),
        external_use_memory: external_use_memory(workspace.others_memory_windows)?,
        created_at: workspace
            .create_time
            .as_ref()
            .map(|time| instant("create_time", time))
            .transpose()?
            .unwrap_or(Timestamp::ZERO),
    })
}

fn external_use_memory(windows: Option<u32>) -> Result<u32, FieldError> {
    let windows = windows.unwrap_or(EXTERNAL_USE_MEMORY_DEFAULT);
    if windows > EXTERNAL_USE_MEMORY_MAX {
        return Err(out_of_range(
            "others_memory_windows",
            windows,
            &format!("between 0 and {EXTERNAL_USE_MEMORY_MAX}"),
        ));
    }
    Ok(windows)
}

/// Checks that every lease of a policy lives for at least a moment. Policies that were stored before this check stay as they are.
///
/// # Errors
/// [`FieldError`] where the least useful life of a limit's leases is none.
pub(crate) fn useful_lives(policy: &Policy) -> Result<(), FieldError> {
    match policy.limits.iter().position(|limit| limit.margins.life < LIFE_LEAST) {
        None => Ok(()),
        Some(at) => {
            Err(FieldError::new(format!("limits[{at}].lease_life"), "must be between 1ms and `guard`"))
        }
    }
}

fn limit(wire: &v1::Limit) -> Result<LimitPolicy, FieldError> {
    let id = name("limit_id", &wire.limit_id)?;
    let budget = permits("permits", wire.permits, Permits::ONE, Permits::MAX)?;
    let window = wire.window.as_ref().ok_or_else(|| FieldError::missing("window"))?;
    let window = span("window", window, Span::from_ns(1), WINDOW_MAX)?;
    let within = |path: &str, wire: Option<&prost_types::Duration>, most: Span, default: Span| {
        optional_span(path, wire, Span::ZERO, most).map(|span| span.unwrap_or(default))
    };
    let (third, before_window) = (Span::from_ns(window.as_ns() / 3), window.less(Span::from_ns(1)));
    let phase = within("phase", wire.phase.as_ref(), before_window, Span::ZERO)?;
    let start = within("start_margin", wire.start_margin.as_ref(), third, Margins::DEFAULT.start)?;
    let guard = within("guard", wire.guard.as_ref(), third, Margins::DEFAULT.guard)?;
    let life = within("lease_life", wire.lease_life.as_ref(), guard, Margins::DEFAULT.life)?;
    Ok(LimitPolicy { id, permits: budget, window, phase, margins: Margins { start, guard, life } })
}

fn shares_or(
    path: &str,
    wire: Option<&v1::PriorityShares>,
    percents: [u32; 3],
) -> Result<PerPriority<Share>, FieldError> {
    let Some(wire) = wire else { return Ok(PerPriority(percents.map(Share::from_percent))) };
    let share = |field: &str, billionths| {
        Share::from_billionths(billionths).ok_or_else(|| {
            out_of_range(&format!("{path}.{field}"), billionths, &format!("between 0 and {}", Share::WHOLE))
        })
    };
    Ok(PerPriority([
        share("critical_billionths", wire.critical_billionths)?,
        share("default_billionths", wire.default_billionths)?,
        share("sheddable_billionths", wire.sheddable_billionths)?,
    ]))
}

fn edge(wire: Option<&v1::EdgePriorities>) -> Result<PerPriority<bool>, FieldError> {
    let mut edge = PerPriority::default();
    let Some(wire) = wire else {
        edge[Priority::Critical] = true;
        return Ok(edge);
    };
    count("edge.priorities", wire.priorities.len(), 0, Priority::ALL.len())?;
    for (place, &number) in wire.priorities.iter().enumerate() {
        let path = format!("edge.priorities[{place}]");
        let priority = optional_priority(&path, number)?;
        let priority = priority.ok_or_else(|| FieldError::new(&*path, "must not be UNSPECIFIED"))?;
        if std::mem::replace(&mut edge[priority], true) {
            return Err(FieldError::new(path, format!("{priority} is listed more than once")));
        }
    }
    Ok(edge)
}

/// A workspace as it goes over the wire, with every default written out. Its preset, its etag and its times are for the caller to set.
pub(crate) fn wire_workspace(id: &WorkspaceId, policy: &Policy) -> v1::Workspace {
    let edges = Priority::ALL.into_iter().filter(|&priority| policy.edge[priority]);
    v1::Workspace {
        name: names::workspace_name(id),
        limits: policy.limits.iter().map(wire_limit).collect(),
        holdback: Some(wire_shares(&policy.holdback)),
        floors: Some(wire_shares(&policy.floors)),
        largest_lease_permits: policy.largest_lease.map(Permits::get),
        edge: Some(v1::EdgePriorities {
            priorities: edges.map(|priority| wire_priority(priority).into()).collect(),
        }),
        others_memory_windows: Some(policy.external_use_memory),
        spare_edge: Some(policy.spare_edge),
        ..v1::Workspace::default()
    }
}

fn wire_limit(limit: &LimitPolicy) -> v1::Limit {
    v1::Limit {
        limit_id: limit.id.to_string(),
        permits: limit.permits.get(),
        window: Some(duration(limit.window)),
        phase: Some(duration(limit.phase)),
        start_margin: Some(duration(limit.margins.start)),
        guard: Some(duration(limit.margins.guard)),
        lease_life: Some(duration(limit.margins.life)),
    }
}

fn wire_shares(shares: &PerPriority<Share>) -> v1::PriorityShares {
    v1::PriorityShares {
        critical_billionths: shares[Priority::Critical].billionths(),
        default_billionths: shares[Priority::Default].billionths(),
        sheddable_billionths: shares[Priority::Sheddable].billionths(),
    }
}

/// The path of the field at fault in a policy that was refused, in the message that it is configured with: a path of
/// [`v1::Workspace`], or of [`v1::Team`] where a team is at fault.
pub(crate) fn policy_field(policy: &Policy, error: &PolicyError) -> String {
    let of_limit =
        |id: &str, field: &str| match policy.limits.iter().position(|known| known.id.as_str() == id) {
            Some(place) => format!("limits[{place}].{field}"),
            None => field.into(),
        };
    match error {
        PolicyError::NoLimit => "limits".into(),
        PolicyError::TooManyTeams { .. } => "teams".into(),
        PolicyError::TooMany { field, .. } | PolicyError::Duplicate { field, .. } => (*field).into(),
        PolicyError::Range { field: "largest_lease", .. } => "largest_lease_permits".into(),
        PolicyError::Range { field, id, .. } => of_limit(id, field),
        PolicyError::TeamRange { field, .. } => (*field).into(),
        PolicyError::WindowShorterThanGuards { id } | PolicyError::GuardTooShort { id, .. } => {
            of_limit(id.as_str(), "guard")
        }
        PolicyError::NoSuchParent { .. } | PolicyError::Cycle { .. } | PolicyError::TooDeep { .. } => {
            "parent_team".into()
        }
    }
}

#[cfg(test)]
mod tests;
