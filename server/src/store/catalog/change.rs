//! Changes of documents: each is one transaction with its audit entry.

use super::super::kv::{CommitOutcome, StoreVersion, Transaction};
use super::document::Document;
use super::documents::Catalog;
use super::error::CatalogError;
use super::keys::{CLOSED, TOKENS, policy_key, policy_of, workspace_key};
use apportion_proto::v1::AuditEntry;
use std::collections::BTreeSet;
use std::sync::PoisonError;

/// How often a change is retried where only another audit entry was in the way.
const ATTEMPTS: usize = 8;

/// What is changed together, with the audit entry that says so.
#[derive(Clone, PartialEq, Debug)]
pub struct CatalogChange {
    /// The version that each of these documents must have; `None`: it must not be there. A change of a policy names the revision
    /// that it was checked against.
    pub expect: Vec<(String, Option<StoreVersion>)>,
    /// Documents as they are to be.
    pub puts: Vec<Document>,
    /// Documents that go.
    pub deletes: Vec<String>,
    /// Who changed what; its `name` is set here.
    pub entry: AuditEntry,
}

impl Catalog {
    /// Whether a credential was required at any time in the history of this store.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read.
    pub fn is_closed(&self) -> Result<bool, CatalogError> {
        Ok(self.store.read(CLOSED)?.is_some())
    }

    /// What a change of tokens expects that was decided by which tokens there are now: that no token has changed since. Read it before
    /// the tokens.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read.
    pub fn expect_tokens(&self) -> Result<(String, Option<StoreVersion>), CatalogError> {
        // Every change of a token writes it.
        Ok((CLOSED.into(), self.store.read(CLOSED)?.map(|entry| entry.version)))
    }

    /// Records for good that a credential is required.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read or written.
    pub fn close(&self) -> Result<(), CatalogError> {
        if self.is_closed()? {
            return Ok(());
        }
        let closed = Transaction { puts: vec![closed()], ..Transaction::default() };
        match self.store.commit(vec![closed]).pop() {
            Some(CommitOutcome::Done(_)) => Ok(()),
            Some(CommitOutcome::Refused(error)) => Err(error.into()),
            Some(CommitOutcome::Unknown(why)) => Err(CatalogError::Unknown(why)),
            Some(CommitOutcome::Conflict) | None => {
                Err(CatalogError::Unknown("the store gave no answer".into()))
            }
        }
    }

    /// Makes a change, durably, together with its audit entry. Returns the version that its documents now have.
    ///
    /// # Errors
    /// [`CatalogError::Conflict`] where a document is not as expected, [`CatalogError::Unknown`] where only reading back
    /// tells, and the others where nothing was changed.
    pub fn apply(&self, change: &CatalogChange) -> Result<StoreVersion, CatalogError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ATTEMPTS {
            let mut transaction = change.transaction();
            self.add_audit(change.entry.clone(), &mut transaction)?;
            match self.store.commit(vec![transaction]).pop() {
                Some(CommitOutcome::Done(version)) => return Ok(version),
                Some(CommitOutcome::Refused(error)) => return Err(error.into()),
                Some(CommitOutcome::Unknown(why)) => return Err(CatalogError::Unknown(why)),
                Some(CommitOutcome::Conflict) => self.still_as_expected(change)?,
                None => return Err(CatalogError::Unknown("the store gave no answer".into())),
            }
        }
        Err(CatalogError::Conflict)
    }

    /// Fails where a document is in the way of the change; else only another audit entry was.
    fn still_as_expected(&self, change: &CatalogChange) -> Result<(), CatalogError> {
        for (key, expected) in &change.expect {
            if self.store.read(key)?.map(|entry| entry.version) != *expected {
                return Err(CatalogError::Conflict);
            }
        }
        Ok(())
    }
}

/// The entry that records that a credential was required.
fn closed() -> (String, Vec<u8>) {
    (CLOSED.into(), Vec::new())
}

impl CatalogChange {
    fn transaction(&self) -> Transaction {
        let mut puts: Vec<_> = self.puts.iter().map(|document| (document.key(), document.bytes())).collect();
        // Also with the deletion of one: a store that an earlier program wrote may not have it yet.
        if puts.iter().map(|(key, _)| key).chain(&self.deletes).any(|key| key.starts_with(TOKENS)) {
            puts.push(closed());
        }
        let mut deletes = self.deletes.clone();
        for workspace in self.policies() {
            if deletes.contains(&workspace_key(&workspace)) {
                deletes.push(policy_key(&workspace));
            } else {
                puts.push((policy_key(&workspace), Vec::new()));
            }
        }
        Transaction { incarnation: None, expect: self.expect.clone(), puts, deletes }
    }

    /// The workspaces whose policies it changes.
    fn policies(&self) -> BTreeSet<String> {
        let puts = self.puts.iter().map(Document::key);
        let keys = puts.chain(self.deletes.iter().cloned());
        keys.filter_map(|key| policy_of(&key).map(str::to_owned)).collect()
    }
}
