//! The database of a store: open, or closed since an error; and that it is still the file that was opened.

use super::super::error::StoreError;
use super::files::{self, FILE, FileId, Lock};
use super::guard::guarded;
use super::{format, layout};
use redb::Database;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

/// A store in one file of a data directory, which this process alone has open.
pub struct Embedded {
    pub(super) path: PathBuf,
    /// The file that was opened first: no other one under its name is this store.
    file: FileId,
    /// Whether it was created when it was opened.
    is_new: bool,
    open: fn(&Path) -> Result<Database, StoreError>,
    state: RwLock<State>,
    /// One copy at a time: they are built in one place.
    pub(super) copying: Mutex<()>,
    _lock: Lock,
}

/// Whether the file may be used.
pub(super) enum State {
    Open(Database),
    /// Since an error, until it is opened again.
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

    pub(super) fn open_with(
        data_directory: &Path,
        open: fn(&Path) -> Result<Database, StoreError>,
    ) -> Result<Self, StoreError> {
        let lock = Lock::take(data_directory)?;
        files::remove_copies(data_directory)?;
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

    /// Fails where its file was replaced or removed: what is written to the one that is open is lost with it.
    pub(super) fn check_file(&self) -> Result<(), StoreError> {
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
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
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

    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn database<'a>(&self, state: &'a State) -> Result<&'a Database, StoreError> {
        match state {
            State::Open(database) => Ok(database),
            State::Failed(why) => Err(StoreError::Closed(why.clone())),
        }
    }

    /// Lets every later use fail after an error of the disk: what the cache says then proves nothing.
    pub(super) fn fail(&self, error: &StoreError) {
        use StoreError::{Closed, Full, Io, ReadOnly, Replaced};
        if matches!(error, Full(_) | ReadOnly(_) | Io(_) | Closed(_) | Replaced(_)) {
            self.close(error);
        }
    }

    pub(super) fn close(&self, error: &StoreError) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Open(_)) {
            drop_database(std::mem::replace(&mut state, State::Failed(error.to_string())));
        }
    }

    /// Opens the file again, with none of what was in memory.
    pub(super) fn open_again(&self) -> Result<(), StoreError> {
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

/// Lets go of a database. One with damaged pages may panic at that, too.
fn drop_database(state: State) {
    // Nothing more can be done with it.
    let _ = guarded(|| drop(state));
}
