//! A workspace with its teams and domains as a file defines them: completed and checked by the rules of the server, without a server.

use crate::convert::domain::{domain_policy, wire_domain};
use crate::convert::names;
use crate::convert::team::{team_policies, team_policy, wire_team};
use crate::convert::workspace::{policy, wire_workspace};
use crate::preset;
use crate::service::admin::check as check_policy;
use crate::signals;
use apportion_core::policy::{Policy, TeamPolicy};
use apportion_proto::v1;

pub use crate::error::FieldError;
pub use crate::preset::default_team;

/// Why a definition is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// A field of the workspace is malformed, missing or out of its bounds.
    #[error(transparent)]
    Workspace(#[from] FieldError),
    /// A field of a team is.
    #[error("team {id}: {error}")]
    Team {
        /// The id of the team.
        id: String,
        /// What is wrong.
        error: FieldError,
    },
    /// A field of a domain is.
    #[error("domain {id}: {error}")]
    Domain {
        /// The id of the domain.
        id: String,
        /// What is wrong.
        error: FieldError,
    },
    /// The workspace and its teams do not hold together.
    #[error("{0}")]
    Policy(String),
}

/// Writes every default out, as the server stores a new workspace `id` with `teams`, each given by its id. A parent comes before its
/// child teams in the answer.
///
/// # Errors
/// [`DefinitionError`] where a field is missing, malformed or out of its bounds.
pub fn complete(
    id: &str,
    mut workspace: v1::Workspace,
    teams: &[(&str, v1::Team)],
) -> Result<(v1::Workspace, Vec<v1::Team>), DefinitionError> {
    let id = names::workspace_id("id", id)?;
    preset::complete(&mut workspace)?;
    let team = |(name, team): &(&str, v1::Team)| {
        let checked = names::team_id("id", name).and_then(|name| team_policy(&id, name, team));
        checked.map_err(|error| DefinitionError::Team { id: (*name).into(), error })
    };
    let teams = teams.iter().map(team).collect::<Result<_, _>>()?;
    workspace.signals.iter().try_for_each(|own| signals::check(own, &workspace.limits))?;
    let policy = policy(&workspace, parents_first(teams))?;
    let teams = policy.teams.iter().map(|team| wire_team(&id, team)).collect();
    let v1::Workspace { preset, signals, .. } = workspace;
    Ok((v1::Workspace { preset, signals, ..wire_workspace(&id, &policy) }, teams))
}

/// Writes every default of a domain `id` out, as the server stores it.
///
/// # Errors
/// [`DefinitionError`] where a field is missing, malformed or out of its bounds.
pub fn complete_domain(id: &str, domain: v1::Domain) -> Result<v1::Domain, DefinitionError> {
    let complete = || Ok(wire_domain(&names::domain_id("id", id)?, &domain_policy(&domain)?));
    complete().map_err(|error| DefinitionError::Domain { id: id.into(), error })
}

/// Checks a workspace with its teams as the server does before a change.
///
/// # Errors
/// [`DefinitionError`] where the server would refuse it.
pub fn check<'a>(
    workspace: &v1::Workspace,
    teams: impl IntoIterator<Item = &'a v1::Team>,
    allow_overcommit: bool,
) -> Result<(), DefinitionError> {
    let checked = check_policy(&policy_of(workspace, teams)?, "", allow_overcommit);
    checked.map(|_| ()).map_err(|error| DefinitionError::Policy(error.to_string()))
}

/// The permits of the budget that are promised to nobody; negative where more is promised than there is.
///
/// # Errors
/// [`DefinitionError`] where a field is malformed or out of its bounds.
pub fn spare_permits<'a>(
    workspace: &v1::Workspace,
    teams: impl IntoIterator<Item = &'a v1::Team>,
) -> Result<i128, DefinitionError> {
    let promised = policy_of(workspace, teams)?.promised();
    Ok(i128::from(promised.budget) - i128::from(promised.needed))
}

fn policy_of<'a>(
    workspace: &v1::Workspace,
    teams: impl IntoIterator<Item = &'a v1::Team>,
) -> Result<Policy, FieldError> {
    let id = names::workspace("name", &workspace.name)?;
    policy(workspace, team_policies(&id, teams)?)
}

/// The teams in an order in which each follows its parent. A team in a cycle goes last: the check names it.
fn parents_first(mut teams: Vec<TeamPolicy>) -> Vec<TeamPolicy> {
    let known = teams.clone();
    let depth = |team: &TeamPolicy| {
        let parent = |of: &&TeamPolicy| known.iter().find(|team| Some(&team.id) == of.parent.as_ref());
        std::iter::successors(Some(team), parent).take(known.len()).count()
    };
    teams.sort_by_cached_key(depth);
    teams
}
