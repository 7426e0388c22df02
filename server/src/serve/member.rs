//! A server that joins the cluster of its settings: where others reach it, and its part in the campaign for shards.

use super::error::ServeError;
use super::shards::EngineShards;
use crate::config::ClusterSettings;
use crate::engine::Engine;
use crate::leases::ClusterNode;
use crate::membership::{Membership, MembershipSettings};
use crate::store::Etcd;
use apportion_core::ledger::Horizon;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What a server that is to be a node has by then.
#[derive(Clone, Copy)]
pub(super) struct NodeSite<'a> {
    pub(super) engine: &'a Arc<Engine>,
    /// The store, where it is in etcd.
    pub(super) etcd: Option<&'a Arc<Etcd>>,
    /// Where it listens for clients.
    pub(super) client: SocketAddr,
    /// Where it listens for other nodes.
    pub(super) peer: SocketAddr,
}

/// A server that is a node.
pub(super) struct Joined {
    pub(super) node: ClusterNode,
    /// Its part in the campaign; none where somebody else says who owns what.
    pub(super) membership: Option<Arc<Membership>>,
}

/// Joins the cluster. Blocks for calls of etcd, and for a former process of the same name to end. Must be called inside a tokio runtime.
///
/// # Errors
/// [`ServeError`] where another process bears the name, or etcd fails.
pub(super) fn join(site: &NodeSite<'_>, cluster: &ClusterSettings) -> Result<Joined, ServeError> {
    let client_address = cluster.client_address(site.client);
    let settings = MembershipSettings {
        node: cluster.node.clone(),
        client_address: client_address.clone(),
        peer_address: cluster.peer_address(site.peer),
        clock_error_ms: i64::try_from(Horizon::DEFAULT.clock_error.as_ns() / 1_000_000).unwrap_or(i64::MAX),
        clock: site.engine.shared_clock(),
    };
    let etcd = site.etcd.unwrap_or_else(|| unreachable!("the store of a cluster is in etcd"));
    let shards = EngineShards::new(Arc::clone(site.engine));
    let membership = Arc::new(Membership::start(&Handle::current(), etcd, &settings, shards)?);
    let owners = membership.owners();
    let node = ClusterNode { node: settings.node, client_address, owners };
    Ok(Joined { node, membership: Some(membership) })
}
