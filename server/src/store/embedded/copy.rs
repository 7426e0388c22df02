//! Copies of the database: written out of a snapshot, and made a store again.

use super::super::check::unreadable;
use super::super::{StoreError, Unreadable};
use super::files::{self, BUILDING, COPY, FILE, LOCK_FILE, Lock, NAMES};
use super::guard::guarded;
use super::layout::{self, ENTRIES, META};
use super::{Embedded, format};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, Table};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// Most memory that a copy uses for pages, in bytes: it writes each once and reads none again.
const CACHE_BYTES: usize = 8 << 20;

impl Embedded {
    /// What is durable now, as it stays however much is written after.
    pub(in super::super) fn snapshot(&self) -> Result<ReadTransaction, StoreError> {
        self.with(|database| Ok(database.begin_read()?))
    }

    /// A copy of what is durable now, as a file of the data directory that has no name.
    pub(in super::super) fn nameless_copy(&self) -> Result<File, StoreError> {
        let _turn = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path.with_file_name(COPY);
        files::remove(&path)?;
        // Memory that a thread used serves the next one after its end. Those of a pool live on, each with what it once used.
        let copied = std::thread::scope(|scope| scope.spawn(|| write(&self.snapshot()?, &path)).join());
        copied.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let file = File::open(&path)?;
        files::remove(&path)?;
        Ok(file)
    }
}

/// Removes what an earlier process left of a copy.
pub(super) fn tidy(data_directory: &Path) -> Result<(), StoreError> {
    let path = data_directory.join(COPY);
    files::remove(&beside(&path))?;
    files::remove(&path)
}

/// Writes what the snapshot holds to a new file.
pub(in super::super) fn write(snapshot: &ReadTransaction, to: &Path) -> Result<(), StoreError> {
    if to.try_exists()? {
        return Err(StoreError::Exists(to.display().to_string()));
    }
    let building = beside(to);
    files::remove(&building)?;
    let written =
        guarded(|| fill(snapshot, &building)).flatten().and_then(|()| files::put_in_place(&building, to));
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
    let database = files::empty_database(path, CACHE_BYTES)?;
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

/// What of the documents in a copy cannot be read.
pub(in super::super) fn check(path: &Path) -> Result<Vec<Unreadable>, StoreError> {
    guarded(|| {
        let database = Database::builder().set_cache_size(CACHE_BYTES).open_read_only(path)?;
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
pub(in super::super) fn restore(
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
        // As above: the first error is the one to tell.
        let _ = files::remove(&building);
    }
    begun
}

/// Fails where a file may not be put under this name: a store is there, in use or not, or a process has what is there open as one.
/// What a server writes to a file that was replaced is lost.
pub(in super::super) fn check_no_store(path: &Path) -> Result<(), StoreError> {
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
