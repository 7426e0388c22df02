//! The store of a single node: one redb file in a data directory, synced to disk before a transaction counts.

pub(super) mod copy;
mod files;
mod format;
mod guard;
mod layout;
#[cfg(test)]
mod tests;

use super::{Entry, Outcome, Store, StoreError, Transaction, Version};
pub use files::{FILE, LOCK_FILE};
use files::{FileId, Lock};
pub use format::FORMAT;
use guard::guarded;
use layout::{ENTRIES, META, packed, unpacked};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, Table, WriteTransaction};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

/// A store in one file of a data directory, which this process alone has open.
pub struct Embedded {
    path: PathBuf,
    /// The file that was opened at first: nothing else under its name is this store.
    file: FileId,
    /// Whether it was created when it was opened.
    is_new: bool,
    open: fn(&Path) -> Result<Database, StoreError>,
    state: RwLock<State>,
    /// One copy at a time: they are built in one place.
    copying: Mutex<()>,
    _lock: Lock,
}

/// Whether the file may be used.
enum State {
    Open(Database),
    /// Since an error, until it is opened anew.
    Failed(String),
}

impl Embedded {
    /// Opens the store in `data_directory`, or creates both.
    ///
    /// # Errors
    /// [`StoreError`] where another process has it open, a newer program wrote it, or the disk does not let it.
    pub fn open(data_directory: &Path) -> Result<Self, StoreError> {
        Self::open_with(data_directory, files::database)
    }

    fn open_with(
        data_directory: &Path,
        open: fn(&Path) -> Result<Database, StoreError>,
    ) -> Result<Self, StoreError> {
        let lock = Lock::take(data_directory)?;
        copy::tidy(data_directory)?;
        let path = data_directory.join(FILE);
        let is_new = !path.try_exists()?;
        if is_new {
            files::create(data_directory)?;
        }
        let file = FileId::of(&path)?;
        let database = open(&path)?;
        guarded(|| format::upgrade(&database))??;
        let state = RwLock::new(State::Open(database));
        let store = Self { path, file, is_new, open, state, copying: Mutex::default(), _lock: lock };
        store.check_file()?;
        Ok(store)
    }

    /// Whether there was no store before it was opened.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The file in which it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fails where another file stands under its name by now, or none: what is written to the one that is open is lost with it.
    fn check_file(&self) -> Result<(), StoreError> {
        match FileId::of(&self.path) {
            Ok(found) if found == self.file => Ok(()),
            _ => Err(StoreError::Replaced(self.path.display().to_string())),
        }
    }

    /// How many shards the store was created with.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read.
    pub fn shards(&self) -> Result<u16, StoreError> {
        self.with(layout::shards)
    }

    /// Does something with the open database; a failure of the disk closes it for everybody.
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let result = {
            let state = self.state();
            let database = self.database(&state)?;
            guarded(|| work(database))
        };
        match result {
            Ok(result) => result.inspect_err(|error| self.fail(error)),
            Err(panic) => {
                self.close(&panic);
                Err(panic)
            }
        }
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn database<'a>(&self, state: &'a State) -> Result<&'a Database, StoreError> {
        match state {
            State::Open(database) => Ok(database),
            State::Failed(why) => Err(StoreError::Closed(why.clone())),
        }
    }

    /// Lets every later use fail after an error of the disk: what the cache says then proves nothing.
    fn fail(&self, error: &StoreError) {
        use StoreError::{Closed, Full, Io, ReadOnly, Replaced};
        if matches!(error, Full(_) | ReadOnly(_) | Io(_) | Closed(_) | Replaced(_)) {
            self.close(error);
        }
    }

    fn close(&self, error: &StoreError) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Open(_)) {
            drop_database(std::mem::replace(&mut state, State::Failed(error.to_string())));
        }
    }

    /// Carries the transactions out in one of the database's, up to the point where it becomes durable.
    fn apply(
        &self,
        writing: &WriteTransaction,
        transactions: &[Transaction],
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut meta = writing.open_table(META)?;
        let incarnation = layout::incarnation(&meta)?;
        let mut last = layout::commits(&meta)?;
        let mut entries = writing.open_table(ENTRIES)?;
        let mut outcomes = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            if let Some(error) = transaction.too_large() {
                outcomes.push(Outcome::Refused(error));
                continue;
            }
            if !is_as_expected(transaction, incarnation, &entries)? {
                outcomes.push(Outcome::Conflict);
                continue;
            }
            last += 1;
            write(transaction, last, &mut entries)?;
            outcomes.push(Outcome::Done(last));
        }
        layout::set_commits(&mut meta, last)?;
        Ok(outcomes)
    }

    /// Applies the transactions and makes them durable: why not, and whether that is certain.
    fn attempt(&self, transactions: &[Transaction]) -> Result<Vec<Outcome>, (StoreError, bool)> {
        let state = self.state();
        let certain = |error: StoreError| (error, true);
        let database = self.database(&state).map_err(certain)?;
        let mut writing = database.begin_write().map_err(|error| certain(error.into()))?;
        writing.set_durability(Durability::Immediate).map_err(|error| certain(error.into()))?;
        let outcomes = self.apply(&writing, transactions).map_err(certain)?;
        if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Done(_))) {
            writing.commit().map_err(|error| (error.into(), false))?;
            // It is durable in the file that is open; whether that is the one that is found after a restart, its name says.
            self.check_file().map_err(|error| (error, false))?;
        } else {
            writing.abort().map_err(|error| certain(error.into()))?;
        }
        Ok(outcomes)
    }
}

