//! The order of the changes that `apply` makes, such that the server accepts each: what frees permits comes before what promises
//! them, a team before its child teams. Pure.

use super::policy_file::Wanted;
use apportion_proto::v1;
use apportion_server::definition::{self, default_team};
use apportion_server::resource::{Fields, fields_of};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A workspace with its teams by name, as the server has them; no workspace before it is created.
#[derive(Clone, Default)]
pub(super) struct Held {
    pub(super) workspace: Option<v1::Workspace>,
    pub(super) teams: BTreeMap<String, v1::Team>,
}

/// One change.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Step {
    /// Creates the workspace, or updates it.
    Workspace(v1::Workspace),
    /// Creates a team, or updates it.
    Team(v1::Team),
    /// Deletes a team.
    Delete(v1::Team),
}

/// What `apply` may do.
#[derive(Clone, Copy)]
pub(super) struct Allowed {
    /// Delete teams that are not in the file.
    pub(super) prune: bool,
    /// Promise more than the budget.
    pub(super) overcommit: bool,
}

/// The steps from what is held to what is wanted, in an order in which the server accepts each.
///
/// # Errors
/// A message for people where the server would refuse what is wanted, or there is no such order.
pub(super) fn plan(held: &Held, wanted: &Wanted, allowed: Allowed) -> Result<Vec<Step>, String> {
    let name = &wanted.value.name;
    let mut left = steps(held, wanted, allowed.prune);
    let end = left.iter().fold(held.clone(), Held::after);
    end.check(allowed.overcommit).map_err(|error| format!("{name}: {error}"))?;
    // The first step creates a workspace that does not exist.
    let base = left.first().filter(|_| held.workspace.is_none()).into_iter().fold(held.clone(), Held::after);
    left.sort_by_cached_key(|step| Reverse(base.clone().after(step).spare_permits()));
    let (mut now, mut order) = (held.clone(), Vec::new());
    while !left.is_empty() {
        let place = next(&now, &left, allowed.overcommit).map_err(|error| {
            format!(
                "{name}: no order of changes is valid at every step: {error}; nothing was changed in this workspace; \
                 apply it in two steps, or use --allow-overcommit"
            )
        })?;
        let step = left.remove(place);
        now = now.after(&step);
        order.push(step);
    }
    Ok(order)
}

/// The first step that the server would accept now.
fn next(now: &Held, left: &[Step], overcommit: bool) -> Result<usize, String> {
    let mut obstacle = String::new();
    for (place, step) in left.iter().enumerate() {
        // A deletion is never refused for overcommitment.
        let overcommit = overcommit || matches!(step, Step::Delete(_));
        match now.clone().after(step).check(overcommit) {
            Ok(()) => return Ok(place),
            Err(error) => obstacle = format!("{}: {error}", step.name()),
        }
    }
    Err(obstacle)
}

/// The steps, in no order yet.
fn steps(held: &Held, wanted: &Wanted, prune: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut value = wanted.value.clone();
    if let Some(found) = &held.workspace {
        value.preset.clone_from(&found.preset); // set at creation and never changed
        value.etag.clone_from(&found.etag);
    }
    if held.workspace.as_ref().map(fields_of) != Some(fields_of(&value)) {
        steps.push(Step::Workspace(value));
    }
    // A new workspace is created with this team.
    let default = default_team(wanted.value.name.trim_start_matches("workspaces/"));
    let made = held.workspace.is_none().then_some(&default);
    for team in &wanted.teams {
        let found = held.teams.get(&team.name).or(made.filter(|made| made.name == team.name));
        if found.map(fields_of) != Some(fields_of(team)) {
            let etag = found.map(|found| found.etag.clone()).unwrap_or_default();
            steps.push(Step::Team(v1::Team { etag, ..team.clone() }));
        }
    }
    if prune {
        let is_wanted = |team: &v1::Team| wanted.teams.iter().any(|kept| kept.name == team.name);
        let extra = held.teams.values().filter(|team| team.name != default.name && !is_wanted(team));
        steps.extend(extra.cloned().map(Step::Delete));
    }
    steps
}

impl Step {
    /// The name of the resource.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Workspace(workspace) => &workspace.name,
            Self::Team(team) | Self::Delete(team) => &team.name,
        }
    }

    /// The fields after the step; none after a deletion.
    pub(super) fn fields(&self) -> Fields {
        match self {
            Self::Workspace(workspace) => fields_of(workspace),
            Self::Team(team) => fields_of(team),
            Self::Delete(_) => Fields::new(),
        }
    }
}

impl Held {
    /// The state after a step.
    pub(super) fn after(self, step: &Step) -> Held {
        let mut held = self;
        match step {
            Step::Workspace(workspace) => {
                if held.workspace.is_none() {
                    let default = default_team(workspace.name.trim_start_matches("workspaces/"));
                    held.teams.insert(default.name.clone(), default);
                }
                held.workspace = Some(workspace.clone());
            }
            Step::Team(team) => {
                held.teams.insert(team.name.clone(), team.clone());
            }
            Step::Delete(team) => {
                held.teams.remove(&team.name);
            }
        }
        held
    }

    /// The fields that a step changes, as they are now; `None` where the resource does not exist.
    pub(super) fn fields(&self, step: &Step) -> Option<Fields> {
        match step {
            Step::Workspace(_) => self.workspace.as_ref().map(fields_of),
            Step::Team(team) | Step::Delete(team) => self.teams.get(&team.name).map(fields_of),
        }
    }

    /// Why the server would refuse this, where it would.
    fn check(&self, allow_overcommit: bool) -> Result<(), String> {
        let workspace = self.workspace.as_ref().ok_or("there is no such workspace")?;
        let checked = definition::check(workspace, self.teams.values(), allow_overcommit);
        checked.map_err(|error| error.to_string())
    }

    /// The permits that are promised to nobody.
    fn spare_permits(&self) -> i128 {
        let spare = |workspace| definition::spare_permits(workspace, self.teams.values()).ok();
        self.workspace.as_ref().and_then(spare).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
