//! A store in memory: it keeps nothing when the process ends.

use super::error::StoreError;
use super::kv::{CommitOutcome, Entry, Store, StoreVersion, Transaction};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A store in memory.
#[derive(Default, Debug)]
pub(crate) struct Memory {
    incarnation: u128,
    kept: Mutex<Kept>,
}

#[derive(Default, Debug)]
struct Kept {
    commits: StoreVersion,
    entries: BTreeMap<String, (StoreVersion, Vec<u8>)>,
}

impl Memory {
    /// An empty store with this history.
    pub(crate) fn new(incarnation: u128) -> Self {
        Self { incarnation, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_as_expected(&self, kept: &Kept, transaction: &Transaction) -> bool {
        let version = |key: &String| kept.entries.get(key).map(|&(version, _)| version);
        transaction.incarnation.is_none_or(|expected| expected == self.incarnation)
            && transaction.expect.iter().all(|(key, expected)| version(key) == *expected)
    }

    fn apply(&self, kept: &mut Kept, transaction: Transaction) -> CommitOutcome {
        if let Some(error) = transaction.too_large() {
            return CommitOutcome::Refused(error);
        }
        if !self.is_as_expected(kept, &transaction) {
            return CommitOutcome::Conflict;
        }
        kept.commits += 1;
        for key in transaction.deletes {
            kept.entries.remove(&key);
        }
        for (key, value) in transaction.puts {
            kept.entries.insert(key, (kept.commits, value));
        }
        CommitOutcome::Done(kept.commits)
    }
}

impl Store for Memory {
    fn incarnation(&self) -> Result<u128, StoreError> {
        Ok(self.incarnation)
    }

    fn read(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let kept = self.kept();
        let found = kept.entries.get(key);
        Ok(found.map(|(version, value)| Entry { key: key.into(), value: value.clone(), version: *version }))
    }

    fn scan(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<Entry>, StoreError> {
        let kept = self.kept();
        let from = match after.filter(|after| *after >= prefix) {
            Some(after) => Bound::Excluded(after),
            None => Bound::Included(prefix),
        };
        let later = kept.entries.range::<str, _>((from, Bound::Unbounded));
        let later = later.take_while(|(key, _)| key.starts_with(prefix));
        let entry = |(key, (version, value)): (&String, &(StoreVersion, Vec<u8>))| Entry {
            key: key.clone(),
            value: value.clone(),
            version: *version,
        };
        Ok(later.take(most).map(entry).collect())
    }

    fn commit(&self, transactions: Vec<Transaction>) -> Vec<CommitOutcome> {
        let mut kept = self.kept();
        transactions.into_iter().map(|transaction| self.apply(&mut kept, transaction)).collect()
    }

    fn reopen(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(value: &str, expected: Option<StoreVersion>) -> Transaction {
        let (expect, puts) = (vec![("a".into(), expected)], vec![("a".into(), value.into())]);
        Transaction { expect, puts, ..Transaction::default() }
    }

    #[test]
    fn a_transaction_that_expects_something_else_is_a_conflict_and_writes_nothing() {
        let store = Memory::new(1);
        let group = vec![put("1", None), put("2", None), put("3", Some(1))];
        assert_eq!(
            store.commit(group),
            [CommitOutcome::Done(1), CommitOutcome::Conflict, CommitOutcome::Done(2)]
        );
        let elsewhere = Transaction { incarnation: Some(2), ..put("4", Some(2)) };
        assert_eq!(store.commit(vec![elsewhere]), [CommitOutcome::Conflict]);
        let entry = Entry { key: "a".into(), value: b"3".into(), version: 2 };
        assert_eq!(store.read("a"), Ok(Some(entry)));
    }

    #[test]
    fn what_is_in_memory_is_not_copied() {
        assert_eq!(Memory::new(1).copy().err(), Some(StoreError::NoCopy));
    }
}