/// Lets go of a database. One with damaged pages may panic at that, too.
fn drop_database(state: State) {
    // Nothing more can be done with it.
    let _ = guarded(|| drop(state));
}

/// Whether the store is as the transaction expects it.
fn is_as_expected(
    transaction: &Transaction,
    incarnation: u128,
    entries: &Table<'_, &'static str, &'static [u8]>,
) -> Result<bool, StoreError> {
    if transaction.incarnation.is_some_and(|expected| expected != incarnation) {
        return Ok(false);
    }
    for (key, expected) in &transaction.expect {
        let found = entries.get(key.as_str())?;
        let version = found.map(|value| unpacked(value.value()).map(|(version, _)| version)).transpose()?;
        if version != *expected {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write(
    transaction: &Transaction,
    version: Version,
    entries: &mut Table<'_, &'static str, &'static [u8]>,
) -> Result<(), StoreError> {
    for key in &transaction.deletes {
        entries.remove(key.as_str())?;
    }
    for (key, value) in &transaction.puts {
        entries.insert(key.as_str(), packed(version, value).as_slice())?;
    }
    Ok(())
}

impl Store for Embedded {
    fn incarnation(&self) -> Result<u128, StoreError> {
        self.with(|database| layout::incarnation(&database.begin_read()?.open_table(META)?))
    }

    fn read(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        self.with(|database| {
            let entries = database.begin_read()?.open_table(ENTRIES)?;
            let Some(value) = entries.get(key)? else { return Ok(None) };
            let (version, value) = unpacked(value.value())?;
            Ok(Some(Entry { key: key.into(), value: value.into(), version }))
        })
    }

    fn scan(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<Entry>, StoreError> {
        self.with(|database| {
            let entries = database.begin_read()?.open_table(ENTRIES)?;
            let mut found = Vec::new();
            let from = after.map_or(prefix, |after| after.max(prefix));
            for entry in entries.range(from..)? {
                let (key, value) = entry?;
                let key = key.value();
                if found.len() == most || !key.starts_with(prefix) {
                    break;
                }
                if after.is_some_and(|after| key <= after) {
                    continue;
                }
                let (version, value) = unpacked(value.value())?;
                found.push(Entry { key: key.into(), value: value.into(), version });
            }
            Ok(found)
        })
    }

    /// After an error all transactions share its fate: a conflict was judged against what was never written.
    fn commit(&self, transactions: Vec<Transaction>) -> Vec<Outcome> {
        // A panic leaves open whether the commit was under way.
        let attempt = guarded(|| self.attempt(&transactions));
        match attempt.unwrap_or_else(|panic| {
            self.close(&panic);
            Err((panic, false))
        }) {
            Ok(outcomes) => outcomes,
            Err((error, certain)) => {
                self.fail(&error);
                let outcome = match certain {
                    true => Outcome::Refused(error),
                    false => Outcome::Unknown(error.to_string()),
                };
                vec![outcome; transactions.len()]
            }
        }
    }

    fn look(&self) -> Result<(), StoreError> {
        self.database(&self.state())?;
        self.check_file().inspect_err(|error| self.fail(error))
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // The old handle must be gone: it holds a lock on the file.
        drop_database(std::mem::replace(&mut state, State::Failed("opening".into())));
        let opened = self.check_file().and_then(|()| (self.open)(&self.path)).and_then(|database| {
            guarded(|| format::upgrade(&database))??;
            Ok(database)
        });
        // Another file may have come under the name meanwhile.
        match opened.and_then(|database| self.check_file().map(|()| database)) {
            Ok(database) => *state = State::Open(database),
            Err(error) => {
                *state = State::Failed(error.to_string());
                return Err(error);
            }
        }
        Ok(())
    }
}
