//! Where the calls of each shard go, for whoever asks.

use super::campaign::Served;
use super::record::{NodeRecord, ShardOwner};
use crate::owners::{Owner, Owners, Route};
use apportion_core::ids::NodeId;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// The routes of all shards.
#[derive(Debug)]
pub struct OwnerTable {
    me: NodeId,
    routes: RwLock<Vec<Route>>,
    changed: watch::Sender<u64>,
    is_confirmed: AtomicBool,
}

impl OwnerTable {
    pub(super) fn new(me: NodeId, shards: u16) -> Self {
        let routes = vec![Route::Nobody; usize::from(shards)];
        let is_confirmed = AtomicBool::new(false);
        Self { me, routes: RwLock::new(routes), changed: watch::Sender::new(0), is_confirmed }
    }

    /// Puts these routes in force.
    pub(super) fn set(&self, new: Vec<Route>) {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        if *routes != new {
            *routes = new;
            drop(routes);
            self.changed.send_modify(|number| *number += 1);
        }
    }

    /// Takes note whether the store confirms that this node is one of the cluster.
    pub(super) fn set_confirmed(&self, is_confirmed: bool) {
        self.is_confirmed.store(is_confirmed, Ordering::Release);
    }

    /// The route of a shard, out of what is known of it.
    pub(super) fn route_of(
        &self,
        owner: Option<&ShardOwner>,
        served: Served,
        record: impl Fn(&NodeId) -> Option<NodeRecord>,
    ) -> Route {
        match (owner, served) {
            // The claim may be newer than what was seen of the store.
            (None, Served::Owned(epoch)) => Route::Local { epoch },
            (Some(owner), Served::Owned(epoch)) if owner.node == self.me || owner.epoch < epoch => {
                Route::Local { epoch }
            }
            (Some(owner), _) if owner.node != self.me => match record(&owner.node) {
                Some(record) => Route::Peer(Arc::new(Owner {
                    node: owner.node.clone(),
                    epoch: owner.epoch,
                    peer_address: record.peer_address,
                    client_address: record.client_address,
                })),
                None => Route::Nobody,
            },
            _ => Route::Nobody,
        }
    }
}

impl Owners for OwnerTable {
    fn is_confirmed(&self) -> bool {
        self.is_confirmed.load(Ordering::Acquire)
    }

    fn route(&self, shard: u16) -> Route {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        routes.get(usize::from(shard)).cloned().unwrap_or(Route::Nobody)
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
