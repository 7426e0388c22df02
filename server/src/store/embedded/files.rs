//! The files of a store: a lock that one process holds, and a database that appears whole or not at all.

use super::super::error::StoreError;
use super::guard::guarded;
use super::{format, layout};
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, StorageError};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The name of the database in the data directory.
pub const FILE: &str = "apportion.redb";
/// The name of the file that the process holds locked which has the store open.
pub const LOCK_FILE: &str = "apportion.lock";
/// Where a copy of the database lies until it is opened and loses its name.
pub(super) const COPY: &str = "apportion.redb.copy";
/// Where a database is built before it gets its name.
pub(super) const BUILDING: &str = "apportion.redb.new";
/// Every name that a store uses in its directory.
pub(super) const NAMES: [&str; 4] = [FILE, LOCK_FILE, COPY, BUILDING];
/// The mode of every file of a store: the hashes of secrets are in it.
const MODE: u32 = 0o600;

/// Most memory that a database uses for pages, in bytes.
const CACHE_BYTES: usize = 64 << 20;

/// Most memory that a copy uses for pages, in bytes: it writes each once and reads none again.
pub(super) const CACHE_BYTES_OF_COPY: usize = 8 << 20;

/// The right of this process to use a data directory, until it is dropped or the process ends in any way.
pub(super) struct Lock(#[allow(dead_code, reason = "holds the lock while it is open")] File);

impl Lock {
    /// Takes the lock; makes the directory where there is none, readable by its owner alone.
    pub(super) fn take(data_directory: &Path) -> Result<Self, StoreError> {
        if data_directory.exists() && !data_directory.is_dir() {
            return Err(StoreError::NoDirectory(data_directory.display().to_string()));
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(data_directory);
        made.map_err(|error| at(data_directory, &error))?;
        let path = data_directory.join(LOCK_FILE);
        let mut options = File::options();
        let file = options.create(true).truncate(false).write(true).mode(MODE).open(&path);
        let file = file.map_err(|error| at(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(data_directory.display().to_string())),
            Err(TryLockError::Error(error)) => Err(at(&path, &error)),
        }
    }
}

/// The error with the path that it is about.
fn at(path: &Path, error: &io::Error) -> StoreError {
    io::Error::new(error.kind(), format!("{}: {error}", path.display())).into()
}

/// The identity of a file, whatever its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file that is there now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self { device: found.dev(), inode: found.ino() })
    }
}

/// Opens a database that exists, after every page was held against its checksum; repairs it where the process before did not end
/// cleanly.
pub(super) fn database(path: &Path) -> Result<Database, StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    guarded(|| builder.open(path).map_err(unsound))?
}

/// What is no database at all comes as bad data. Of one in use that would be a disk that fails.
fn unsound(error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
            StoreError::Damaged(error.to_string())
        }
        other => other.into(),
    }
}

/// A file that was not there before, which its owner alone can read.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).mode(MODE).open(path)
}

/// An empty database under a name that is free, with so many bytes of memory for pages.
pub(super) fn empty_database(path: &Path, cache_bytes: usize) -> Result<Database, StoreError> {
    let file = FileBackend::new(create_new(path)?)?;
    Ok(Database::builder().set_cache_size(cache_bytes).create_with_backend(file)?)
}

/// Creates the database of a new store.
pub(super) fn create(data_directory: &Path) -> Result<(), StoreError> {
    let building = data_directory.join(BUILDING);
    remove(&building)?;
    let database = empty_database(&building, CACHE_BYTES)?;
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

/// The name under which a file is written before it is whole.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(".new");
    name.into()
}

/// Removes what an earlier process left of a copy.
pub(super) fn remove_copies(data_directory: &Path) -> Result<(), StoreError> {
    let path = data_directory.join(COPY);
    remove(&beside(&path))?;
    remove(&path)
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
