//! Workspaces, teams, domains and tokens as they are read.

use super::super::kv::{Entry, Store, StoreVersion};
use super::document::KeptToken;
use super::error::CatalogError;
use super::keys::{DOMAINS, TOKENS, WORKSPACES, domain_key, policy_key, team_key, token_key, workspace_key};
use super::stored::{self, NamedMessage, Stored, StoredMessage};
use apportion_proto::v1::{Domain, Team, Workspace};
use std::sync::{Arc, Mutex};

/// Most documents of one page.
pub const PAGE_MAX: usize = 1_000;

/// What is stored of one workspace.
#[derive(Clone, PartialEq, Debug)]
pub struct KeptPolicy {
    /// The workspace and its teams; an error where one of them cannot be read.
    pub documents: Result<(Stored<Workspace>, Vec<Stored<Team>>), CatalogError>,
    /// The revision of the policy.
    pub revision: StoreVersion,
}

fn documents(
    workspace: Entry,
    teams: Vec<Entry>,
) -> Result<(Stored<Workspace>, Vec<Stored<Team>>), CatalogError> {
    let teams = teams.into_iter().map(stored::read).collect::<Result<_, _>>()?;
    Ok((stored::read(workspace)?, teams))
}

/// The documents of one store.
pub struct Catalog {
    pub(super) store: Arc<dyn Store>,
    /// How many entries of the audit are kept.
    pub(super) audit_kept: u64,
    /// One change at a time: each takes the next number of the audit.
    pub(super) changing: Mutex<()>,
}

impl Catalog {
    /// The documents of this store, with the newest `audit_kept` entries of the audit, at least one.
    pub fn new(store: Arc<dyn Store>, audit_kept: u64) -> Self {
        Self { store, audit_kept: audit_kept.max(1), changing: Mutex::new(()) }
    }

    /// The store that holds the documents.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// A workspace.
    ///
    /// # Errors
    /// [`CatalogError`] where the store or the document cannot be read.
    pub fn workspace(&self, workspace: &str) -> Result<Option<Stored<Workspace>>, CatalogError> {
        self.one(&workspace_key(workspace))
    }

    /// The revision of a workspace's policy. Read before its documents: a change in between is noticed then.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read.
    pub fn policy_revision(&self, workspace: &str) -> Result<Option<StoreVersion>, CatalogError> {
        Ok(self.store.read(&policy_key(workspace))?.map(|entry| entry.version))
    }

    /// What is stored of a workspace; `None` where it is not there.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read.
    pub fn kept_policy(&self, workspace: &str) -> Result<Option<KeptPolicy>, CatalogError> {
        let revision = self.policy_revision(workspace)?.unwrap_or_default();
        let Some(entry) = self.store.read(&workspace_key(workspace))? else { return Ok(None) };
        let teams = self.store.scan(&team_key(workspace, ""), None, usize::MAX)?;
        Ok(Some(KeptPolicy { documents: documents(entry, teams), revision }))
    }

    /// Every token that can be read, in order of id. One that cannot be read opens nothing.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read.
    pub fn all_tokens(&self) -> Result<Vec<KeptToken>, CatalogError> {
        let entries = self.store.scan(TOKENS, None, usize::MAX)?;
        let readable = entries.into_iter().filter_map(|entry| match stored::read::<KeptToken>(entry) {
            Ok(stored) => Some(stored.value),
            Err(error) => {
                tracing::error!(%error, "a token opens nothing");
                None
            }
        });
        Ok(readable.collect())
    }

    /// A team.
    ///
    /// # Errors
    /// [`CatalogError`] where the store or the document cannot be read.
    pub fn team(&self, workspace: &str, team: &str) -> Result<Option<Stored<Team>>, CatalogError> {
        self.one(&team_key(workspace, team))
    }

    /// A domain.
    ///
    /// # Errors
    /// [`CatalogError`] where the store or the document cannot be read.
    pub fn domain(&self, domain: &str) -> Result<Option<Stored<Domain>>, CatalogError> {
        self.one(&domain_key(domain))
    }

    /// Every domain, in order of id.
    ///
    /// # Errors
    /// [`CatalogError`] where the store or a document cannot be read.
    pub fn all_domains(&self) -> Result<Vec<Stored<Domain>>, CatalogError> {
        // One read, so that they are as of one moment. Whoever creates domains bounds how many there are.
        self.store.scan(DOMAINS, None, usize::MAX)?.into_iter().map(stored::read).collect()
    }

    /// A token.
    ///
    /// # Errors
    /// [`CatalogError`] where the store or the document cannot be read.
    pub fn token(&self, token: &str) -> Result<Option<Stored<KeptToken>>, CatalogError> {
        self.one(&token_key(token))
    }

    /// The workspaces after the one with the id `after`, in order of id, `most` at most and [`PAGE_MAX`].
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read. A document that cannot be read has its name alone.
    pub fn workspaces(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Stored<Workspace>>, CatalogError> {
        self.page(WORKSPACES, after, most)
    }

    /// The teams of a workspace after the one with the id `after`, in order of id, `most` at most and [`PAGE_MAX`].
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read. A document that cannot be read has its name alone.
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
        // One read, so that they are as of one moment. Whoever creates teams bounds how many there are.
        let teams = self.store.scan(&team_key(workspace, ""), None, usize::MAX)?;
        teams.into_iter().map(stored::read).collect()
    }

    /// The tokens after the one with the id `after`, in order of id, `most` at most and [`PAGE_MAX`].
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read. A document that cannot be read has its name alone.
    pub fn tokens(&self, after: Option<&str>, most: usize) -> Result<Vec<Stored<KeptToken>>, CatalogError> {
        self.page(TOKENS, after, most)
    }

    /// Calls `show` with the id of every workspace, in order, and what is stored of it. Reads page by page: no more than one page of
    /// workspaces and the teams of one workspace are in memory.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read; `show` was called with what came before.
    pub fn load(&self, mut show: impl FnMut(&str, KeptPolicy)) -> Result<(), CatalogError> {
        let mut after: Option<String> = None;
        loop {
            let page = self.store.scan(WORKSPACES, after.as_deref(), PAGE_MAX)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.key.clone());
            for entry in page {
                let id = entry.key.strip_prefix(WORKSPACES).unwrap_or_default();
                let revision = self.policy_revision(id)?.unwrap_or_default();
                let teams = self.store.scan(&team_key(id, ""), None, usize::MAX)?;
                let id = id.to_owned();
                show(&id, KeptPolicy { documents: documents(entry, teams), revision });
            }
        }
    }

    fn one<T: StoredMessage>(&self, key: &str) -> Result<Option<Stored<T>>, CatalogError> {
        self.store.read(key)?.map(stored::read).transpose()
    }

    /// Some documents. One that cannot be read has its name alone, so that it closes no list.
    fn page<T: StoredMessage + NamedMessage>(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Stored<T>>, CatalogError> {
        let after = after.map(|after| format!("{prefix}{after}"));
        let entries: Vec<Entry> = self.store.scan(prefix, after.as_deref(), most.min(PAGE_MAX))?;
        Ok(entries.into_iter().map(stored::read_or_name).collect())
    }
}
