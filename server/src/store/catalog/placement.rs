//! Where the shards of a cluster are to go, beside what nodes agree on by themselves: nodes that drain, and shards that are kept at a
//! node.

use super::super::kv::StoreVersion;
use super::document::KeptPin;
use super::documents::Catalog;
use super::error::CatalogError;
use super::keys::{DRAINS, PINS, drain_key, pin_key};
use super::stored::StoredMessage;
use apportion_core::ids::NodeId;

/// What a key of the placement is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PlacementKey {
    /// That this node drains.
    Drain(NodeId),
    /// Where this shard is kept.
    Pin(u16),
}

impl PlacementKey {
    /// What this key is about; `None` where it is no such key.
    pub fn of(key: &str) -> Option<Self> {
        if let Some(node) = key.strip_prefix(DRAINS) {
            return NodeId::new(node).ok().map(Self::Drain);
        }
        key.strip_prefix(PINS)?.parse().ok().map(Self::Pin)
    }
}

impl KeptPin {
    /// The pin with this value; `None` where it cannot be read.
    pub fn read(value: &[u8]) -> Option<Self> {
        Self::from_bytes(value).ok()
    }
}

impl Catalog {
    /// The version of the drain of a node; `None` where it does not drain.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read.
    pub fn drain(&self, node: &NodeId) -> Result<Option<StoreVersion>, CatalogError> {
        Ok(self.store.read(&drain_key(node.as_str()))?.map(|entry| entry.version))
    }

    /// How many nodes drain, those included that do not run.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read.
    pub fn drain_count(&self) -> Result<usize, CatalogError> {
        Ok(self.store.scan(DRAINS, None, usize::MAX)?.len())
    }

    /// The version of the pin of a shard, and the pin where it can be read; `None` where there is none.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read.
    pub fn pin(&self, shard: u16) -> Result<Option<(StoreVersion, Option<KeptPin>)>, CatalogError> {
        let entry = self.store.read(&pin_key(shard))?;
        Ok(entry.map(|entry| (entry.version, KeptPin::read(&entry.value))))
    }
}
