//! Which node decides on the workspaces of a shard, as this node knows it.
//!
//! Nothing depends on its being right: permits are booked in the store, and a node that is asked in error says who owns the shard.

use apportion_core::ids::NodeId;
use std::sync::Arc;
use tokio::sync::watch;

/// The owner of a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
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
pub enum Route {
    /// To this node, which owns the shard.
    Local {
        /// The epoch of its claim.
        epoch: u64,
    },
    /// To another node.
    Peer(Arc<Owner>),
    /// Nowhere yet: nobody is known to own the shard.
    Nobody,
}

/// The owners of all shards.
pub trait Owners: std::fmt::Debug + Send + Sync {
    /// Where the calls of a shard go now. Reads memory: each call asks.
    fn route(&self, shard: u16) -> Route;

    /// Whether the store still confirms that this node is one of the cluster. Where it does not, other nodes take its shards.
    fn is_confirmed(&self) -> bool;

    /// A number that changes after the owner of any shard did.
    fn changed(&self) -> watch::Receiver<u64>;
}
