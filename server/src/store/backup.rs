//! Backups as files: where one may be put, whether it can be read, and a store made of it. [`Store::copy`] makes one.
//!
//! [`Store::copy`]: super::Store::copy

use super::check::Unreadable;
use super::embedded::restore as files;
use super::error::StoreError;
use std::path::Path;

/// Checks that a backup may be put under the name `to`: it must not replace the file of a store, whose server would go on writing
/// into a file without a name.
///
/// # Errors
/// [`StoreError`] where a store is there, under its own name or another one, or that cannot be checked.
pub fn check_target(to: &Path) -> Result<(), StoreError> {
    files::check_no_store(to)
}

/// The documents in a backup that cannot be read: a damaged one is copied like any other.
///
/// # Errors
/// [`StoreError`] where the backup as a whole cannot be read.
pub fn check(backup: &Path) -> Result<Vec<Unreadable>, StoreError> {
    files::check(backup)
}

/// Makes the store of `data_directory` out of the backup `from`, checked page by page, under a new incarnation: windows that are open
/// now count as spent, since the backup does not know what was granted after it was made. An existing store is replaced only with
/// `replace`. Returns the documents that cannot be read and are not vital.
///
/// Copying the file of a store back by hand instead keeps its incarnation, and nothing notices that permits are granted twice.
///
/// # Errors
/// [`StoreError`] where a process has the directory open, or the store that `from` belongs to; where a store exists; or where `from` is
/// not a sound backup, with which no server would start. What was there before then stays.
pub fn restore(from: &Path, data_directory: &Path, replace: bool) -> Result<Vec<Unreadable>, StoreError> {
    files::restore(from, data_directory, replace)
}

#[cfg(test)]
mod tests {
    use super::super::{CommitOutcome, Embedded, Store, Transaction};
    use super::*;
    use std::fs::File;

    fn put(store: &Embedded, key: &str) {
        let puts = vec![(key.into(), key.into())];
        let outcomes = store.commit(vec![Transaction { puts, ..Transaction::default() }]);
        assert!(matches!(outcomes[..], [CommitOutcome::Done(_)]));
    }

    /// Writes a copy to a file.
    fn copy_to(store: &Embedded, to: &Path) {
        let mut copy = store.copy().expect("copied");
        std::io::copy(&mut copy, &mut File::create(to).expect("created")).expect("written");
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
        copy_to(&store, &copy);
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
        copy_to(&store, &copy);
        put(&store, "later");
        assert!(matches!(restore(&copy, &data, true), Err(StoreError::InUse(_))));
        drop(store);
        assert!(matches!(restore(&copy, &data, false), Err(StoreError::Exists(_))));
        assert_eq!(keys(&Embedded::open(&data).expect("opened")), ["later"]);
        restore(&copy, &data, true).expect("restored");
        assert_eq!(keys(&Embedded::open(&data).expect("opened")), [""; 0]);
    }

    #[test]
    fn a_copy_without_a_name_leaves_nothing_behind_and_an_earlier_one_is_tidied_up() {
        let directory = tempfile::tempdir().expect("directory");
        let left = ["apportion.redb.copy", "apportion.redb.copy.new"].map(|name| directory.path().join(name));
        left.iter().for_each(|path| std::fs::write(path, b"half").expect("written"));
        let store = Embedded::open(directory.path()).expect("opened");
        assert!(left.iter().all(|path| !path.exists()));
        put(&store, "kept");
        let mut copy = store.copy().expect("copied");
        assert!(left.iter().all(|path| !path.exists()));
        let (file, other) = (directory.path().join("file"), directory.path().join("other"));
        std::io::copy(&mut copy, &mut File::create(&file).expect("created")).expect("written");
        restore(&file, &other, false).expect("restored");
        assert_eq!(keys(&Embedded::open(&other).expect("opened")), ["kept"]);
    }

    #[test]
    fn the_file_of_a_store_in_use_is_no_backup_and_a_copy_that_is_read_only_is_one() {
        let directory = tempfile::tempdir().expect("directory");
        let (data, other) = (directory.path().join("data"), directory.path().join("other"));
        let store = Embedded::open(&data).expect("opened");
        let file = data.join(super::super::embedded::FILE);
        assert!(matches!(restore(&file, &other, false), Err(StoreError::InUse(_))));
        assert!(!other.exists(), "nothing is begun");
        drop(store);
        let mut permissions = file.metadata().expect("there").permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&file, permissions).expect("its own file");
        restore(&file, &other, false).expect("restored");
        Embedded::open(&other).expect("opened");
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

    /// Files of which redb knows only that they once were a database.
    #[test]
    fn no_file_makes_a_restore_or_a_start_panic_and_what_is_refused_leaves_nothing() {
        let directory = tempfile::tempdir().expect("directory");
        let (data, copy) = (directory.path().join("data"), directory.path().join("copy"));
        let store = Embedded::open(&data).expect("opened");
        (0..100).for_each(|number| put(&store, &format!("key/{number:03}")));
        copy_to(&store, &copy);
        let whole = std::fs::read(&copy).expect("readable");
        let (file, other) = (directory.path().join("file"), directory.path().join("other"));
        let mut refused = 0;
        let cases = apportion_fuzz::fuzz(|noise| {
            let mut bytes = noise.changed(&whole);
            if noise.below(2) == 0 {
                // The same length, so that more of it is looked at; and mostly where the roots are.
                bytes = whole.clone();
                for _ in 0..=noise.below(8) {
                    let end = [512, whole.len()][noise.below(2)];
                    bytes[noise.below(end)] ^= 1 << noise.below(8);
                }
            }
            std::fs::write(&file, bytes).expect("written");
            match restore(&file, &other, true) {
                Ok(_) => assert_eq!(keys(&Embedded::open(&other).expect("opened")).len(), 100),
                Err(error) => {
                    assert!(
                        matches!(
                            error,
                            StoreError::Damaged(_) | StoreError::NewerFormat { .. } | StoreError::Io(_)
                        ),
                        "{error:?}"
                    );
                    refused += 1;
                }
            }
            assert!(!other.join("apportion.redb.new").exists());
        });
        assert!(refused > cases / 20, "{refused} of {cases} were refused: nothing was shown");
    }
}
