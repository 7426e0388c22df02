//! The embedded store: what it keeps, what it refuses, and how it comes back after an error.

mod upgrade;

use super::super::error::StoreError;
use super::super::kv::{CommitOutcome, Store, StoreVersion, Transaction};
use super::layout::ENTRIES;
use super::{Embedded, FILE, FORMAT, files, format};
use redb::{Database, ReadableDatabase, ReadableTable, WriteTransaction};
use std::path::Path;

fn put(key: &str, value: &str, expected: Option<StoreVersion>) -> Transaction {
    Transaction {
        expect: vec![(key.into(), expected)],
        puts: vec![(key.into(), value.into())],
        ..Transaction::default()
    }
}

fn value(store: &Embedded, key: &str) -> Option<String> {
    let entry = store.read(key).expect("readable")?;
    Some(String::from_utf8(entry.value).expect("text"))
}

fn opened(directory: &Path) -> Embedded {
    Embedded::open(directory).expect("opened")
}

#[test]
fn a_value_is_there_after_the_store_was_opened_again() {
    let directory = tempfile::tempdir().expect("directory");
    let store = opened(directory.path());
    let incarnation = store.incarnation();
    assert_eq!(store.commit(vec![put("a", "1", None)]), [CommitOutcome::Done(1)]);
    drop(store);
    let store = opened(directory.path());
    assert_eq!(value(&store, "a").as_deref(), Some("1"));
    assert_eq!(store.incarnation(), incarnation);
    assert_eq!(store.shards(), Ok(64));
}

#[test]
fn each_transaction_of_a_group_is_checked_against_those_before_it() {
    let directory = tempfile::tempdir().expect("directory");
    let store = opened(directory.path());
    let group = vec![put("a", "1", None), put("a", "2", None), put("a", "3", Some(1)), put("b", "4", None)];
    assert_eq!(
        store.commit(group),
        [CommitOutcome::Done(1), CommitOutcome::Conflict, CommitOutcome::Done(2), CommitOutcome::Done(3)]
    );
    assert_eq!(value(&store, "a").as_deref(), Some("3"));
}

#[test]
fn a_key_that_was_deleted_and_written_again_has_another_version() {
    let directory = tempfile::tempdir().expect("directory");
    let store = opened(directory.path());
    store.commit(vec![put("a", "1", None)]);
    store.commit(vec![Transaction { deletes: vec!["a".into()], ..Transaction::default() }]);
    assert_eq!(
        store.commit(vec![put("a", "1", None), put("a", "2", Some(1))]),
        [CommitOutcome::Done(3), CommitOutcome::Conflict]
    );
}

#[test]
fn a_transaction_for_another_history_is_a_conflict() {
    let directory = tempfile::tempdir().expect("directory");
    let store = opened(directory.path());
    let ours = store.incarnation().expect("readable");
    let other = Transaction { incarnation: Some(ours ^ 1), ..put("a", "1", None) };
    let same = Transaction { incarnation: Some(ours), ..put("a", "1", None) };
    assert_eq!(store.commit(vec![other, same]), [CommitOutcome::Conflict, CommitOutcome::Done(1)]);
}

#[test]
fn a_key_or_value_that_is_too_long_is_refused_alone() {
    let directory = tempfile::tempdir().expect("directory");
    let store = opened(directory.path());
    let (longest, value) = ("k".repeat(crate::store::KEY_MAX), "v".repeat(crate::store::VALUE_MAX + 1));
    let group =
        vec![put(&longest, "1", None), put(&format!("{longest}k"), "2", None), put("v", &value, None)];
    let outcomes = store.commit(group);
    assert_eq!(outcomes[0], CommitOutcome::Done(1));
    assert!(matches!(outcomes[1], CommitOutcome::Refused(StoreError::TooLarge { .. })));
    assert!(matches!(outcomes[2], CommitOutcome::Refused(StoreError::TooLarge { .. })));
    assert_eq!(store.scan("", None, 10).map(|entries| entries.len()), Ok(1));
}

#[test]
fn a_scan_goes_on_behind_a_key_and_stays_inside_its_prefix() {
    let directory = tempfile::tempdir().expect("directory");
    let store = opened(directory.path());
    store.commit(["a/1", "b/1", "b/2", "b/3", "c/1"].map(|key| put(key, "x", None)).into());
    let keys = |after, most| -> Vec<String> {
        store.scan("b/", after, most).expect("readable").into_iter().map(|entry| entry.key).collect()
    };
    assert_eq!(keys(None, 10), ["b/1", "b/2", "b/3"]);
    assert_eq!(keys(None, 2), ["b/1", "b/2"]);
    assert_eq!(keys(Some("b/2"), 10), ["b/3"]);
    assert_eq!(keys(Some("b/3"), 10), [""; 0]);
}

