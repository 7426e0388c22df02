//! The store's trait over one database: entries are read, transactions are carried out and synced together.

use super::super::error::StoreError;
use super::super::kv::{CommitOutcome, Entry, Store, StoreVersion, Transaction};
use super::database::Embedded;
use super::guard::guarded;
use super::layout::{self, ENTRIES, META, packed, unpacked};
use redb::{Durability, ReadableDatabase, ReadableTable, Table, WriteTransaction};
use std::fs::File;

impl Embedded {
    /// Carries the transactions out in one of the database's, up to the point where it becomes durable.
    fn apply(
        &self,
        writing: &WriteTransaction,
        transactions: &[Transaction],
    ) -> Result<Vec<CommitOutcome>, StoreError> {
        let mut meta = writing.open_table(META)?;
        let incarnation = layout::incarnation(&meta)?;
        let mut last = layout::commits(&meta)?;
        let mut entries = writing.open_table(ENTRIES)?;
        let mut outcomes = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            if let Some(error) = transaction.too_large() {
                outcomes.push(CommitOutcome::Refused(error));
                continue;
            }
            if !is_as_expected(transaction, incarnation, &entries)? {
                outcomes.push(CommitOutcome::Conflict);
                continue;
            }
            last += 1;
            write(transaction, last, &mut entries)?;
            outcomes.push(CommitOutcome::Done(last));
        }
        layout::set_commits(&mut meta, last)?;
        Ok(outcomes)
    }

    /// Applies the transactions and makes them durable: why not, and whether that is certain.
    fn attempt(&self, transactions: &[Transaction]) -> Result<Vec<CommitOutcome>, (StoreError, bool)> {
        let state = self.state();
        let certain = |error: StoreError| (error, true);
        let database = self.database(&state).map_err(certain)?;
        let mut writing = database.begin_write().map_err(|error| certain(error.into()))?;
        writing.set_durability(Durability::Immediate).map_err(|error| certain(error.into()))?;
        let outcomes = self.apply(&writing, transactions).map_err(certain)?;
        if outcomes.iter().any(|outcome| matches!(outcome, CommitOutcome::Done(_))) {
            writing.commit().map_err(|error| (error.into(), false))?;
            // It is durable in the file that is open; whether that is the one that is found after a restart, its name says.
            self.check_file().map_err(|error| (error, false))?;
        } else {
            writing.abort().map_err(|error| certain(error.into()))?;
        }
        Ok(outcomes)
    }
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
    version: StoreVersion,
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
    fn commit(&self, transactions: Vec<Transaction>) -> Vec<CommitOutcome> {
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
                    true => CommitOutcome::Refused(error),
                    false => CommitOutcome::Unknown(error.to_string()),
                };
                vec![outcome; transactions.len()]
            }
        }
    }

    fn copy(&self) -> Result<File, StoreError> {
        self.nameless_copy()
    }

    fn look(&self) -> Result<(), StoreError> {
        self.database(&self.state())?;
        self.check_file().inspect_err(|error| self.fail(error))
    }

    fn reopen(&self) -> Result<(), StoreError> {
        self.open_again()
    }
}
