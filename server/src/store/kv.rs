//! The one trait that every database implements: keys with values and versions, changed only by transactions that say what they
//! expect.

use super::error::StoreError;
use super::sizes::{KEY_MAX, VALUE_MAX};
use std::fs::File;

/// The version of one key's value: the number of the transaction that wrote it. It rises with every transaction of the
/// store, so no value ever comes back with a version that an earlier one had.
pub type StoreVersion = u64;

/// A key with its value and version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// The version of the value.
    pub version: StoreVersion,
}

/// What is written together or not at all, and only if everything expected is so.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Transaction {
    /// The history that the store must have; any where absent.
    pub incarnation: Option<u128>,
    /// The version that each of these keys must have; `None`: the key must be absent.
    pub expect: Vec<(String, Option<StoreVersion>)>,
    /// Values to write.
    pub puts: Vec<(String, Vec<u8>)>,
    /// Keys to delete; one that is absent stays absent.
    pub deletes: Vec<String>,
}

impl Transaction {
    /// Why the transaction is refused whatever the store holds; `None` where it is not.
    pub(super) fn too_large(&self) -> Option<StoreError> {
        let long = self.puts.iter().find(|(key, value)| key.len() > KEY_MAX || value.len() > VALUE_MAX);
        long.map(|(key, value)| StoreError::TooLarge { key: key.len(), value: value.len() })
    }
}

/// What became of a transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommitOutcome {
    /// It is durable, and its values bear this version.
    Done(StoreVersion),
    /// A version or the history was not as expected; nothing was written.
    Conflict,
    /// It cannot be known whether it was written: only reading back after [`Store::reopen`] tells.
    Unknown(String),
    /// Nothing was written, and nothing of it will appear later.
    Refused(StoreError),
}

/// A durable map of keys to values. Every call blocks: only the store's own threads call it.
pub trait Store: Send + Sync + 'static {
    /// The id of this store's history: another one after a backup was restored.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read.
    fn incarnation(&self) -> Result<u128, StoreError>;

    /// The value of a key, as the last durable transaction left it.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read.
    fn read(&self, key: &str) -> Result<Option<Entry>, StoreError>;

    /// The entries whose keys start with `prefix` and come after `after`, in order of key, `most` at most.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read.
    fn scan(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<Entry>, StoreError>;

    /// Carries transactions out in order, each checked on its own against what those before it left, and makes them durable
    /// together. Returns one outcome for each.
    fn commit(&self, transactions: Vec<Transaction>) -> Vec<CommitOutcome>;

    /// Checks that the store can be used and is still the one that was opened, as far as is known without reading it.
    ///
    /// # Errors
    /// [`StoreError`] where an earlier error closed it, or it is not there any more.
    fn look(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// A consistent copy of what is durable now, made while the store goes on being used: a file without a name, which is gone when
    /// it is closed, in whatever way the process ends. An error in it does not close the store.
    ///
    /// # Errors
    /// [`StoreError`] where reading or writing fails, or the store is of a kind that is not copied.
    fn copy(&self) -> Result<File, StoreError> {
        Err(StoreError::NoCopy)
    }

    /// Opens the store again after an error that made every later use fail.
    ///
    /// # Errors
    /// [`StoreError`] where it still cannot be used; it may be tried again.
    fn reopen(&self) -> Result<(), StoreError>;
}
