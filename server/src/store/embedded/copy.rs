//! Copies of the database, written out of a snapshot while it goes on being used.

use super::super::error::StoreError;
use super::database::Embedded;
use super::files::{self, CACHE_BYTES_OF_COPY, COPY};
use super::guard::guarded;
use super::layout::{ENTRIES, META};
use redb::{ReadTransaction, ReadableDatabase, ReadableTable, Table};
use std::fs::File;
use std::path::Path;
use std::sync::PoisonError;

impl Embedded {
    /// What is durable now, as it stays however much is written after.
    fn snapshot(&self) -> Result<ReadTransaction, StoreError> {
        self.with(|database| Ok(database.begin_read()?))
    }

    /// A copy of what is durable now, as a file of the data directory that has no name.
    pub(super) fn nameless_copy(&self) -> Result<File, StoreError> {
        let _turn = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path.with_file_name(COPY);
        files::remove(&path)?;
        // A thread of its own: its memory is free after its end, where a thread of a pool keeps what it once used.
        let copied = std::thread::scope(|scope| scope.spawn(|| write(&self.snapshot()?, &path)).join());
        copied.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let file = File::open(&path)?;
        files::remove(&path)?;
        Ok(file)
    }
}

/// Writes what the snapshot holds to a new file, which has its name only when it is whole.
fn write(snapshot: &ReadTransaction, to: &Path) -> Result<(), StoreError> {
    let building = files::beside(to);
    files::remove(&building)?;
    let written =
        guarded(|| fill(snapshot, &building)).flatten().and_then(|()| files::put_in_place(&building, to));
    if written.is_err() {
        // Half a copy is of no use, and the error that matters is the first one.
        let _ = files::remove(&building);
    }
    written
}

fn fill(snapshot: &ReadTransaction, path: &Path) -> Result<(), StoreError> {
    let database = files::empty_database(path, CACHE_BYTES_OF_COPY)?;
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
