//! Changes that other nodes made: what the store holds of them is put in force here. Those of this node are in force already.

use super::change_error::catalog_error;
use super::policies::Policies;
use crate::error::Error;
use crate::leases::PolicySource;
use crate::store::StoreVersion;
use crate::store::catalog::{policy_key, policy_of};
use crate::store::etcd::{Followed, SeenKeys};
use apportion_core::ids::WorkspaceId;
use std::collections::BTreeSet;

impl Policies {
    /// The revisions of policies as they are seen in the store. Blocks for calls of it.
    pub(crate) fn see_policies(&self, seen: SeenKeys) {
        let changed = match seen {
            SeenKeys::Listed(entries, _) => {
                let there = entries.iter().filter_map(|entry| Some((workspace(&entry.key)?, entry.version)));
                let there: Vec<_> = there.collect();
                let known: BTreeSet<_> = there.iter().map(|(id, _)| id).collect();
                let gone = self.engine.workspaces().into_iter().filter(|id| !known.contains(id));
                let gone: Vec<_> = gone.collect();
                there
                    .into_iter()
                    .filter(|(id, version)| self.is_news(id, *version))
                    .map(|(id, _)| id)
                    .chain(gone)
                    .collect()
            }
            SeenKeys::Changed(changes) => {
                changes.into_iter().filter_map(|change| self.news(change)).collect()
            }
        };
        self.doubt(changed);
        self.resolve_doubts();
    }

    /// Documents of workspaces and teams as they change in the store. Blocks for calls of it.
    pub(crate) fn see_documents(&self, seen: SeenKeys) {
        let SeenKeys::Changed(changes) = seen else { return };
        let of = |change: Followed| {
            let (key, version) = match change {
                Followed::Put(entry) => (entry.key, entry.version),
                Followed::Deleted(key, version) => (key, version),
            };
            let id = WorkspaceId::new(policy_of(&key)?).ok()?;
            // A change through a node writes the documents and the revision of the policy at once.
            self.is_news(&id, version).then_some(id)
        };
        let changed: Vec<_> = changes.into_iter().filter_map(of).collect();
        if !changed.is_empty() {
            self.doubt(changed);
            self.resolve_doubts();
        }
    }

    fn news(&self, change: Followed) -> Option<WorkspaceId> {
        match change {
            Followed::Put(entry) => workspace(&entry.key).filter(|id| self.is_news(id, entry.version)),
            Followed::Deleted(key, _) => {
                workspace(&key).filter(|id| self.engine.policy_version(id).is_some())
            }
        }
    }

    /// Whether another version of the policy is in force here.
    fn is_news(&self, id: &WorkspaceId, version: StoreVersion) -> bool {
        self.engine.policy_version(id) != Some(version)
    }

    /// Some token has changed: those that the store holds are accepted, and no others. Where it cannot be read, the next look is
    /// that of the follower, which lists all again then.
    pub(crate) fn see_tokens(&self) {
        let _changing = self.changing();
        if let Ok(tokens) = self.tokens() {
            self.gate.accept_only(&tokens);
        }
    }

    /// Accepts no token of the store while it is unknown whether it still holds them.
    pub(crate) fn distrust_tokens(&self, is_unknown: bool) {
        self.gate.distrust(is_unknown);
    }
}

impl PolicySource for Policies {
    fn refresh(&self, workspace: &WorkspaceId) -> Result<(), Error> {
        let stored =
            self.catalog.policy_revision(workspace.as_str()).map_err(|error| catalog_error(&error))?;
        if self.engine.policy_version(workspace) != stored {
            self.doubt(vec![workspace.clone()]);
            self.resolve_doubts();
        }
        Ok(())
    }
}

/// The workspace whose policy has its revision under this key.
fn workspace(key: &str) -> Option<WorkspaceId> {
    WorkspaceId::new(key.strip_prefix(&policy_key(""))?).ok()
}
