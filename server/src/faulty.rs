//! A store in memory that fails on demand, for unit tests.

use crate::store::{CommitOutcome, Entry, Memory, Store, StoreError, Transaction};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What fails.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Faults {
    /// Reading fails.
    pub(crate) reads_fail: bool,
    /// Transactions are carried out, and the reply is lost: [`CommitOutcome::Unknown`].
    pub(crate) replies_lost: bool,
    /// Transactions are lost: [`CommitOutcome::Unknown`].
    pub(crate) writes_lost: bool,
    /// Transactions are refused: there is no room.
    pub(crate) writes_refused: bool,
}

/// A store in memory that fails on demand.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    memory: Memory,
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    faults: Faults,
    /// After an [`CommitOutcome::Unknown`], until it is opened again.
    closed: bool,
}

impl FaultyStore {
    /// An empty store with this history.
    pub(crate) fn new(incarnation: u128) -> Self {
        Self { memory: Memory::new(incarnation), state: Mutex::default() }
    }

    /// Lets these things fail from now on, and no others.
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readable(&self) -> Result<&Memory, StoreError> {
        let state = self.state();
        if state.closed {
            return Err(StoreError::Closed("a reply was lost".into()));
        }
        if state.faults.reads_fail { Err(StoreError::Io("reading fails".into())) } else { Ok(&self.memory) }
    }
}

impl Store for FaultyStore {
    fn incarnation(&self) -> Result<u128, StoreError> {
        self.readable()?.incarnation()
    }

    fn read(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        self.readable()?.read(key)
    }

    fn scan(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<Entry>, StoreError> {
        self.readable()?.scan(prefix, after, most)
    }

    fn commit(&self, transactions: Vec<Transaction>) -> Vec<CommitOutcome> {
        let mut state = self.state();
        let (faults, count) = (state.faults, transactions.len());
        if state.closed {
            return vec![CommitOutcome::Refused(StoreError::Closed("a reply was lost".into())); count];
        }
        if faults.writes_refused {
            return vec![CommitOutcome::Refused(StoreError::Full("writing is refused".into())); count];
        }
        if faults.writes_lost {
            state.closed = true;
            return vec![CommitOutcome::Unknown("the transactions were lost".into()); count];
        }
        let outcomes = self.memory.commit(transactions);
        if faults.replies_lost {
            state.closed = true;
            return vec![CommitOutcome::Unknown("the reply was lost".into()); count];
        }
        outcomes
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.faults.reads_fail {
            return Err(StoreError::Io("reading fails".into()));
        }
        state.closed = false;
        Ok(())
    }
}

#[test]
fn a_lost_reply_may_hide_a_write_and_only_opening_again_shows_it() {
    let put = |value: &str, expected| {
        let (expect, puts) = (vec![("a".into(), expected)], vec![("a".into(), value.into())]);
        vec![Transaction { expect, puts, ..Transaction::default() }]
    };
    let store = FaultyStore::new(1);
    store.set_faults(Faults { replies_lost: true, ..Faults::default() });
    assert!(matches!(store.commit(put("1", None))[..], [CommitOutcome::Unknown(_)]));
    store.set_faults(Faults { writes_lost: true, ..Faults::default() });
    assert!(matches!(store.read("a"), Err(StoreError::Closed(_))));
    store.reopen().expect("open");
    assert!(matches!(store.commit(put("2", Some(1)))[..], [CommitOutcome::Unknown(_)]));
    store.reopen().expect("open");
    let found = store.read("a").expect("readable").map(|entry| (entry.value, entry.version));
    assert_eq!(found, Some((b"1".into(), 1)));
}
