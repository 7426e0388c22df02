//! Which database a server uses: the one place that chooses it.

use super::embedded::Embedded;
use super::error::StoreError;
use super::kv::Store;
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
    /// The file in which it is.
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
