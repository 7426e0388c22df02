//! The catalog: workspaces, teams, tokens, and the audit of what changed them, as documents in a store.
//!
//! Knows keys and messages; what a valid workspace is, and who may change it, it does not know.

mod audit;
mod document;
#[cfg(test)]
mod tests;

pub(super) use audit::ENTRIES as AUDIT_PREFIX;
pub use audit::{AUDIT_KEPT, AUDIT_PAGE_MAX};
pub(super) use document::readable;

pub use document::{Document, KeptToken, team_key, token_key, workspace_key};

use super::{Entry, Outcome, Store, StoreError, Transaction, Version};
use apportion_proto::v1::{AuditEntry, Team, Workspace};
use std::sync::{Arc, Mutex};
use thiserror::Error;

pub use apportion_core::policy::TEAMS_MAX;

/// Most documents of one page.
pub const PAGE_MAX: usize = 1_000;
/// Stands in the store once a credential was asked for: tokens may go, and nobody comes in without one all the same.
const CLOSED: &str = "closed";
/// How often a change is tried again that only another audit entry was in the way of.
const ATTEMPTS: usize = 8;

/// Why the catalog cannot answer.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CatalogError {
    /// A document is no longer, or not yet, as the change expects it; nothing was changed.
    #[error("the document has been changed meanwhile")]
    Conflict,
    /// It cannot be known whether the change was made.
    #[error("it is not known whether the change was made: {0}")]
    Unknown(String),
    /// A document cannot be read.
    #[error("{key} cannot be read: {why}")]
    Damaged {
        /// Its key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// The store cannot be used; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A document as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Stored<T> {
    /// The document.
    pub value: T,
    /// Its version, for the next change to expect.
    pub version: Version,
}

/// What is changed together, with the audit entry that says so.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// The version that each of these documents must have; `None`: it must not be there.
    pub expect: Vec<(String, Option<Version>)>,
    /// Documents as they are to be.
    pub puts: Vec<Document>,
    /// Documents that go.
    pub deletes: Vec<String>,
    /// Who changed what; its `name` is set here.
    pub entry: AuditEntry,
}

/// The documents of one store.
pub struct Catalog {
    store: Arc<dyn Store>,
    audit_kept: u64,
    /// One change at a time: each takes the next number of the audit.
    changing: Mutex<()>,
}

impl Catalog {
    /// The documents of this store, with the newest `audit_kept` entries of the audit, at least one.
    pub fn new(store: Arc<dyn Store>, audit_kept: u64) -> Self {
        Self { store, audit_kept: audit_kept.max(1), changing: Mutex::new(()) }
    }

    /// A workspace.
    ///
    /// # Errors
    /// [`CatalogError`] where the store or the document cannot be read.
    pub fn workspace(&self, workspace: &str) -> Result<Option<Stored<Workspace>>, CatalogError> {
        self.one(&workspace_key(workspace))
    }

    /// A team.
    ///
    /// # Errors
    /// [`CatalogError`] where the store or the document cannot be read.
    pub fn team(&self, workspace: &str, team: &str) -> Result<Option<Stored<Team>>, CatalogError> {
        self.one(&team_key(workspace, team))
    }

    /// A token.
    ///
    /// # Errors
    /// [`CatalogError`] where the store or the document cannot be read.
    pub fn token(&self, token: &str) -> Result<Option<Stored<KeptToken>>, CatalogError> {
        self.one(&token_key(token))
    }

