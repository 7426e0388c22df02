//! Where the calls of each shard go, for whoever asks.

use super::campaign::Served;
use super::record::{NodeRecord, ShardOwner};
use apportion_core::ids::NodeId;
use std::sync::{PoisonError, RwLock};
use tokio::sync::watch;

/// A node that owns a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnerNode {
    /// The node.
    pub node: NodeId,
    /// The epoch of its claim. Every claim of a shard has a higher one than the claim before.
    pub epoch: u64,
    /// Where other nodes reach it, as `host:port`.
    pub peer_address: String,
    /// Where clients reach it, as `host:port`.
    pub client_address: String,
}

/// Where the calls of a shard go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShardRoute {
    /// To this node, which owns the shard.
    Local {
        /// The epoch of its claim.
        epoch: u64,
    },
    /// To another node.
    Peer(OwnerNode),
    /// Nowhere yet: nobody is known to own the shard.
    Nobody,
}

/// The routes of all shards.
#[derive(Debug)]
pub struct OwnerTable {
    me: NodeId,
    routes: RwLock<Vec<ShardRoute>>,
    changed: watch::Sender<u64>,
}

impl OwnerTable {
    pub(super) fn new(me: NodeId, shards: u16) -> Self {
        let routes = vec![ShardRoute::Nobody; usize::from(shards)];
        Self { me, routes: RwLock::new(routes), changed: watch::Sender::new(0) }
    }

    /// Puts these routes in force.
    pub(super) fn set(&self, new: Vec<ShardRoute>) {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        if *routes != new {
            *routes = new;
            drop(routes);
            self.changed.send_modify(|number| *number += 1);
        }
    }

    /// The route of a shard, out of what is known of it.
    pub(super) fn route_of(
        &self,
        owner: Option<&ShardOwner>,
        served: Served,
        record: impl Fn(&NodeId) -> Option<NodeRecord>,
    ) -> ShardRoute {
        match (owner, served) {
            // The claim may be newer than what was seen of the store.
            (None, Served::Owned(epoch)) => ShardRoute::Local { epoch },
            (Some(owner), Served::Owned(epoch)) if owner.node == self.me || owner.epoch < epoch => {
                ShardRoute::Local { epoch }
            }
            (Some(owner), _) if owner.node != self.me => match record(&owner.node) {
                Some(record) => ShardRoute::Peer(OwnerNode {
                    node: owner.node.clone(),
                    epoch: owner.epoch,
                    peer_address: record.peer_address,
                    client_address: record.client_address,
                }),
                None => ShardRoute::Nobody,
            },
            _ => ShardRoute::Nobody,
        }
    }
}

impl OwnerTable {
    /// Where the calls of a shard go now. Reads memory: each call may ask.
    pub fn route(&self, shard: u16) -> ShardRoute {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        routes.get(usize::from(shard)).cloned().unwrap_or(ShardRoute::Nobody)
    }

    /// A number that changes after the owner of any shard did.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
