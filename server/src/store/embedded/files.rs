//! The files of a store: a lock that one process holds, and a database that appears whole or not at all.

use super::super::StoreError;
use super::{format, layout};
use redb::{Database, DatabaseError, StorageError};
use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The name of the database in the data directory.
pub const FILE: &str = "apportion.redb";
/// The name of the file that the process holds locked which has the store open.
pub const LOCK_FILE: &str = "apportion.lock";
/// Where a copy of the database lies until it is opened and loses its name.
pub(super) const COPY: &str = "apportion.redb.copy";
/// Where a database is built before it gets its name.
pub(super) const BUILDING: &str = "apportion.redb.new";

/// Most memory that a database uses for pages, in bytes.
const CACHE_BYTES: usize = 64 << 20;

/// The right of this process to use a data directory, until it is dropped or the process ends in any way.
pub(super) struct Lock(#[allow(dead_code, reason = "holds the lock while it is open")] File);

impl Lock {
    /// Takes the lock; makes the directory where there is none, readable by its owner alone.
    pub(super) fn take(data_directory: &Path) -> Result<Self, StoreError> {
        DirBuilder::new().recursive(true).mode(0o700).create(data_directory)?;
        let path = data_directory.join(LOCK_FILE);
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(data_directory.display().to_string())),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

/// Opens a database that exists; repairs it where the process before did not end cleanly.
pub(super) fn database(path: &Path) -> Result<Database, StoreError> {
    Ok(Database::builder().set_cache_size(CACHE_BYTES).open(path)?)
}

/// Creates the database of a new store.
pub(super) fn create(data_directory: &Path) -> Result<(), StoreError> {
    let building = data_directory.join(BUILDING);
    remove(&building)?;
    let database = Database::builder().set_cache_size(CACHE_BYTES).create(&building)?;
    layout::fill(&database, format::FORMAT)?;
    database.close()?;
    put_in_place(&building, &data_directory.join(FILE))
}

/// Gives a finished file its name, durably.
pub(super) fn put_in_place(building: &Path, path: &Path) -> Result<(), StoreError> {
    File::open(building)?.sync_all()?;
    fs::rename(building, path)?;
    if let Some(directory) = path.parent() {
        let here = Path::new(".");
        File::open(if directory.as_os_str().is_empty() { here } else { directory })?.sync_all()?;
    }
    Ok(())
}

/// Removes a file, if there is one.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            redb::Error::DatabaseAlreadyOpen => Self::InUse(FILE.into()),
            redb::Error::Corrupted(_) | redb::Error::UpgradeRequired(_) => Self::Damaged(error.to_string()),
            redb::Error::TableDoesNotExist(_) | redb::Error::TableTypeMismatch { .. } => {
                Self::Damaged(error.to_string())
            }
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => Self::Closed(error.to_string()),
            other => Self::Io(other.to_string()),
        }
    }
}

macro_rules! from {
    ($($error:ty),+) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        })+
    };
}

from!(
    StorageError,
    DatabaseError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::SetDurabilityError
);