#[test]
fn a_store_is_opened_once_at_a_time() {
    let directory = tempfile::tempdir().expect("directory");
    let _first = opened(directory.path());
    assert!(matches!(Embedded::open(directory.path()), Err(StoreError::InUse(_))));
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let directory = tempfile::tempdir().expect("directory");
    drop(opened(directory.path()));
    let database = files::database(&directory.path().join(FILE)).expect("opened");
    format::upgrade_by(&database, &[|_| Ok(()), |_| Ok(())]).expect("upgraded to format 3");
    drop(database);
    let refused = Embedded::open(directory.path()).err();
    assert_eq!(refused, Some(StoreError::NewerFormat { found: 3, known: FORMAT }));
}

#[test]
fn an_older_format_is_upgraded_step_by_step_and_only_once() {
    let directory = tempfile::tempdir().expect("directory");
    drop(opened(directory.path()));
    let database = files::database(&directory.path().join(FILE)).expect("opened");
    let note: fn(&WriteTransaction) -> Result<(), StoreError> = |writing| {
        let mut entries = writing.open_table(ENTRIES)?;
        let version = entries.get("note")?.map_or(0, |found| found.value().len());
        entries.insert("note", vec![0; version + 8].as_slice())?;
        Ok(())
    };
    let upgrades = vec![note; usize::try_from(FORMAT).expect("a few") + 1];
    format::upgrade_by(&database, &upgrades[1..]).expect("one step");
    format::upgrade_by(&database, &upgrades).expect("one more");
    format::upgrade_by(&database, &upgrades).expect("none");
    let entries = database.begin_read().expect("reading").open_table(ENTRIES).expect("table");
    assert_eq!(entries.get("note").expect("readable").map(|found| found.value().len()), Some(16));
}

/// A disk that has no room while a file called `full` stands beside the database, and cannot be written while one
/// called `read-only` does.
#[derive(Debug)]
struct Disk {
    file: redb::backends::FileBackend,
    directory: std::path::PathBuf,
}

impl Disk {
    fn open(path: &Path) -> Result<Database, StoreError> {
        let file = std::fs::File::options().read(true).write(true).open(path)?;
        let directory = path.parent().expect("a directory").into();
        Ok(Database::builder()
            .create_with_backend(Self { file: redb::backends::FileBackend::new(file)?, directory })?)
    }

    fn writable(&self) -> std::io::Result<()> {
        if self.directory.join("full").exists() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        if self.directory.join("read-only").exists() {
            return Err(std::io::ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(())
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> std::io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.writable()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.writable()?;
        self.file.write(offset, bytes)
    }
}

/// Lets a disk fail, and shows that the store says `word`, stays closed, and works again once the disk does.
fn comes_back_after(fault: &str, word: &str) {
    let directory = tempfile::tempdir().expect("directory");
    let store = Embedded::open_with(directory.path(), Disk::open).expect("opened");
    assert_eq!(store.commit(vec![put("a", "1", None)]), [CommitOutcome::Done(1)]);
    let marker = directory.path().join(fault);
    std::fs::write(&marker, b"").expect("written");
    let large = "x".repeat(1 << 22);
    let said = match &store.commit(vec![put("b", &large, None)])[..] {
        [CommitOutcome::Refused(error)] => error.to_string(),
        [CommitOutcome::Unknown(why)] => why.clone(),
        other => panic!("{other:?}"),
    };
    assert!(said.contains(word), "{said}");
    let closed = store.read("a").expect_err("closed");
    assert!(matches!(&closed, StoreError::Closed(why) if why.contains(word)), "{closed}");
    assert!(matches!(
        store.commit(vec![put("c", "2", None)])[..],
        [CommitOutcome::Refused(StoreError::Closed(_))]
    ));
    std::fs::remove_file(&marker).expect("removed");
    store.reopen().expect("opened again");
    assert_eq!(value(&store, "a").as_deref(), Some("1"));
    assert_eq!(store.read("c"), Ok(None));
    assert!(matches!(store.commit(vec![put("c", "2", None)])[..], [CommitOutcome::Done(_)]));
}

#[test]
fn a_full_disk_is_said_to_be_full_and_works_again_once_there_is_room() {
    comes_back_after("full", "no room");
}

#[test]
fn a_read_only_disk_is_said_to_be_so_and_works_again_once_it_can_be_written() {
    comes_back_after("read-only", "cannot be written");
}

/// The names and modes of the files in a directory.
fn modes(directory: &Path) -> Vec<(String, u32)> {
    use std::os::unix::fs::PermissionsExt;
    let entries = std::fs::read_dir(directory).expect("readable").map(|entry| entry.expect("an entry"));
    let mode = |entry: &std::fs::DirEntry| entry.metadata().expect("there").permissions().mode() & 0o777;
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), mode(&entry))).collect()
}

