//! The cluster as one node sees it, to be shown.

use super::record::NodeRecord;
use crate::store::catalog::KeptPin;
use apportion_core::ids::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Where a shard is, and where it belongs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardPlace {
    /// The running node that owns it; `None` where none does.
    pub owner: Option<NodeId>,
    /// The node that should own it; `None` where none can.
    pub assigned: Option<NodeId>,
}

/// The cluster as one node sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterView {
    /// The node that sees it.
    pub seen_by: NodeId,
    /// For how long it has been unknown whether anything changed in the store.
    pub silence: Duration,
    /// The nodes that run, and what each says of itself.
    pub nodes: BTreeMap<NodeId, NodeRecord>,
    /// The nodes that an administrator drains, those included that do not run.
    pub drained: BTreeSet<NodeId>,
    /// The shards, by number.
    pub shards: Vec<ShardPlace>,
    /// The shards that are kept at a node.
    pub pins: BTreeMap<u16, KeptPin>,
}
