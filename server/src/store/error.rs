//! Why a store cannot be used, in words for the operator.

use super::sizes::{KEY_MAX, VALUE_MAX};
use std::io;
use thiserror::Error;

/// Why a store cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("{0} is in use by another process")]
    InUse(String),
    /// A newer program wrote it.
    #[error("the store has format {found}, this program knows formats up to {known}: use a newer program")]
    NewerFormat {
        /// The format found.
        found: u64,
        /// The newest format that this program knows.
        known: u64,
    },
    /// The data directory is not a directory.
    #[error("{0} is not a directory: name the data directory")]
    NoDirectory(String),
    /// A path that only a store may use.
    #[error("{0} is the file of a store: only `apportion restore` replaces it")]
    OfStore(String),
    /// The store's file was replaced or removed.
    #[error(
        "{0} is not the file that was opened, or is gone: what is written is lost; put it back, or stop the server and restore a backup"
    )]
    Replaced(String),
    /// There is no room to write.
    #[error("there is no room left for the store: {0}")]
    Full(String),
    /// It may not be written.
    #[error("the store cannot be written: {0}")]
    ReadOnly(String),
    /// The disk failed.
    #[error("the store's disk failed: {0}")]
    Io(String),
    /// What is stored is not what a store holds.
    #[error("the store is damaged: {0}; restore a backup")]
    Damaged(String),
    /// A key or a value is longer than a store takes.
    #[error(
        "a key of {key} bytes or its value of {value} bytes is too long: at most {KEY_MAX} and {VALUE_MAX}"
    )]
    TooLarge {
        /// The length of the key, in bytes.
        key: usize,
        /// The length of the value, in bytes.
        value: usize,
    },
    /// More keys than one transaction takes.
    #[error("a transaction of {count} keys is too long: at most {most}")]
    TooManyKeys {
        /// How many keys it compares or changes.
        count: usize,
        /// How many it may.
        most: usize,
    },
    /// The store is in etcd, which could not be used.
    #[error("the store in etcd cannot be used: {0}")]
    Etcd(String),
    /// The file that was to be written exists already.
    #[error("{0} exists already")]
    Exists(String),
    /// It is not kept in a file.
    #[error("the store is not kept in a file here: back up etcd itself, as with `etcdctl snapshot save`")]
    NoCopy,
    /// An earlier error made it unusable until it is opened again.
    #[error("the store must be opened again after an earlier error: {0}")]
    Closed(String),
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let text = error.to_string();
        match error.kind() {
            StorageFull | FileTooLarge | QuotaExceeded => Self::Full(text),
            PermissionDenied | ReadOnlyFilesystem => Self::ReadOnly(text),
            _ => Self::Io(text),
        }
    }
}
