//! A store in memory, for tests: it forgets everything when it goes, and fails on demand.

use super::{Entry, Outcome, Store, StoreError, Transaction, Version};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What goes wrong in a store in memory.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Faults {
    /// Reading fails.
    pub reads_fail: bool,
    /// Transactions are carried out, and nobody is told: [`Outcome::Unknown`].
    pub replies_lost: bool,
    /// Transactions get lost, and nobody is told: [`Outcome::Unknown`].
    pub writes_lost: bool,
    /// Transactions are refused: there is no room.
    pub writes_refused: bool,
}

/// A store in memory.
#[derive(Default, Debug)]
pub(crate) struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Default, Debug)]
struct Kept {
    incarnation: u128,
    commits: Version,
    entries: BTreeMap<String, (Version, Vec<u8>)>,
    faults: Faults,
    /// After an [`Outcome::Unknown`], until it is opened anew.
    closed: bool,
}

impl Memory {
    /// An empty store with this history.
    pub(crate) fn new(incarnation: u128) -> Self {
        Self { kept: Mutex::new(Kept { incarnation, ..Kept::default() }) }
    }

    /// Lets these things go wrong from now on, and no others.
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.kept().faults = faults;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readable(&self) -> Result<MutexGuard<'_, Kept>, StoreError> {
        let kept = self.kept();
        if kept.closed {
            return Err(StoreError::Closed("a reply was lost".into()));
        }
        if kept.faults.reads_fail { Err(StoreError::Io("reading fails".into())) } else { Ok(kept) }
    }
}

impl Kept {
    fn expects(&self, transaction: &Transaction) -> bool {
        transaction.incarnation.is_none_or(|expected| expected == self.incarnation)
            && transaction
                .expect
                .iter()
                .all(|(key, expected)| self.entries.get(key).map(|&(version, _)| version) == *expected)
    }

    fn carry_out(&mut self, transaction: Transaction) -> Outcome {
        if let Some(error) = transaction.too_large() {
            return Outcome::Refused(error);
        }
        if !self.expects(&transaction) {
            return Outcome::Conflict;
        }
        self.commits += 1;
        for key in transaction.deletes {
            self.entries.remove(&key);
        }
        for (key, value) in transaction.puts {
            self.entries.insert(key, (self.commits, value));
        }
        Outcome::Done(self.commits)
    }
}

impl Store for Memory {
    fn incarnation(&self) -> Result<u128, StoreError> {
        Ok(self.readable()?.incarnation)
    }

    fn read(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let kept = self.readable()?;
        let found = kept.entries.get(key);
        Ok(found.map(|(version, value)| Entry { key: key.into(), value: value.clone(), version: *version }))
    }

    fn scan(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<Entry>, StoreError> {
        let kept = self.readable()?;
        let from = match after.filter(|after| *after >= prefix) {
            Some(after) => Bound::Excluded(after),
            None => Bound::Included(prefix),
        };
        let behind = kept.entries.range::<str, _>((from, Bound::Unbounded));
        let behind = behind.take_while(|(key, _)| key.starts_with(prefix));
        let entry = |(key, (version, value)): (&String, &(Version, Vec<u8>))| Entry {
            key: key.clone(),
            value: value.clone(),
            version: *version,
        };
        Ok(behind.take(most).map(entry).collect())
    }

    fn commit(&self, transactions: Vec<Transaction>) -> Vec<Outcome> {
        let mut kept = self.kept();
        let faults = kept.faults;
        let count = transactions.len();
        if kept.closed {
            return vec![Outcome::Refused(StoreError::Closed("a reply was lost".into())); count];
        }
        if faults.writes_refused {
            return vec![Outcome::Refused(StoreError::Full("writing is refused".into())); count];
        }
        if faults.writes_lost {
            kept.closed = true;
            return vec![Outcome::Unknown("the transactions got lost".into()); count];
        }
        let outcomes = transactions.into_iter().map(|transaction| kept.carry_out(transaction)).collect();
        if faults.replies_lost {
            kept.closed = true;
            return vec![Outcome::Unknown("the reply got lost".into()); count];
        }
        outcomes
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if kept.faults.reads_fail {
            return Err(StoreError::Io("reading fails".into()));
        }
        kept.closed = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(value: &str, expected: Option<Version>) -> Vec<Transaction> {
        let (expect, puts) = (vec![("a".into(), expected)], vec![("a".into(), value.into())]);
        vec![Transaction { expect, puts, ..Transaction::default() }]
    }

    #[test]
    fn a_lost_reply_may_hide_a_write_and_only_opening_anew_tells() {
        let store = Memory::new(1);
        store.set_faults(Faults { replies_lost: true, ..Faults::default() });
        assert!(matches!(store.commit(put("1", None))[..], [Outcome::Unknown(_)]));
        store.set_faults(Faults { writes_lost: true, ..Faults::default() });
        assert!(matches!(store.read("a"), Err(StoreError::Closed(_))));
        store.reopen().expect("open");
        assert!(matches!(store.commit(put("2", Some(1)))[..], [Outcome::Unknown(_)]));
        store.reopen().expect("open");
        assert_eq!(
            store.read("a").expect("readable").map(|entry| (entry.value, entry.version)),
            Some((b"1".into(), 1))
        );
    }

    #[test]
    fn what_is_refused_was_not_written_and_conflicts_are_seen() {
        let store = Memory::new(1);
        store.set_faults(Faults { writes_refused: true, ..Faults::default() });
        assert!(matches!(store.commit(put("1", None))[..], [Outcome::Refused(StoreError::Full(_))]));
        store.set_faults(Faults::default());
        assert_eq!(store.read("a"), Ok(None));
        assert_eq!(store.commit(put("1", None)), [Outcome::Done(1)]);
        assert_eq!(store.commit(put("2", None)), [Outcome::Conflict]);
    }
}
