//! Which database a server uses: the one place that chooses it.

use super::embedded::Embedded;
use super::error::StoreError;
use super::kv::Store;
use super::memory::Memory;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A store that was opened, and what is known of it from that.
pub struct OpenedStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// How many shards it was created with.
    pub shards: u16,
    /// Whether there was none before.
    pub is_new: bool,
    /// The file in which it is; none for a store in memory.
    pub file: PathBuf,
}

/// Opens the store in `data_directory`, or creates both.
///
/// # Errors
/// [`StoreError`] where another process has it open, a newer program wrote it, or the disk fails.
pub fn open(data_directory: &Path) -> Result<OpenedStore, StoreError> {
    let store = Embedded::open(data_directory)?;
    let (shards, is_new, file) = (store.shards()?, store.is_new(), store.path().to_owned());
    Ok(OpenedStore { store: Arc::new(store), shards, is_new, file })
}

/// How many shards a store in memory has.
const MEMORY_SHARDS: u16 = 4;

/// An empty store in memory, which is gone with the process. It has no copies, so its history needs no name of its own.
pub fn open_in_memory() -> OpenedStore {
    let store = Arc::new(Memory::new(1));
    OpenedStore { store, shards: MEMORY_SHARDS, is_new: false, file: PathBuf::new() }
}
