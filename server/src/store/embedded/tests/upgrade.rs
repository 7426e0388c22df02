//! A store of format 1 becomes one of this format: what was booked, learned and owned stays.

use super::super::layout::{self, ENTRIES, META};
use super::*;
use crate::store::catalog::{policy_key, team_key, workspace_key};
use crate::store::record::{claim_key, decode_claim, decode_marks, marks_key};
use apportion_core::ids::{LimitId, WorkspaceId};
use apportion_core::ledger::{Claim, MarkKey, Marks};
use apportion_core::time::{Span, Timestamp};

/// The records of two shards as a program of format 1 wrote them: a key and the bytes in hexadecimal on each line.
const RECORDS: &str = include_str!("format-1.txt");
/// The version of everything in that store.
const VERSION: u64 = 41;

fn bytes(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Makes a store of format 1 with these entries.
fn store_of_format_1(directory: &Path, entries: &[(String, Vec<u8>)]) {
    drop(opened(directory));
    let database = files::database(&directory.join(FILE)).expect("opened");
    let writing = database.begin_write().expect("writing");
    {
        let mut meta = writing.open_table(META).expect("table");
        layout::set_format(&mut meta, 1).expect("set");
        layout::set_commits(&mut meta, VERSION).expect("set");
        let mut table = writing.open_table(ENTRIES).expect("table");
        for (key, value) in entries {
            table.insert(key.as_str(), layout::packed(VERSION, value).as_slice()).expect("inserted");
        }
    }
    writing.commit().expect("committed");
    database.close().expect("closed");
}

fn entries() -> Vec<(String, Vec<u8>)> {
    let records = RECORDS.lines().map(|line| line.split_once(' ').expect("a key and bytes"));
    let mut entries: Vec<_> = records.map(|(key, digits)| (key.to_owned(), bytes(digits))).collect();
    for id in ["a", "b", "default"] {
        entries.push((workspace_key(id), id.into()));
        entries.push((team_key(id, "default"), id.into()));
    }
    entries
}

fn id(name: &str) -> WorkspaceId {
    WorkspaceId::new(name).expect("a name")
}

fn claim(store: &Embedded, shard: u16) -> Claim {
    let entry = store.read(&claim_key(shard)).expect("readable").expect("it is there");
    decode_claim(&entry.value).expect("a claim")
}

fn marks(store: &Embedded, shard: u16, name: &str) -> Marks {
    let key = marks_key(shard, &id(name));
    let entry = store.read(&key).expect("readable").expect("it is there");
    decode_marks(&key, &entry.value).expect("marks")
}

fn at(s: u64) -> Timestamp {
    Timestamp::ZERO + Span::from_secs(s)
}

fn hi(marks: &Marks, limit: &str, start: u64) -> u32 {
    let limit = LimitId::new(limit).expect("a name");
    marks.hi(&MarkKey { workspace: marks.workspace.clone(), limit, window_start: at(start) }).get()
}

#[test]
fn the_record_of_a_shard_becomes_a_claim_and_the_marks_of_each_workspace() {
    let directory = tempfile::tempdir().expect("directory");
    store_of_format_1(directory.path(), &entries());
    let store = opened(directory.path());
    let of_twelve = claim(&store, 12);
    assert_eq!((of_twelve.epoch, of_twelve.owner.as_str(), of_twelve.nonce), (5, "embedded", 77));
    assert_eq!((of_twelve.known_from, of_twelve.spent_before), (at(1_700_000_000), at(1_700_000_100)));
    assert_eq!((of_twelve.incarnation, claim(&store, 62).epoch), (0x0123_4567_89ab_cdef, 9));
    let [a, b] = ["a", "b"].map(|name| marks(&store, 12, name));
    assert_eq!((a.marks.len(), hi(&a, "short", 1_700_000_200)), (1, 109));
    let limit = |(limit, _): &(LimitId, _)| limit.to_string();
    assert_eq!(a.account.shape.iter().map(limit).collect::<Vec<_>>(), ["short", "long"]);
    let former: Vec<_> = a.account.former.iter().map(|entry| entry.spent.permits.get()).collect();
    assert_eq!(former, [40, 9]);
    let learned = a.learned.values().next().expect("something was learned");
    assert_eq!(learned.permits.map(|permits| permits.get()), Some(150));
    assert!(learned.phase.is_some() && learned.basis.is_some());
    assert_eq!(learned.cooldown_until, Some(at(1_700_000_208)));
    let booked = [("old", 1_700_000_167), ("short", 1_700_000_140), ("short", 1_700_000_210)];
    assert_eq!((b.marks.len(), booked.map(|(limit, start)| hi(&b, limit, start))), (3, [41, 40, 166]));
    assert!(b.marks.values().any(|mark| mark.is_exhausted) && b.learned.is_empty());
    assert_eq!(store.scan("shard/", None, 10), Ok(Vec::new()));
    assert_eq!(store.scan("marks/", None, 10).map(|all| all.len()), Ok(2));
}

#[test]
fn every_workspace_gets_a_revision_of_its_policy_and_keeps_its_documents() {
    let directory = tempfile::tempdir().expect("directory");
    store_of_format_1(directory.path(), &entries());
    for _ in 0..2 {
        let store = opened(directory.path());
        for name in ["a", "b", "default"] {
            let revision = store.read(&policy_key(name)).expect("readable").expect("it is there");
            assert_eq!((revision.version, revision.value), (VERSION + 1, Vec::new()));
            let workspace = store.read(&workspace_key(name)).expect("readable").expect("it is there");
            assert_eq!((workspace.version, workspace.value), (VERSION, name.into()));
        }
        assert_eq!(store.scan("team/", None, 10).map(|teams| teams.len()), Ok(3));
        assert_eq!(store.scan("policies/", None, 10).map(|all| all.len()), Ok(3));
    }
    let store = opened(directory.path());
    assert_eq!(store.commit(vec![put("x", "1", None)]), [CommitOutcome::Done(VERSION + 2)]);
}

#[test]
fn a_damaged_record_of_format_1_is_named_and_nothing_is_upgraded() {
    let directory = tempfile::tempdir().expect("directory");
    let mut entries = entries();
    entries[0].1.truncate(100);
    store_of_format_1(directory.path(), &entries);
    for _ in 0..2 {
        match Embedded::open(directory.path()) {
            Err(StoreError::Damaged(why)) => assert!(why.starts_with("shard/0012: "), "{why}"),
            other => panic!("{:?}", other.err()),
        }
    }
}
