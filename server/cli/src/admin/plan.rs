//! The order of the changes that `apply` makes, such that the server accepts each: what frees permits comes before what promises
//! them, a team before its child teams. Pure.

use super::policy_file::DesiredPolicy;
use apportion_proto::v1;
use apportion_server::definition::{self, default_team};
use apportion_server::resource::{Fields, fields_of};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A workspace with its teams by name, and the domains of all workspaces, as the server has them; no workspace before it is created.
#[derive(Clone, Default)]
pub(super) struct CurrentPolicy {
    pub(super) workspace: Option<v1::Workspace>,
    pub(super) teams: BTreeMap<String, v1::Team>,
    pub(super) domains: BTreeMap<String, v1::Domain>,
}

/// One change.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum PlanStep {
    /// Creates the workspace, or updates it.
    Workspace(v1::Workspace),
    /// Creates a team, or updates it.
    Team(v1::Team),
    /// Deletes a team.
    Delete(v1::Team),
    /// Creates a domain, or updates it.
    Domain(v1::Domain),
    /// Deletes a domain.
    DeleteDomain(v1::Domain),
}

/// What `apply` may do.
#[derive(Clone, Copy)]
pub(super) struct Allowed {
    /// Delete teams and domains that are not in the file.
    pub(super) prune: bool,
    /// Promise more than the budget.
    pub(super) overcommit: bool,
}

/// The steps from the current to the desired policy, in an order in which the server accepts each.
///
/// # Errors
/// A human-readable message where the server would refuse the desired policy, or there is no such order.
pub(super) fn plan(
    current: &CurrentPolicy,
    desired: &DesiredPolicy,
    allowed: Allowed,
) -> Result<Vec<PlanStep>, String> {
    let name = &desired.value.name;
    let mut left = steps(current, desired, allowed.prune);
    let end = left.iter().fold(current.clone(), CurrentPolicy::after);
    end.check(allowed.overcommit).map_err(|error| format!("{name}: {error}"))?;
    // The first step creates a workspace that does not exist.
    let base = left
        .first()
        .filter(|_| current.workspace.is_none())
        .into_iter()
        .fold(current.clone(), CurrentPolicy::after);
    left.sort_by_cached_key(|step| Reverse(base.clone().after(step).spare_permits()));
    let (mut now, mut order) = (current.clone(), Vec::new());
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
    order.extend(domain_steps(current, desired, allowed.prune));
    Ok(order)
}

/// The first step that the server would accept now.
fn next(now: &CurrentPolicy, left: &[PlanStep], overcommit: bool) -> Result<usize, String> {
    let mut obstacle = String::new();
    for (place, step) in left.iter().enumerate() {
        // A deletion is never refused for overcommitment.
        let overcommit = overcommit || matches!(step, PlanStep::Delete(_));
        match now.clone().after(step).check(overcommit) {
            Ok(()) => return Ok(place),
            Err(error) => obstacle = format!("{}: {error}", step.name()),
        }
    }
    Err(obstacle)
}

/// The steps for domains, which promise nothing: they come last, in order of their names.
fn domain_steps(current: &CurrentPolicy, desired: &DesiredPolicy, prune: bool) -> Vec<PlanStep> {
    let mut steps = Vec::new();
    for domain in &desired.domains {
        let found = current.domains.get(&domain.name);
        if found.map(fields_of) != Some(fields_of(domain)) {
            let etag = found.map(|found| found.etag.clone()).unwrap_or_default();
            steps.push(PlanStep::Domain(v1::Domain { etag, ..domain.clone() }));
        }
    }
    if prune {
        let is_desired = |domain: &v1::Domain| desired.domains.iter().any(|kept| kept.name == domain.name);
        let of_workspace = current.domains.values().filter(|domain| domain.workspace == desired.value.name);
        steps.extend(of_workspace.filter(|domain| !is_desired(domain)).cloned().map(PlanStep::DeleteDomain));
    }
    steps
}

/// The steps for the workspace and its teams, in no order yet.
fn steps(current: &CurrentPolicy, desired: &DesiredPolicy, prune: bool) -> Vec<PlanStep> {
    let mut steps = Vec::new();
    let mut value = desired.value.clone();
    if let Some(found) = &current.workspace {
        value.preset.clone_from(&found.preset); // set at creation and never changed
        value.etag.clone_from(&found.etag);
    }
    if current.workspace.as_ref().map(fields_of) != Some(fields_of(&value)) {
        steps.push(PlanStep::Workspace(value));
    }
    // A new workspace is created with this team.
    let default = default_team(desired.value.name.trim_start_matches("workspaces/"));
    let made = current.workspace.is_none().then_some(&default);
    for team in &desired.teams {
        let found = current.teams.get(&team.name).or(made.filter(|made| made.name == team.name));
        if found.map(fields_of) != Some(fields_of(team)) {
            let etag = found.map(|found| found.etag.clone()).unwrap_or_default();
            steps.push(PlanStep::Team(v1::Team { etag, ..team.clone() }));
        }
    }
    if prune {
        let is_desired = |team: &v1::Team| desired.teams.iter().any(|kept| kept.name == team.name);
        let extra = current.teams.values().filter(|team| team.name != default.name && !is_desired(team));
        steps.extend(extra.cloned().map(PlanStep::Delete));
    }
    steps
}

impl PlanStep {
    /// The name of the resource.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Workspace(workspace) => &workspace.name,
            Self::Team(team) | Self::Delete(team) => &team.name,
            Self::Domain(domain) | Self::DeleteDomain(domain) => &domain.name,
        }
    }

    /// The fields after the step; none after a deletion.
    pub(super) fn fields(&self) -> Fields {
        match self {
            Self::Workspace(workspace) => fields_of(workspace),
            Self::Team(team) => fields_of(team),
            Self::Domain(domain) => fields_of(domain),
            Self::Delete(_) | Self::DeleteDomain(_) => Fields::new(),
        }
    }
}

impl CurrentPolicy {
    /// The state after a step.
    pub(super) fn after(self, step: &PlanStep) -> CurrentPolicy {
        let mut current = self;
        match step {
            PlanStep::Workspace(workspace) => {
                if current.workspace.is_none() {
                    let default = default_team(workspace.name.trim_start_matches("workspaces/"));
                    current.teams.insert(default.name.clone(), default);
                }
                current.workspace = Some(workspace.clone());
            }
            PlanStep::Team(team) => {
                current.teams.insert(team.name.clone(), team.clone());
            }
            PlanStep::Delete(team) => {
                current.teams.remove(&team.name);
            }
            PlanStep::Domain(domain) => {
                current.domains.insert(domain.name.clone(), domain.clone());
            }
            PlanStep::DeleteDomain(domain) => {
                current.domains.remove(&domain.name);
            }
        }
        current
    }

    /// The fields that a step changes, as they are now; `None` where the resource does not exist.
    pub(super) fn fields(&self, step: &PlanStep) -> Option<Fields> {
        match step {
            PlanStep::Workspace(_) => self.workspace.as_ref().map(fields_of),
            PlanStep::Team(team) | PlanStep::Delete(team) => self.teams.get(&team.name).map(fields_of),
            PlanStep::Domain(domain) | PlanStep::DeleteDomain(domain) => {
                self.domains.get(&domain.name).map(fields_of)
            }
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