    /// The workspaces behind the one with the id `after`, in order of id, `most` at most and [`PAGE_MAX`].
    ///
    /// # Errors
    /// [`CatalogError`] where the store or a document cannot be read.
    pub fn workspaces(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Stored<Workspace>>, CatalogError> {
        self.page(document::WORKSPACES, after, most)
    }

    /// The teams of a workspace behind the one with the id `after`, in order of id, `most` at most and [`PAGE_MAX`].
    ///
    /// # Errors
    /// [`CatalogError`] where the store or a document cannot be read.
    pub fn teams(
        &self,
        workspace: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Stored<Team>>, CatalogError> {
        self.page(&team_key(workspace, ""), after, most)
    }

    /// Every team of a workspace, in order of id.
    ///
    /// # Errors
    /// [`CatalogError`] where the store or a document cannot be read.
    pub fn all_teams(&self, workspace: &str) -> Result<Vec<Stored<Team>>, CatalogError> {
        let teams = self.store.scan(&team_key(workspace, ""), None, TEAMS_MAX)?;
        teams.into_iter().map(document::read).collect()
    }

    /// The tokens behind the one with the id `after`, in order of id, `most` at most and [`PAGE_MAX`].
    ///
    /// # Errors
    /// [`CatalogError`] where the store or a document cannot be read.
    pub fn tokens(&self, after: Option<&str>, most: usize) -> Result<Vec<Stored<KeptToken>>, CatalogError> {
        self.page(document::TOKENS, after, most)
    }

    /// Shows every workspace with its teams, in order of id. Reads page by page: no more than one page of workspaces
    /// and the teams of one workspace are in memory.
    ///
    /// # Errors
    /// [`CatalogError`] where the store or a document cannot be read; what was shown by then was shown.
    pub fn load(
        &self,
        mut show: impl FnMut(Stored<Workspace>, Vec<Stored<Team>>),
    ) -> Result<(), CatalogError> {
        let mut after: Option<String> = None;
        loop {
            let page = self.store.scan(document::WORKSPACES, after.as_deref(), PAGE_MAX)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.key.clone());
            for entry in page {
                let id = entry.key.strip_prefix(document::WORKSPACES).unwrap_or_default();
                let teams = self.store.scan(&team_key(id, ""), None, TEAMS_MAX)?;
                show(
                    document::read(entry)?,
                    teams.into_iter().map(document::read).collect::<Result<_, _>>()?,
                );
            }
        }
    }

    /// Whether a credential was asked for at any time in the history of this store.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read.
    pub fn is_closed(&self) -> Result<bool, CatalogError> {
        Ok(self.store.read(CLOSED)?.is_some())
    }

    /// Notes for good that a credential is asked for.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read or written.
    pub fn close(&self) -> Result<(), CatalogError> {
        if self.is_closed()? {
            return Ok(());
        }
        let closed = Transaction { puts: vec![closed()], ..Transaction::default() };
        match self.store.commit(vec![closed]).pop() {
            Some(Outcome::Done(_)) => Ok(()),
            Some(Outcome::Refused(error)) => Err(error.into()),
            Some(Outcome::Unknown(why)) => Err(CatalogError::Unknown(why)),
            Some(Outcome::Conflict) | None => Err(CatalogError::Unknown("the store gave no answer".into())),
        }
    }

    /// Makes a change, durably, together with its audit entry. Returns the version that its documents now have.
    ///
    /// # Errors
    /// [`CatalogError::Conflict`] where a document is not as expected, [`CatalogError::Unknown`] where only reading back
    /// tells, and the others where nothing was changed.
    pub fn apply(&self, change: &Change) -> Result<Version, CatalogError> {
        let _changing = self.changing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for _ in 0..ATTEMPTS {
            let mut transaction = change.transaction();
            self.add_audit(change.entry.clone(), &mut transaction)?;
            match self.store.commit(vec![transaction]).pop() {
                Some(Outcome::Done(version)) => return Ok(version),
                Some(Outcome::Refused(error)) => return Err(error.into()),
                Some(Outcome::Unknown(why)) => return Err(CatalogError::Unknown(why)),
                Some(Outcome::Conflict) => self.still_as_expected(change)?,
                None => return Err(CatalogError::Unknown("the store gave no answer".into())),
            }
        }
        Err(CatalogError::Conflict)
    }

    /// Fails where a document is in the way of the change; else only another audit entry was.
    fn still_as_expected(&self, change: &Change) -> Result<(), CatalogError> {
        for (key, expected) in &change.expect {
            if self.store.read(key)?.map(|entry| entry.version) != *expected {
                return Err(CatalogError::Conflict);
            }
        }
        Ok(())
    }

    fn one<T: document::Stands>(&self, key: &str) -> Result<Option<Stored<T>>, CatalogError> {
        self.store.read(key)?.map(document::read).transpose()
    }

    fn page<T: document::Stands>(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Stored<T>>, CatalogError> {
        let after = after.map(|after| format!("{prefix}{after}"));
        let entries: Vec<Entry> = self.store.scan(prefix, after.as_deref(), most.min(PAGE_MAX))?;
        entries.into_iter().map(document::read).collect()
    }
}

/// What stands in the store once a credential was asked for.
fn closed() -> (String, Vec<u8>) {
    (CLOSED.into(), Vec::new())
}

impl Change {
    fn transaction(&self) -> Transaction {
        let mut puts: Vec<_> = self.puts.iter().map(|document| (document.key(), document.bytes())).collect();
        // Also with the deletion of one: a store that an earlier program wrote may not have it yet.
        if puts.iter().map(|(key, _)| key).chain(&self.deletes).any(|key| key.starts_with(document::TOKENS)) {
            puts.push(closed());
        }
        Transaction { incarnation: None, expect: self.expect.clone(), puts, deletes: self.deletes.clone() }
    }
}
