//! The workspaces that this process serves, by id, and the shard of each.

use super::settings::Versioned;
use super::workspace::{Environment, Workspace};
use crate::error::Error;
use apportion_core::ids::WorkspaceId;
use apportion_core::policy::PolicyError;
use dashmap::DashMap;
use foldhash::fast::RandomState;
use std::sync::Arc;

/// The map of workspaces.
#[derive(Debug)]
pub(super) struct WorkspaceRegistry {
    workspaces: DashMap<WorkspaceId, Arc<Workspace>, RandomState>,
    environment: Arc<Environment>,
    shards: u16,
}

impl WorkspaceRegistry {
    pub(super) fn new(environment: Arc<Environment>, shards: u16) -> Self {
        Self { workspaces: DashMap::default(), environment, shards }
    }

    /// A workspace, out of the map: the caller holds no guard of the map.
    ///
    /// # Errors
    /// [`Error::UnknownWorkspace`].
    pub(super) fn find(&self, id: &WorkspaceId) -> Result<Arc<Workspace>, Error> {
        self.workspaces.get(id).map(|entry| Arc::clone(entry.value())).ok_or(Error::UnknownWorkspace)
    }

    /// Adds a workspace that is not served yet.
    ///
    /// # Errors
    /// The rule that the policy breaks.
    pub(super) fn insert(&self, id: WorkspaceId, versioned: Versioned) -> Result<(), PolicyError> {
        versioned.policy.check()?;
        let shard = shard_of(&id, self.shards);
        let workspace = Workspace::new(id.clone(), shard, versioned, Arc::clone(&self.environment));
        self.workspaces.insert(id, Arc::new(workspace));
        Ok(())
    }

    pub(super) fn remove(&self, id: &WorkspaceId) -> Option<Arc<Workspace>> {
        self.workspaces.remove(id).map(|(_, workspace)| workspace)
    }

    /// Calls `act` with every workspace.
    pub(super) fn for_each(&self, mut act: impl FnMut(&Arc<Workspace>)) {
        self.workspaces.iter().for_each(|entry| act(entry.value()));
    }

    /// The ids of all workspaces, in no order.
    pub(super) fn ids(&self) -> Vec<WorkspaceId> {
        self.workspaces.iter().map(|entry| entry.key().clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.workspaces.len()
    }
}

/// The shard of a workspace: FNV-1a of its id. It must never change, since the marks lie there.
fn shard_of(id: &WorkspaceId, shards: u16) -> u16 {
    let hash = id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    u16::try_from(hash % u64::from(shards.max(1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::shard_of;
    use apportion_core::ids::WorkspaceId;

    /// The numbers were computed apart from this code; another one loses the marks of every store.
    #[test]
    fn a_workspace_stays_in_its_shard() {
        let shard = |name: &str| shard_of(&WorkspaceId::new(name).expect("a name"), 64);
        assert_eq!([shard("default"), shard("a"), shard("eu-support")], [62, 12, 53]);
    }
}
