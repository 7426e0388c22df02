//! The ledger's use of the store: a store that failed is left alone for a while, then reopened and probed.

use super::round::ShardWrite;
use crate::engine::health::Health;
use crate::store::{CommitOutcome, Store, Transaction, record};
use apportion_core::ledger::{CasOutcome, ReadOutcome, Token, Version};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a store that failed is left alone before it is tried again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(250);
/// The least time between two checks of a store that works.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);
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

    /// Reads the record of a shard.
    pub(super) fn read(&mut self, shard: u16) -> ReadOutcome {
        if !self.is_healthy() {
            return ReadOutcome::Failed;
        }
        self.try_read(shard).unwrap_or_else(|error| {
            self.set_unhealthy(&error);
            ReadOutcome::Failed
        })
    }

    fn try_read(&self, shard: u16) -> Result<ReadOutcome, String> {
        let incarnation = self.store.incarnation().map_err(|error| error.to_string())?;
        let entry = self.store.read(&record::key(shard)).map_err(|error| error.to_string())?;
        let Some(entry) = entry else { return Ok(ReadOutcome::Absent { incarnation }) };
        let record = record::decode(&entry.value).map_err(|error| error.to_string())?;
        Ok(ReadOutcome::Found { record, version: Version(entry.version), incarnation })
    }

    /// Writes records, all in one group. Returns the outcome of each, in order.
    pub(super) fn write(&mut self, writes: Vec<ShardWrite>) -> Vec<(u16, Token, CasOutcome)> {
        if writes.is_empty() {
            return Vec::new();
        }
        let (asked, transactions): (Vec<_>, Vec<_>) =
            writes.into_iter().map(|write| ((write.shard, write.token), write.transaction)).unzip();
        let outcomes = self.store.commit(transactions);
        let pairs = asked.into_iter().zip(outcomes);
        pairs.map(|((shard, token), outcome)| (shard, token, self.cas_outcome(shard, outcome))).collect()
    }

    fn cas_outcome(&mut self, shard: u16, outcome: CommitOutcome) -> CasOutcome {
        match outcome {
            CommitOutcome::Done(version) => CasOutcome::Ok(Version(version)),
            CommitOutcome::Conflict => match self.read(shard) {
                ReadOutcome::Found { record, version, .. } => CasOutcome::Conflict(Some((record, version))),
                ReadOutcome::Absent { .. } => CasOutcome::Conflict(None),
                ReadOutcome::Failed => CasOutcome::Unknown,
            },
            CommitOutcome::Unknown(error) => {
                self.set_unhealthy(&error);
                CasOutcome::Failed
            }
            // Nothing was written. The shard reads back all the same, and sends the very same write again.
            CommitOutcome::Refused(error) => {
                self.set_unhealthy(&error.to_string());
                CasOutcome::Unknown
            }
        }
    }
}
