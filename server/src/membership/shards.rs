//! What the campaign asks of whoever serves shards, and what it learns from it.

use super::campaign::Served;
use apportion_core::ids::NodeId;
use std::fmt::Debug;
use tokio::sync::watch;

/// Serves shards, and says which.
pub trait ShardServer: Debug + Send + Sync + 'static {
    /// How many shards there are.
    fn count(&self) -> u16;

    /// Takes a shard over. Never blocks: what becomes of it is a change.
    fn claim(&self, shard: u16);

    /// Gives a shard to a node. Never blocks: what becomes of it is a change.
    fn hand_over(&self, shard: u16, to: NodeId);

    /// A node has claimed a shard that is served here, in this later epoch: nothing can be booked under the claim here any more. Never
    /// blocks.
    fn deposed(&self, shard: u16, by: NodeId, epoch: u64);

    /// What is done with a shard now.
    fn served(&self, shard: u16) -> Served;

    /// A number that changes after [`served`](Self::served) did for any shard.
    fn changed(&self) -> watch::Receiver<u64>;
}
