//! The store on etcd.

use super::super::error::StoreError;
use super::super::kv::{CommitOutcome, Entry, Store, Transaction};
use super::failure::outcome;
use super::link::{EtcdLink, EtcdSettings};
use super::meta::{self, Meta};
use super::runtime::EtcdRuntime;
use super::transaction::request;
use apportion_etcd::{EtcdError, range_end};
use futures_util::future::join_all;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Most entries of one answer.
const PAGE: i64 = 1_000;
/// How often a scan begins again whose revision was compacted meanwhile.
const SCANS: usize = 3;

/// The store of one cluster.
#[derive(Debug)]
pub struct Etcd {
    settings: EtcdSettings,
    runtime: EtcdRuntime,
    link: Arc<EtcdLink>,
    meta: Meta,
}

impl Etcd {
    /// Opens the store of a cluster, or creates it.
    ///
    /// # Errors
    /// [`StoreError`] where etcd cannot be used, or a newer program wrote the store.
    pub fn open(settings: &EtcdSettings) -> Result<Self, StoreError> {
        let runtime = EtcdRuntime::new()?;
        let of_link = settings.clone();
        let link = Arc::new(runtime.wait(async move { EtcdLink::new(&of_link).map_err(StoreError::Etcd) })?);
        let opened = Arc::clone(&link);
        let meta = runtime.wait(async move { meta::open(&opened).await })?;
        Ok(Self { settings: settings.clone(), runtime, link, meta })
    }

    /// How many shards it was created with.
    pub fn shards(&self) -> u16 {
        self.meta.shards
    }

    /// Whether it was created by being opened.
    pub fn is_new(&self) -> bool {
        self.meta.is_new
    }

    pub(super) fn settings(&self) -> &EtcdSettings {
        &self.settings
    }

    pub(super) fn link(&self) -> &Arc<EtcdLink> {
        &self.link
    }

    /// The runtime on which its calls are made.
    pub(super) fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    fn wait<T: Send + 'static, F>(&self, work: impl FnOnce(Arc<EtcdLink>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        self.runtime.wait(work(Arc::clone(&self.link)))
    }
}

impl Store for Etcd {
    fn incarnation(&self) -> Result<u128, StoreError> {
        self.wait(async |link| Ok(meta::open(&link).await?.incarnation))
    }

    fn read(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let outer = self.link.keys.outer(key);
        self.wait(async move |link| {
            let listed = link.client.range(outer, Vec::new(), 1, 0).await?;
            Ok(listed.entries.into_iter().next().and_then(|found| link.keys.entry(found)))
        })
    }

    fn scan(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<Entry>, StoreError> {
        let prefix = prefix.to_owned();
        let after = after.filter(|after| *after >= prefix.as_str()).map(str::to_owned);
        self.wait(async move |link| {
            for _ in 1..SCANS {
                match scan(&link, &prefix, after.as_deref(), most, 0).await {
                    Err(EtcdError::Compacted) => {}
                    scanned => return Ok(scanned?),
                }
            }
            Ok(scan(&link, &prefix, after.as_deref(), most, 0).await?)
        })
    }

    /// Sends all of them side by side: two that touch the same key are carried out in any order, each checked against what it finds.
    fn commit(&self, transactions: Vec<Transaction>) -> Vec<CommitOutcome> {
        let count = transactions.len();
        let outcomes = self.wait(async move |link| {
            Ok(join_all(transactions.into_iter().map(|transaction| commit(&link, transaction))).await)
        });
        outcomes.unwrap_or_else(|error| vec![CommitOutcome::Unknown(error.to_string()); count])
    }

    fn look(&self) -> Result<(), StoreError> {
        if self.link.client.has_other_history() {
            return Err(StoreError::Closed("etcd has another history than before".into()));
        }
        Ok(())
    }

    fn reopen(&self) -> Result<(), StoreError> {
        self.incarnation().map(|_| ())
    }
}

async fn commit(link: &EtcdLink, transaction: Transaction) -> CommitOutcome {
    let request = match request(&link.keys, transaction) {
        Ok(request) => request,
        Err(error) => return CommitOutcome::Refused(error),
    };
    match link.client.txn(request).await {
        Ok(written) if written.is_done => CommitOutcome::Done(written.revision.unsigned_abs()),
        Ok(_) => CommitOutcome::Conflict,
        Err(error) => outcome(error),
    }
}

/// The entries as of one revision; 0: as of now.
pub(super) async fn scan(
    link: &EtcdLink,
    prefix: &str,
    after: Option<&str>,
    most: usize,
    mut revision: i64,
) -> Result<Vec<Entry>, EtcdError> {
    let end = range_end(&link.keys.outer(prefix));
    // The key after `after` is the same with a zero byte more.
    let mut from = after.map_or_else(|| link.keys.outer(prefix), |after| successor(link.keys.outer(after)));
    let mut entries = Vec::new();
    loop {
        let left = i64::try_from(most - entries.len()).unwrap_or(i64::MAX).min(PAGE);
        if left == 0 || from >= end {
            return Ok(entries);
        }
        let listed = link.client.range(from, end.clone(), left, revision).await?;
        if revision == 0 {
            revision = listed.revision;
        }
        let Some(last) = listed.entries.last() else { return Ok(entries) };
        from = successor(last.key.clone());
        entries.extend(listed.entries.into_iter().filter_map(|found| link.keys.entry(found)));
        if !listed.has_more {
            return Ok(entries);
        }
    }
}

fn successor(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}
