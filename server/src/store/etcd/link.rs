//! An etcd, and where in it a cluster lies.

use super::keys::ClusterKeys;
use apportion_etcd::{EtcdClient, EtcdOptions};
use std::sync::atomic::AtomicBool;

/// Where the store of a cluster is.
#[derive(Clone, Debug)]
pub struct EtcdSettings {
    /// The etcd.
    pub options: EtcdOptions,
    /// The name of the cluster: every other one in the same etcd is a store of its own.
    pub cluster: String,
}

/// An etcd, and where in it the cluster lies.
#[derive(Debug)]
pub(super) struct EtcdLink {
    pub(super) client: EtcdClient,
    pub(super) keys: ClusterKeys,
    /// The history that was seen is over, and no other one is recorded yet.
    pub(super) has_lost: AtomicBool,
}

impl EtcdLink {
    /// A link that connects with its first call. Must be made inside a tokio runtime.
    pub(super) fn new(settings: &EtcdSettings) -> Result<Self, String> {
        let client = EtcdClient::new(&settings.options)?;
        Ok(Self { client, keys: ClusterKeys::of(&settings.cluster), has_lost: AtomicBool::new(false) })
    }
}
