//! Where calls go: what membership knows, corrected by what other nodes answered.

use crate::owners::{Owner, Owners, Route};
use apportion_core::ids::NodeId;
use foldhash::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// The owners of all shards.
#[derive(Debug)]
pub(super) struct Routes {
    owners: Arc<dyn Owners>,
    this: NodeId,
    /// Owners with newer claims than membership knew of. Bounded by the number of shards.
    corrections: RwLock<HashMap<u16, Arc<Owner>>>,
    corrected: AtomicUsize,
}

impl Routes {
    pub(super) fn new(owners: Arc<dyn Owners>, this: NodeId) -> Self {
        Self { owners, this, corrections: RwLock::default(), corrected: AtomicUsize::new(0) }
    }

    /// Where the calls of a shard go now.
    pub(super) fn route(&self, shard: u16) -> Route {
        let route = self.owners.route(shard);
        if self.corrected.load(Ordering::Acquire) == 0 {
            return route;
        }
        let corrections = self.corrections.read().unwrap_or_else(PoisonError::into_inner);
        match corrections.get(&shard) {
            Some(owner) if owner.epoch > epoch(&route) => Route::Peer(Arc::clone(owner)),
            _ => route,
        }
    }

    /// Another node said who owns a shard. Returns whether that is news; an older claim than the known one gives way.
    pub(super) fn correct(&self, shard: u16, owner: Owner) -> bool {
        if owner.node == self.this || owner.epoch <= epoch(&self.route(shard)) {
            return false;
        }
        let mut corrections = self.corrections.write().unwrap_or_else(PoisonError::into_inner);
        // Those that membership has caught up with are of no use any more.
        corrections.retain(|&shard, owner| owner.epoch > epoch(&self.owners.route(shard)));
        corrections.insert(shard, Arc::new(owner));
        self.corrected.store(corrections.len(), Ordering::Release);
        true
    }

    /// Changes after the owner of any shard did.
    pub(super) fn changed(&self) -> watch::Receiver<u64> {
        self.owners.changed()
    }
}

fn epoch(route: &Route) -> u64 {
    match route {
        Route::Local { epoch } => *epoch,
        Route::Peer(owner) => owner.epoch,
        Route::Nobody => 0,
    }
}
