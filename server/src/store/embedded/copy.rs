//! Copies of the database: written out of a snapshot, and made a store again.

use super::super::StoreError;
use super::files::{self, BUILDING, FILE, Lock};
use super::layout::{self, ENTRIES, META};
use super::{Embedded, format};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, Table};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

impl Embedded {
    /// What is durable now, as it stays however much is written after.
    pub(in super::super) fn snapshot(&self) -> Result<ReadTransaction, StoreError> {
        self.with(|database| Ok(database.begin_read()?))
    }
}

/// Writes what the snapshot holds to a new file.
pub(in super::super) fn write(snapshot: &ReadTransaction, to: &Path) -> Result<(), StoreError> {
    if to.try_exists()? {
        return Err(StoreError::Exists(to.display().to_string()));
    }
    let building = beside(to);
    files::remove(&building)?;
    let written = fill(snapshot, &building).and_then(|()| files::put_in_place(&building, to));
    if written.is_err() {
        // Half a copy is of no use, and the error that matters is the first one.
        let _ = files::remove(&building);
    }
    written
}

/// The name under which a file is written before it is whole.
fn beside(path: &Path) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(".new");
    name.into()
}

fn fill(snapshot: &ReadTransaction, path: &Path) -> Result<(), StoreError> {
    let database = Database::create(path)?;
    let writing = database.begin_write()?;
    for definition in [META, ENTRIES] {
        let mut to: Table<'_, &str, &[u8]> = writing.open_table(definition)?;
        for entry in snapshot.open_table(definition)?.iter()? {
            let (key, value) = entry?;
            to.insert(key.value(), value.value())?;
        }
    }
    writing.commit()?;
    Ok(database.close()?)
}

/// Makes a store out of a copy.
pub(in super::super) fn restore(from: &Path, data_directory: &Path, replace: bool) -> Result<(), StoreError> {
    let _lock = Lock::take(data_directory)?;
    let target = data_directory.join(FILE);
    if target.try_exists()? && !replace {
        return Err(StoreError::Exists(target.display().to_string()));
    }
    let building = data_directory.join(BUILDING);
    std::fs::copy(from, &building)?;
    let begun = begin_history(&building).and_then(|()| files::put_in_place(&building, &target));
    if begun.is_err() {
        // As above: the first error is the one to tell.
        let _ = files::remove(&building);
    }
    begun
}

/// Checks every page, and gives the copy an incarnation of its own.
fn begin_history(path: &Path) -> Result<(), StoreError> {
    let database = Database::builder().set_check_integrity_on_open(true).open(path).map_err(unsound)?;
    format::upgrade(&database)?;
    let writing = database.begin_write()?;
    layout::set_new_incarnation(&mut writing.open_table(META)?)?;
    writing.commit()?;
    Ok(database.close()?)
}

/// What is no database at all comes as bad data. Of one in use that would be a disk that fails.
fn unsound(error: redb::DatabaseError) -> StoreError {
    match error {
        redb::DatabaseError::Storage(redb::StorageError::Io(error))
            if error.kind() == std::io::ErrorKind::InvalidData =>
        {
            StoreError::Damaged(error.to_string())
        }
        other => other.into(),
    }
}