#[test]
fn the_files_of_a_store_are_its_owners_alone() {
    let directory = tempfile::tempdir().expect("directory");
    let store = opened(directory.path());
    store.commit(vec![put("a", "1", None)]);
    let found = modes(directory.path());
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|(_, mode)| *mode == 0o600), "{found:?}");
}

#[test]
fn a_store_whose_file_was_replaced_or_removed_takes_nothing_more_until_it_is_back() {
    let directory = tempfile::tempdir().expect("directory");
    let [data, aside, copy] = ["data", "aside", "copy"].map(|name| directory.path().join(name));
    let store = opened(&data);
    assert_eq!(store.commit(vec![put("a", "1", None)]), [CommitOutcome::Done(1)]);
    let path = store.path().to_owned();
    let mut copied = store.copy().expect("copied");
    std::io::copy(&mut copied, &mut std::fs::File::create(&copy).expect("created")).expect("written");
    for replace in [true, false] {
        std::fs::rename(&path, &aside).expect("moved");
        if replace {
            std::fs::copy(&copy, &path).expect("another file");
        }
        assert!(matches!(store.look(), Err(StoreError::Replaced(_))));
        assert!(matches!(store.commit(vec![put("b", "1", None)])[..], [CommitOutcome::Refused(_)]));
        assert!(matches!(store.reopen(), Err(StoreError::Replaced(_))), "another file is not this store");
        std::fs::rename(&aside, &path).expect("back");
        store.reopen().expect("it is the one that was opened");
        assert_eq!(store.look(), Ok(()));
    }
    std::fs::rename(&path, &aside).expect("moved");
    let outcome = &store.commit(vec![put("b", "1", None)])[..];
    assert!(
        matches!(outcome, [CommitOutcome::Unknown(why)] if why.contains("not the file that was opened")),
        "{outcome:?}"
    );
}

#[test]
fn what_is_no_directory_is_told_by_its_path() {
    let directory = tempfile::tempdir().expect("directory");
    let file = directory.path().join("file");
    std::fs::write(&file, b"").expect("written");
    let [of_file, below] =
        [file.clone(), file.join("below")].map(|path| Embedded::open(&path).err().expect("refused"));
    assert_eq!(of_file, StoreError::NoDirectory(file.display().to_string()));
    assert!(below.to_string().contains("file/below"), "{below}");
}

/// Turns every bit of a part of each page around, one page after the other, and does with the store what a server does.
#[test]
fn a_damaged_page_is_noticed_when_the_store_is_opened_and_nothing_panics() {
    const PAGE: usize = 4096;
    let directory = tempfile::tempdir().expect("directory");
    let data = directory.path().join("data");
    let store = opened(&data);
    for number in 0..60 {
        let key = format!("key/{number:03}");
        assert!(matches!(
            store.commit(vec![put(&key, &"v".repeat(600), None)])[..],
            [CommitOutcome::Done(_)]
        ));
    }
    let path = store.path().to_owned();
    drop(store);
    let whole = std::fs::read(&path).expect("readable");
    let (mut damaged, mut unharmed) = (0, 0);
    for page in 0..whole.len() / PAGE {
        for part in [0..64, 64..PAGE] {
            let mut bytes = whole.clone();
            bytes[page * PAGE..][part].iter_mut().for_each(|byte| *byte = !*byte);
            std::fs::write(&path, bytes).expect("written");
            match Embedded::open(&data) {
                Err(error) => {
                    assert!(matches!(error, StoreError::Damaged(_)), "page {page}: {error}");
                    damaged += 1;
                }
                // What is free may be what it likes.
                Ok(store) => {
                    let keys = store.scan("", None, 1_000).expect("readable");
                    assert_eq!(keys.len(), 60, "page {page}");
                    assert!(
                        keys.iter().all(|entry| entry.value == "v".repeat(600).as_bytes()),
                        "page {page}"
                    );
                    assert!(matches!(store.commit(vec![put("b", "1", None)])[..], [CommitOutcome::Done(_)]));
                    unharmed += 1;
                }
            }
        }
    }
    assert!(damaged >= 10, "{damaged} damaged, {unharmed} unharmed: nothing was shown");
}
