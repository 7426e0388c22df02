//! Which database a server uses: the one place that chooses it.

use super::embedded::Embedded;
use super::error::StoreError;
use super::etcd::{Etcd, EtcdSettings};
use super::kv::Store;
use super::memory::Memory;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a store is.
#[derive(Clone, Debug)]
pub enum StorePlace {
    /// In a file of this data directory.
    Embedded(PathBuf),
    /// In etcd.
    Etcd(EtcdSettings),
}

/// A store that was opened, and what is known of it from that.
pub struct OpenedStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// How many shards it was created with.
    pub shards: u16,
    /// Whether there was none before.
    pub is_new: bool,
    /// The file in which it is, if it is embedded.
    pub file: Option<PathBuf>,
    /// The same store, if it is in etcd: nodes follow its keys.
    pub etcd: Option<Arc<Etcd>>,
}

/// Opens the store in its place, or creates it.
///
/// # Errors
/// [`StoreError`] where another process has it open, a newer program wrote it, or the disk or etcd fails.
pub fn open(place: &StorePlace) -> Result<OpenedStore, StoreError> {
    match place {
        StorePlace::Embedded(data_directory) => {
            let store = Embedded::open(data_directory)?;
            let (shards, is_new, file) = (store.shards()?, store.is_new(), store.path().to_owned());
            Ok(OpenedStore { store: Arc::new(store), shards, is_new, file: Some(file), etcd: None })
        }
        StorePlace::Etcd(settings) => {
            let etcd = Arc::new(Etcd::open(settings)?);
            let (shards, is_new) = (etcd.shards(), etcd.is_new());
            Ok(OpenedStore { store: Arc::clone(&etcd) as _, shards, is_new, file: None, etcd: Some(etcd) })
        }
    }
}

/// How many shards a store in memory has.
const MEMORY_SHARDS: u16 = 4;

/// An empty store in memory, which is gone with the process. It has no copies, so its history needs no name of its own.
pub fn open_in_memory() -> OpenedStore {
    let store = Arc::new(Memory::new(1));
    OpenedStore { store, shards: MEMORY_SHARDS, is_new: false, file: None, etcd: None }
}
