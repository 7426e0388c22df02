//! A copy of the database becomes a store again: checked page by page, under a new incarnation.

use super::super::check::{Unreadable, unreadable};
use super::super::error::StoreError;
use super::files::{self, BUILDING, CACHE_BYTES_OF_COPY, FILE, LOCK_FILE, Lock, NAMES};
use super::format;
use super::guard::guarded;
use super::layout::{self, ENTRIES, META};
use redb::{Database, ReadableDatabase, ReadableTable};
use std::fs::{File, TryLockError};
use std::path::Path;

/// What of the documents in a copy cannot be read.
pub(crate) fn check(path: &Path) -> Result<Vec<Unreadable>, StoreError> {
    guarded(|| {
        let database = Database::builder().set_cache_size(CACHE_BYTES_OF_COPY).open_read_only(path)?;
        layout::incarnation(&database.begin_read()?.open_table(META)?)?;
        let mut found = Vec::new();
        for entry in database.begin_read()?.open_table(ENTRIES)?.iter()? {
            let (key, value) = entry?;
            found.extend(unreadable(key.value(), layout::unpacked(value.value())?.1));
        }
        Ok(found)
    })?
}

/// Makes a store out of a copy. Returns what of it cannot be read.
pub(crate) fn restore(
    from: &Path,
    data_directory: &Path,
    replace: bool,
) -> Result<Vec<Unreadable>, StoreError> {
    check_unused(from)?;
    let _lock = Lock::take(data_directory)?;
    let target = data_directory.join(FILE);
    if target.try_exists()? && !replace {
        return Err(StoreError::Exists(target.display().to_string()));
    }
    let building = data_directory.join(BUILDING);
    let begun = copy(from, &building)
        .and_then(|()| begin_history(&building))
        .and_then(|()| check(&building))
        .and_then(|found| match found.iter().find(|unreadable| unreadable.is_vital) {
            Some(vital) => Err(StoreError::Damaged(vital.to_string())),
            None => files::put_in_place(&building, &target).map(|()| found),
        });
    if begun.is_err() {
        // Half a store is of no use, and the error that matters is the first one.
        let _ = files::remove(&building);
    }
    begun
}

/// Fails where a file may not be put under this name: a store is there, in use or not, or a process has what is there open as one.
/// What a server writes to a file that was replaced is lost.
pub(crate) fn check_no_store(path: &Path) -> Result<(), StoreError> {
    // A link may lead to a store, and its directory be another one.
    for path in [Some(path.to_owned()), path.canonicalize().ok()].into_iter().flatten() {
        let is_of_store = NAMES.iter().any(|name| path.file_name() == Some(name.as_ref()));
        if is_of_store && path.with_file_name(LOCK_FILE).exists() {
            return Err(StoreError::OfStore(path.display().to_string()));
        }
    }
    // What is no regular file is not opened: that may block.
    if path.is_file() { check_unused(path) } else { Ok(()) }
}

/// Fails where a process has the store open whose file this is: what it writes meanwhile would be torn, and its windows granted
/// twice.
fn check_unused(file: &Path) -> Result<(), StoreError> {
    // The lock of the directory holds also while the database is closed after an error.
    let of_directory = (file.file_name() == Some(FILE.as_ref())).then(|| file.with_file_name(LOCK_FILE));
    for path in std::iter::once(file.to_owned()).chain(of_directory.filter(|lock| lock.exists())) {
        match File::open(&path)?.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(file.display().to_string())),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Copies a backup, which others may read, to a file that its owner alone can read.
fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    files::remove(to)?;
    std::io::copy(&mut File::open(from)?, &mut files::create_new(to)?)?;
    Ok(())
}

/// Checks every page, and gives the copy an incarnation of its own.
fn begin_history(path: &Path) -> Result<(), StoreError> {
    let database = files::database(path)?;
    guarded(|| {
        format::upgrade(&database)?;
        let writing = database.begin_write()?;
        layout::set_new_incarnation(&mut writing.open_table(META)?)?;
        writing.commit()?;
        Ok(database.close()?)
    })?
}
