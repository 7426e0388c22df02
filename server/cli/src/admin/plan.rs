//! In which order a workspace becomes what a file says, so that the server allows each step: what frees permits comes before what
//! promises them, a team before its parts. Calls nobody.

use super::policy_file::Wanted;
use apportion_core::ids::WorkspaceId;
use apportion_core::policy::Policy;
use apportion_proto::v1;
use apportion_server::convert::names;
use apportion_server::convert::team::team_policies;
use apportion_server::convert::workspace::policy;
use apportion_server::preset;
use apportion_server::service::admin::check;
use apportion_server::service::admin::differences::{Fields, team_fields, workspace_fields};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A workspace with its teams by name, as the server holds it; none before it is made.
#[derive(Clone, Default)]
pub(super) struct Held {
    pub(super) workspace: Option<v1::Workspace>,
    pub(super) teams: BTreeMap<String, v1::Team>,
}

/// One change.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Step {
    /// To make the workspace, or change it where it is there.
    Workspace(v1::Workspace),
    /// To make a team, or change it where it is there.
    Team(v1::Team),
    /// To delete a team.
    Delete(v1::Team),
}

/// What the server may be asked for.
#[derive(Clone, Copy)]
pub(super) struct Allowed {
    /// To delete teams that are not wanted.
    pub(super) prune: bool,
    /// To promise more than the budget.
    pub(super) overcommit: bool,
}

/// The steps from what is held to what is wanted, in an order in which each of them holds.
///
/// # Errors
/// A message for people where what is wanted does not hold, or no such order was found.
pub(super) fn plan(held: &Held, wanted: &Wanted, allowed: Allowed) -> Result<Vec<Step>, String> {
    let name = &wanted.value.name;
    let mut left = steps(held, wanted, allowed.prune);
    let id = names::workspace("id", name).map_err(|error| error.to_string())?;
    let end = left.iter().fold(held.clone(), Held::after);
    end.check(&id, allowed.overcommit).map_err(|error| format!("{name}: {error}"))?;
    // A workspace that is not there is made by the first step.
    let base = left.first().filter(|_| held.workspace.is_none()).into_iter().fold(held.clone(), Held::after);
    left.sort_by_cached_key(|step| Reverse(base.clone().after(step).room(&id)));
    let (mut now, mut order) = (held.clone(), Vec::new());
    while !left.is_empty() {
        let place = next(&now, &left, &id, allowed.overcommit).map_err(|error| {
            format!(
                "{name}: no order of changes was found in which each of them holds: {error}; nothing was changed there; \
                 change it in two steps, or set --allow-overcommit"
            )
        })?;
        let step = left.remove(place);
        now = now.after(&step);
        order.push(step);
    }
    Ok(order)
}

/// The first step that holds now.
fn next(now: &Held, left: &[Step], id: &WorkspaceId, overcommit: bool) -> Result<usize, String> {
    let mut obstacle = String::new();
    for (place, step) in left.iter().enumerate() {
        // A deletion is never refused for what is promised.
        let overcommit = overcommit || matches!(step, Step::Delete(_));
        match now.clone().after(step).check(id, overcommit) {
            Ok(()) => return Ok(place),
            Err(error) => obstacle = format!("{}: {error}", step.name()),
        }
    }
    Err(obstacle)
}

/// What differs.
fn steps(held: &Held, wanted: &Wanted, prune: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut value = wanted.value.clone();
    if let Some(found) = &held.workspace {
        value.preset.clone_from(&found.preset); // set at creation and never changed
        value.etag.clone_from(&found.etag);
    }
    if held.workspace.as_ref().map(workspace_fields) != Some(workspace_fields(&value)) {
        steps.push(Step::Workspace(value));
    }
    // A workspace is made with this one.
    let default = preset::default_team(wanted.value.name.trim_start_matches("workspaces/"));
    let made = held.workspace.is_none().then_some(&default);
    for team in &wanted.teams {
        let found = held.teams.get(&team.name).or(made.filter(|made| made.name == team.name));
        if found.map(team_fields) != Some(team_fields(team)) {
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
    /// The name of what is changed.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Workspace(workspace) => &workspace.name,
            Self::Team(team) | Self::Delete(team) => &team.name,
        }
    }

    /// What it will be.
    pub(super) fn fields(&self) -> Fields {
        match self {
            Self::Workspace(workspace) => workspace_fields(workspace),
            Self::Team(team) => team_fields(team),
            Self::Delete(_) => Fields::new(),
        }
    }
}

impl Held {
    /// What is held once a step is made.
    pub(super) fn after(self, step: &Step) -> Held {
        let mut held = self;
        match step {
            Step::Workspace(workspace) => {
                if held.workspace.is_none() {
                    let default = preset::default_team(workspace.name.trim_start_matches("workspaces/"));
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

    /// What it is now that a step changes; none where it is not there.
    pub(super) fn fields(&self, step: &Step) -> Option<Fields> {
        match step {
            Step::Workspace(_) => self.workspace.as_ref().map(workspace_fields),
            Step::Team(team) | Step::Delete(team) => self.teams.get(&team.name).map(team_fields),
        }
    }

    fn policy(&self, id: &WorkspaceId) -> Result<Policy, String> {
        let workspace = self.workspace.as_ref().ok_or("there is no such workspace")?;
        let policy = team_policies(id, self.teams.values()).and_then(|teams| policy(workspace, teams));
        policy.map_err(|error| error.to_string())
    }

    /// Why the server would refuse this, where it would.
    fn check(&self, id: &WorkspaceId, overcommit: bool) -> Result<(), String> {
        check(&self.policy(id)?, "", overcommit).map(|_| ()).map_err(|error| error.to_string())
    }

    /// The permits that are not promised, below 0 where more is than there are.
    fn room(&self, id: &WorkspaceId) -> i128 {
        let promised = self.policy(id).map(|policy| policy.promised());
        promised.map_or(0, |promised| i128::from(promised.budget) - i128::from(promised.needed))
    }
}

#[cfg(test)]
mod tests;
