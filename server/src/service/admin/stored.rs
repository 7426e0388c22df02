//! A workspace as it is stored, with its teams, and the etags of documents.

use crate::convert::team::team_policies;
use crate::convert::workspace::policy;
use crate::error::{Error, FieldError};
use crate::store::StoreVersion;
use crate::store::catalog::{Stored, policy_key};
use apportion_core::ids::WorkspaceId;
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

    /// The team with this id.
    pub(super) fn team(&self, id: &str) -> Option<&Stored<v1::Team>> {
        let name = format!("{}/teams/{id}", self.workspace.value.name);
        self.teams.iter().find(|team| team.value.name == name)
    }
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
