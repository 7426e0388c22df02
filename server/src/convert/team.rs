//! Teams as they are configured.

use super::field::{out_of_range, permits};
use super::names;
use super::priority::{optional_priority, wire_priority};
use crate::error::FieldError;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::permits::Permits;
use apportion_core::policy::{TeamPolicy, WEIGHT_MAX};
use apportion_proto::v1;

/// The team `id` of `workspace` as the core has it: every value inside its own bounds. What must fit other teams, such as its parent,
/// [`apportion_core::policy::Policy::check`] says.
///
/// # Errors
/// [`FieldError`] where a field is malformed or out of its bounds.
pub(crate) fn team_policy(
    workspace: &WorkspaceId,
    id: TeamId,
    team: &v1::Team,
) -> Result<TeamPolicy, FieldError> {
    let number = |path, n| permits(path, n, Permits::ZERO, Permits::MAX);
    let defaults = TeamPolicy::new(id);
    let weight = team.weight.unwrap_or(defaults.weight);
    if !(1..=WEIGHT_MAX).contains(&weight) {
        return Err(out_of_range("weight", weight, &format!("between 1 and {WEIGHT_MAX}")));
    }
    Ok(TeamPolicy {
        id: defaults.id,
        parent: parent(workspace, &team.parent_team)?,
        weight,
        reservation: number("reservation_permits", team.reservation_permits)?,
        cap: team.cap_permits.map(|cap| number("cap_permits", cap)).transpose()?,
        protected: team.reservation_protected,
        priority: optional_priority("priority", team.priority)?.unwrap_or(defaults.priority),
        highest_priority: optional_priority("highest_priority", team.highest_priority)?
            .unwrap_or(defaults.highest_priority),
    })
}

/// The teams of `workspace` as the core has them, out of their stored form.
///
/// # Errors
/// [`FieldError`] where a name or a field is malformed or out of its bounds.
pub(crate) fn team_policies<'a>(
    workspace: &WorkspaceId,
    teams: impl IntoIterator<Item = &'a v1::Team>,
) -> Result<Vec<TeamPolicy>, FieldError> {
    let policy = |team: &v1::Team| team_policy(workspace, names::team("name", &team.name)?.1, team);
    teams.into_iter().map(policy).collect()
}

fn parent(workspace: &WorkspaceId, held: &str) -> Result<Option<TeamId>, FieldError> {
    if held.is_empty() {
        return Ok(None);
    }
    let (of, parent) = names::team("parent_team", held)?;
    if of != *workspace {
        return Err(FieldError::new(
            "parent_team",
            format!("must be a team of {workspace}, the same workspace"),
        ));
    }
    Ok(Some(parent))
}

/// A team as it goes over the wire, with every default written out. Its etag and its times are for the caller to set.
pub(crate) fn wire_team(workspace: &WorkspaceId, team: &TeamPolicy) -> v1::Team {
    let TeamPolicy { id, parent, weight, reservation, cap, protected, priority, highest_priority } = team;
    v1::Team {
        name: names::team_name(workspace, id),
        etag: String::new(),
        create_time: None,
        update_time: None,
        parent_team: parent.as_ref().map(|id| names::team_name(workspace, id)).unwrap_or_default(),
        weight: Some(*weight),
        reservation_permits: reservation.get(),
        cap_permits: cap.map(Permits::get),
        reservation_protected: *protected,
        priority: wire_priority(*priority).into(),
        highest_priority: wire_priority(*highest_priority).into(),
    }
}
