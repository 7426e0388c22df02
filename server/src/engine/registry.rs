//! The workspaces that this process serves, by id, and the shard of each.

use super::settings::Versioned;
use super::workspace::{Environment, Workspace};
use crate::error::Error;
use apportion_core::ids::WorkspaceId;
use apportion_core::policy::PolicyError;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// A workspace that cannot be served, whatever shard it is in.
#[derive(Clone, Debug)]
struct Unusable {
    /// Which document in the store cannot be used, and why.
    why: String,
    /// The revision of the policy that was read.
    version: u64,
}

/// The workspaces of one shard.
type OfShard = RwLock<HashMap<WorkspaceId, Arc<Workspace>, RandomState>>;

/// The workspaces, by shard.
#[derive(Debug)]
pub(super) struct WorkspaceRegistry {
    shards: Vec<OfShard>,
    /// Workspaces that are in the store and cannot be served: no more than the store has.
    unusable: RwLock<BTreeMap<WorkspaceId, Unusable>>,
    environment: Arc<Environment>,
}

impl WorkspaceRegistry {
    pub(super) fn new(environment: Arc<Environment>, shards: u16) -> Self {
        let shards = (0..shards.max(1)).map(|_| OfShard::default()).collect();
        Self { shards, unusable: RwLock::default(), environment }
    }

    /// The shard of a workspace, also of one that there is not.
    pub(super) fn shard_of(&self, id: &WorkspaceId) -> u16 {
        shard_of(id, self.shard_count())
    }

    pub(super) fn shard_count(&self) -> u16 {
        u16::try_from(self.shards.len()).unwrap_or(u16::MAX)
    }

    fn shard(&self, id: &WorkspaceId) -> &OfShard {
        &self.shards[usize::from(self.shard_of(id))]
    }

    /// A workspace. The caller holds no lock of the registry.
    ///
    /// # Errors
    /// [`Error::UnknownWorkspace`], or [`Error::WorkspaceClosed`] where it cannot be served.
    pub(super) fn find(&self, id: &WorkspaceId) -> Result<Arc<Workspace>, Error> {
        let found = self.shard(id).read().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        found.ok_or_else(|| match self.unusable().get(id) {
            Some(unusable) => Error::WorkspaceClosed { why: unusable.why.clone() },
            None => Error::UnknownWorkspace,
        })
    }

    fn unusable(&self) -> RwLockReadGuard<'_, BTreeMap<WorkspaceId, Unusable>> {
        self.unusable.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The revision of the policy that cannot be used; none where there is no such workspace.
    pub(super) fn unusable_version(&self, id: &WorkspaceId) -> Option<u64> {
        self.unusable().get(id).map(|unusable| unusable.version)
    }

    /// The workspaces that cannot be served and why, in order.
    pub(super) fn all_unusable(&self) -> Vec<(WorkspaceId, String)> {
        self.unusable().iter().map(|(id, unusable)| (id.clone(), unusable.why.clone())).collect()
    }

    /// Takes note that a workspace cannot be served. Returns it where it was served until now.
    pub(super) fn set_unusable(&self, id: &WorkspaceId, why: String, version: u64) -> Option<Arc<Workspace>> {
        let mut unusable = self.unusable.write().unwrap_or_else(PoisonError::into_inner);
        unusable.insert(id.clone(), Unusable { why, version });
        drop(unusable);
        self.take(id)
    }

    fn take(&self, id: &WorkspaceId) -> Option<Arc<Workspace>> {
        self.shard(id).write().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// Adds a workspace that is not served yet.
    ///
    /// # Errors
    /// The rule that the policy breaks.
    pub(super) fn insert(&self, id: WorkspaceId, versioned: Versioned) -> Result<(), PolicyError> {
        versioned.policy.check()?;
        let shard = self.shard_of(&id);
        let workspace = Workspace::new(id.clone(), shard, versioned, Arc::clone(&self.environment));
        let mut of_shard = self.shard(&id).write().unwrap_or_else(PoisonError::into_inner);
        of_shard.insert(id.clone(), Arc::new(workspace));
        drop(of_shard);
        self.unusable.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        Ok(())
    }

    pub(super) fn remove(&self, id: &WorkspaceId) -> Option<Arc<Workspace>> {
        self.unusable.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.take(id)
    }

    /// The workspaces of a shard, in no order. The caller holds no lock of the registry.
    pub(super) fn of_shard(&self, shard: u16) -> Vec<Arc<Workspace>> {
        let Some(of_shard) = self.shards.get(usize::from(shard)) else { return Vec::new() };
        of_shard.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Calls `act` with every workspace.
    pub(super) fn for_each(&self, mut act: impl FnMut(&Arc<Workspace>)) {
        (0..self.shard_count()).for_each(|shard| self.of_shard(shard).iter().for_each(&mut act));
    }

    /// The ids of all workspaces, in no order, those included that cannot be served.
    pub(super) fn ids(&self) -> Vec<WorkspaceId> {
        let mut ids = Vec::with_capacity(self.len());
        self.for_each(|workspace| ids.push(workspace.id.clone()));
        ids.extend(self.unusable().keys().cloned());
        ids
    }

    pub(super) fn len(&self) -> usize {
        let lengths =
            self.shards.iter().map(|of_shard| of_shard.read().unwrap_or_else(PoisonError::into_inner).len());
        lengths.sum::<usize>() + self.unusable().len()
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
