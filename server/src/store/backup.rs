//! Backups: a copy of one moment while the store is in use, and a store made of such a copy.

use super::StoreError;
use super::embedded::Embedded;
use super::embedded::copy;
use std::path::Path;

impl Embedded {
    /// Writes a consistent copy of the store to the file `to`, while it goes on being used: as of one moment, whole or
    /// not at all. What was written after that moment is not in it.
    ///
    /// # Errors
    /// [`StoreError`] where `to` exists already, or reading or writing fails.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let snapshot = self.snapshot()?;
        copy::write(&snapshot, to)
    }
}

/// Makes the store of `data_directory` out of the backup `from`, checked page by page, under a new incarnation: windows
/// that are open now count as spent, since the backup does not know what was granted after it was made. A store that
/// is there already is replaced only where `replace` says so. Whoever copies the file of a store back by hand instead
/// keeps its incarnation, and nothing can notice that permits are granted twice.
///
/// # Errors
/// [`StoreError`] where a process has the directory open, a store is there, or `from` is no sound backup. What was there
/// before stays then.
pub fn restore(from: &Path, data_directory: &Path, replace: bool) -> Result<(), StoreError> {
    copy::restore(from, data_directory, replace)
}

#[cfg(test)]
mod tests {
    use super::super::{Outcome, Store, Transaction};
    use super::*;

    fn put(store: &Embedded, key: &str) {
        let puts = vec![(key.into(), key.into())];
        let outcomes = store.commit(vec![Transaction { puts, ..Transaction::default() }]);
        assert!(matches!(outcomes[..], [Outcome::Done(_)]));
    }

    fn keys(store: &Embedded) -> Vec<String> {
        store.scan("", None, 10_000).expect("readable").into_iter().map(|entry| entry.key).collect()
    }

    #[test]
    fn a_backup_holds_what_was_there_when_it_began_and_comes_back_with_another_incarnation() {
        let directory = tempfile::tempdir().expect("directory");
        let (data, copy) = (directory.path().join("data"), directory.path().join("copy"));
        let store = Embedded::open(&data).expect("opened");
        for number in 0..300 {
            put(&store, &format!("key/{number:03}"));
        }
        let (before, at_backup) = (keys(&store), store.read("key/299"));
        store.backup(&copy).expect("copied");
        put(&store, "later");
        let other = directory.path().join("other");
        restore(&copy, &other, false).expect("restored");
        let restored = Embedded::open(&other).expect("opened");
        assert_eq!((keys(&restored), restored.read("key/299")), (before, at_backup));
        assert_ne!(restored.incarnation(), store.incarnation());
        assert_eq!(restored.shards(), store.shards());
    }

    #[test]
    fn nothing_is_overwritten_unless_that_is_said() {
        let directory = tempfile::tempdir().expect("directory");
        let (data, copy) = (directory.path().join("data"), directory.path().join("copy"));
        let store = Embedded::open(&data).expect("opened");
        store.backup(&copy).expect("copied");
        put(&store, "later");
        assert!(matches!(store.backup(&copy), Err(StoreError::Exists(_))));
        assert!(matches!(restore(&copy, &data, true), Err(StoreError::InUse(_))));
        drop(store);
        assert!(matches!(restore(&copy, &data, false), Err(StoreError::Exists(_))));
        assert_eq!(keys(&Embedded::open(&data).expect("opened")), ["later"]);
        restore(&copy, &data, true).expect("restored");
        assert_eq!(keys(&Embedded::open(&data).expect("opened")), [""; 0]);
    }

    #[test]
    fn a_file_that_is_no_sound_backup_is_refused_and_the_store_stays() {
        let directory = tempfile::tempdir().expect("directory");
        let (data, copy) = (directory.path().join("data"), directory.path().join("copy"));
        let store = Embedded::open(&data).expect("opened");
        put(&store, "kept");
        std::fs::write(&copy, b"no database").expect("written");
        drop(store);
        assert!(matches!(restore(&copy, &data, true), Err(StoreError::Damaged(_))));
        assert!(restore(&directory.path().join("absent"), &data, true).is_err());
        assert_eq!(keys(&Embedded::open(&data).expect("opened")), ["kept"]);
    }
}
