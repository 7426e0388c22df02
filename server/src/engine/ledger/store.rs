//! The ledger's use of the store: a store that failed is left alone for a while, then reopened and probed.

use crate::engine::health::Health;
use crate::store::record::{self, RecordError};
use crate::store::{CommitOutcome, Entry, Store, StoreError, Transaction};
use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::{Found, ReadOutcome, ScanOutcome, SwapOutcome, Token, Version};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a store that failed is left alone before it is tried again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(250);
/// The least time between two checks of a store that works.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// How many marks one read shows.
const SCAN_PAGE: usize = 1_000;
/// The key that is written to see whether the store takes a write.
const PROBE: &str = "probe";

/// The store, and whether it may be used now.
pub(in crate::engine) struct LedgerStore {
    store: Arc<dyn Store>,
    health: Arc<Health>,
    /// The store failed, and is not to be tried before this.
    unhealthy_until: Option<Instant>,
    checked_at: Instant,
}

impl LedgerStore {
    pub(in crate::engine) fn new(store: Arc<dyn Store>, health: Arc<Health>) -> Self {
        Self { store, health, unhealthy_until: None, checked_at: Instant::now() }
    }

    /// Looks after the store now and then: notices that the file is gone, or that a use outside the ledger failed, also where
    /// nobody writes; and tries a store that failed.
    pub(super) fn maintain(&mut self) {
        if self.is_healthy() && self.checked_at.elapsed() >= CHECK_INTERVAL {
            self.checked_at = Instant::now();
            if let Err(error) = self.store.look() {
                self.set_unhealthy(&error.to_string());
            }
        }
    }

    /// Leaves the store alone for a while: it failed.
    pub(super) fn set_unhealthy(&mut self, error: &str) {
        if self.unhealthy_until.is_none() {
            self.health.store_use.failed();
            tracing::error!(error, "the store failed: only permits that are already booked can be granted");
        }
        self.unhealthy_until = Some(Instant::now() + PAUSE_AFTER_FAILURE);
        self.health.set_store_lost(true);
    }

    /// Whether the store may be used. One that failed is reopened first, and must take a write.
    fn is_healthy(&mut self) -> bool {
        let Some(until) = self.unhealthy_until else { return true };
        if Instant::now() < until {
            return false;
        }
        match self.store.reopen().map_err(|error| error.to_string()).and_then(|()| self.probe()) {
            Ok(()) => {
                tracing::info!("the store works again");
                self.unhealthy_until = None;
                self.health.set_store_lost(false);
            }
            Err(error) => self.set_unhealthy(&error),
        }
        self.unhealthy_until.is_none()
    }

    fn probe(&self) -> Result<(), String> {
        let probe = Transaction { puts: vec![(PROBE.into(), Vec::new())], ..Transaction::default() };
        match self.store.commit(vec![probe]).pop() {
            Some(CommitOutcome::Done(_)) => Ok(()),
            other => Err(format!("a write was not taken: {other:?}")),
        }
    }

    /// Reads what a question is about. Two values may be of different instants. A value that is damaged closes what it is about, and
    /// nothing else.
    pub(super) fn read(&mut self, token: &Token) -> ReadOutcome {
        let Token { shard, workspace, .. } = token;
        let read = self.try_to(|store| {
            let incarnation = store.incarnation()?;
            let marks = workspace.as_ref().map(|workspace| store.read(&record::marks_key(*shard, workspace)));
            let claim = store.read(&record::claim_key(*shard))?;
            Ok((incarnation, claim, marks.transpose()?.flatten()))
        });
        let Some((incarnation, claim, marks)) = read else { return ReadOutcome::Failed };
        let claim = claim.map(|entry| decoded(&entry, |_, bytes| record::decode_claim(bytes)));
        let marks = marks.map(|entry| decoded(&entry, record::decode_marks));
        if matches!(claim, Some(None)) || matches!(marks, Some(None)) {
            return ReadOutcome::Failed;
        }
        ReadOutcome::Found(Box::new(Found { incarnation, claim: claim.flatten(), marks: marks.flatten() }))
    }

    /// Reads a page of the marks of a shard.
    pub(super) fn scan(&mut self, token: &Token, after: Option<&WorkspaceId>) -> ScanOutcome {
        let page = self.try_to(|store| {
            let after = after.map(|after| record::marks_key(token.shard, after));
            store.scan(&record::marks_prefix(token.shard), after.as_deref(), SCAN_PAGE)
        });
        page.map_or(ScanOutcome::Failed, |page| {
            let is_full = page.len() >= SCAN_PAGE;
            let last = page.iter().rev().find_map(|entry| record::workspace_of(&entry.key).ok());
            let marks = page.iter().filter_map(|entry| decoded(entry, record::decode_marks)).collect();
            ScanOutcome::Page { marks, next: last.filter(|_| is_full) }
        })
    }

    /// Reads, where the store works.
    fn try_to<T>(&mut self, read: impl FnOnce(&dyn Store) -> Result<T, StoreError>) -> Option<T> {
        if !self.is_healthy() {
            return None;
        }
        read(&*self.store).inspect_err(|error| self.set_unhealthy(&error.to_string())).ok()
    }

    /// Carries writes out, all in one group. Returns the outcome of each, in order.
    pub(super) fn write(&mut self, writes: Vec<(Token, Transaction)>) -> Vec<(Token, SwapOutcome)> {
        if writes.is_empty() {
            return Vec::new();
        }
        let (tokens, transactions): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        let started = Instant::now();
        let outcomes = self.store.commit(transactions);
        self.health.store_use.wrote(started.elapsed());
        tokens.into_iter().zip(outcomes).map(|(token, outcome)| (token, self.outcome(outcome))).collect()
    }

    fn outcome(&mut self, outcome: CommitOutcome) -> SwapOutcome {
        match outcome {
            CommitOutcome::Done(version) => SwapOutcome::Done(Version(version)),
            CommitOutcome::Conflict => SwapOutcome::Conflict,
            CommitOutcome::Unknown(error) => {
                self.set_unhealthy(&error);
                SwapOutcome::Failed
            }
            // Nothing was written. It is read back all the same, and the very same write is sent again.
            CommitOutcome::Refused(error) => {
                self.set_unhealthy(&error.to_string());
                SwapOutcome::Unknown
            }
        }
    }
}

/// A value with its version; none where it is damaged.
fn decoded<T>(entry: &Entry, decode: impl Fn(&str, &[u8]) -> Result<T, RecordError>) -> Option<(T, Version)> {
    match decode(&entry.key, &entry.value) {
        Ok(value) => Some((value, Version(entry.version))),
        Err(error) => {
            tracing::error!(key = entry.key, %error, "a record in the store cannot be read");
            None
        }
    }
}
