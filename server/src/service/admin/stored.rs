//! A workspace as it is stored, with its teams, and the etags of documents.

use crate::convert::names::{team_name, workspace_name};
use crate::convert::team::team_policies;
use crate::convert::workspace::policy;
use crate::error::{Error, FieldError};
use crate::preset;
use crate::signals;
use crate::store::StoreVersion;
use crate::store::catalog::{KeptPolicy, Stored, policy_key};
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::policy::Policy;
use apportion_proto::v1;

/// A workspace with its teams, as stored.
#[derive(Clone, Debug)]
pub(super) struct StoredWorkspace {
    pub(super) id: WorkspaceId,
    pub(super) workspace: Stored<v1::Workspace>,
    pub(super) teams: Vec<Stored<v1::Team>>,
    /// The revision of the policy that they are.
    pub(super) revision: Option<StoreVersion>,
}

impl StoredWorkspace {
    /// What a change of the policy expects, beside the documents that it changes: that nothing of it has changed since it was read.
    pub(super) fn same_policy(&self) -> (String, Option<StoreVersion>) {
        (policy_key(self.id.as_str()), self.revision)
    }

    /// The policy as the core has it.
    pub(super) fn policy(&self) -> Result<Policy, FieldError> {
        let teams = team_policies(&self.id, self.teams.iter().map(|team| &team.value))?;
        policy(&self.workspace.value, teams)
    }

    /// The same without one of its teams.
    pub(super) fn policy_without(&self, id: &TeamId) -> Result<Policy, FieldError> {
        let name = team_name(&self.id, id);
        let others = self.teams.iter().map(|team| &team.value).filter(|team| team.name != name);
        policy(&self.workspace.value, team_policies(&self.id, others)?)
    }

    /// The team with this id.
    pub(super) fn team(&self, id: &str) -> Option<&Stored<v1::Team>> {
        let name = format!("{}/teams/{id}", self.workspace.value.name);
        self.teams.iter().find(|team| team.value.name == name)
    }
}

/// The policy that is stored of a workspace, checked against every rule.
///
/// # Errors
/// Which document cannot be used, and why.
pub(crate) fn usable_policy(id: &WorkspaceId, kept: &KeptPolicy) -> Result<(Policy, u32), String> {
    let (workspace, teams) = kept.documents.as_ref().map_err(ToString::to_string)?;
    let (workspace, teams) = (&workspace.value, teams.iter().map(|team| &team.value));
    let name = workspace_name(id);
    if workspace.name != name {
        return Err(format!("the document of {name} is that of {:?}", workspace.name));
    }
    let of_it = |error: String| format!("{name}: {error}");
    let teams = team_policies(id, teams).map_err(|error| of_it(error.to_string()))?;
    let policy = policy(workspace, teams).map_err(|error| of_it(error.to_string()))?;
    policy.check().map_err(|error| of_it(error.to_string()))?;
    let own = workspace.signals.iter().try_for_each(|own| signals::check(own, &workspace.limits));
    own.map_err(|error| of_it(error.to_string()))?;
    Ok((policy, signals::version(&preset::signals(workspace))))
}

/// The etag of a document with this version.
pub(super) fn etag(version: StoreVersion) -> String {
    version.to_string()
}

/// Checks that an etag, where one is given, is that of the document.
///
/// # Errors
/// [`Error::StaleEtag`].
pub(super) fn check_etag(given: &str, version: StoreVersion, name: &str) -> Result<(), Error> {
    if given.is_empty() || given == etag(version) {
        return Ok(());
    }
    Err(Error::StaleEtag { name: name.into() })
}
