//! Writes what was used, seldom: each node adds what it counted to what the store has.

use super::interval::{Resolution, prefix};
use super::record::IntervalTable;
use crate::engine::Engine;
use crate::store::catalog::workspace_key;
use crate::store::{CommitOutcome, Entry, Store, StoreError, Transaction};
use apportion_core::ids::WorkspaceId;
use apportion_core::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Workspaces that are written with one sync.
const TOGETHER: usize = 32;
/// How often a workspace is tried to which another node adds at the same time.
const ATTEMPTS: usize = 5;
/// How long after the end of a minute it is written.
const DELAY: Span = Span::from_ms(20);
/// Keys that are deleted at once.
const DELETED_TOGETHER: usize = 64;

/// Workspaces that were not written.
struct Unwritten {
    group: Vec<(WorkspaceId, IntervalTable)>,
    /// What is wrong with the store; nothing where other nodes were always faster.
    error: Option<StoreError>,
}

/// Writes the usage that an engine counts.
pub(crate) struct UsageWriter {
    engine: Arc<Engine>,
    store: Arc<dyn Store>,
    /// What could not be written yet. One write at a time.
    unwritten: Mutex<BTreeMap<WorkspaceId, IntervalTable>>,
}

impl std::fmt::Debug for UsageWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UsageWriter").finish_non_exhaustive()
    }
}

impl UsageWriter {
    /// The writer of an engine and its store.
    pub(crate) fn new(engine: Arc<Engine>, store: Arc<dyn Store>) -> Self {
        Self { engine, store, unwritten: Mutex::default() }
    }

    /// Adds what was counted to the intervals of `at`. What cannot be written is written next time. Blocks.
    pub(crate) fn write(&self, at: Timestamp) {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        for (workspace, rows) in self.engine.take_usage() {
            let table = unwritten.entry(workspace).or_default();
            rows.iter().for_each(|(key, counts)| table.add(key, counts));
        }
        let mut all: Vec<_> = std::mem::take(&mut *unwritten).into_iter().collect();
        while !all.is_empty() {
            let group = all.split_off(all.len().saturating_sub(TOGETHER));
            let Err(failed) = self.write_group(group, at) else { continue };
            unwritten.extend(failed.group);
            if let Some(error) = failed.error {
                tracing::warn!(%error, "the usage of workspaces cannot be written; it is tried again later");
                unwritten.extend(all);
                return self.engine.store_failed();
            }
        }
    }

    /// Writes workspaces with one sync, and again those that another node wrote meanwhile.
    fn write_group(
        &self,
        mut group: Vec<(WorkspaceId, IntervalTable)>,
        at: Timestamp,
    ) -> Result<(), Unwritten> {
        for _ in 0..ATTEMPTS {
            let transactions = match additions(&*self.store, &mut group, at) {
                Ok(transactions) => transactions,
                Err(error) => return Err(Unwritten { group, error: Some(error) }),
            };
            let mut outcomes = self.store.commit(transactions).into_iter();
            let mut refused = None;
            group.retain(|(workspace, _)| match outcomes.next() {
                Some(CommitOutcome::Done(_)) => false,
                Some(CommitOutcome::Conflict) => true,
                Some(CommitOutcome::Refused(error)) => {
                    refused = Some(error);
                    true
                }
                // It may have been written: it is not counted twice.
                Some(CommitOutcome::Unknown(_)) | None => {
                    tracing::warn!(%workspace, "it is not known whether the usage of a minute was written");
                    false
                }
            });
            if refused.is_some() {
                return Err(Unwritten { group, error: refused });
            }
            if group.is_empty() {
                return Ok(());
            }
        }
        Err(Unwritten { group, error: None })
    }
}

/// The additions of workspaces. Leaves out of the group those that were deleted meanwhile.
fn additions(
    store: &dyn Store,
    group: &mut Vec<(WorkspaceId, IntervalTable)>,
    at: Timestamp,
) -> Result<Vec<Transaction>, StoreError> {
    let found = group.iter().map(|(workspace, rows)| addition(store, workspace, rows, at));
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let mut exists = found.iter().map(Option::is_some);
    group.retain(|_| exists.next().unwrap_or_default());
    Ok(found.into_iter().flatten().collect())
}

/// Adds rows to the intervals that hold an instant, if nobody else changes them meanwhile. Nothing where the workspace was deleted:
/// a workspace that gets its id later starts with no usage.
fn addition(
    store: &dyn Store,
    workspace: &WorkspaceId,
    rows: &IntervalTable,
    at: Timestamp,
) -> Result<Option<Transaction>, StoreError> {
    let document = workspace_key(workspace.as_str());
    let Some(Entry { version, .. }) = store.read(&document)? else { return Ok(None) };
    let mut transaction = Transaction { expect: vec![(document, Some(version))], ..Transaction::default() };
    for resolution in Resolution::ALL {
        let number = resolution.number(at);
        let key = resolution.key(workspace.as_str(), number);
        let found = store.read(&key)?;
        let kept = found.as_ref().and_then(|entry| IntervalTable::decode(&entry.value));
        // A clock that went back does not overwrite what is newer.
        let kept = kept.filter(|kept| kept.number >= number);
        let mut table = kept.unwrap_or_else(|| IntervalTable::empty(number));
        rows.rows.iter().for_each(|(key, counts)| table.add(key, counts));
        transaction.expect.push((key.clone(), found.map(|entry| entry.version)));
        transaction.puts.push((key, table.encode()));
    }
    Ok(Some(transaction))
}

/// Writes at the end of every minute, until the writer is gone.
pub(crate) async fn run(writer: Weak<UsageWriter>) {
    loop {
        let Some((now, minute)) = writer.upgrade().map(|it| (it.engine.clock().now(), Resolution::Minutes))
        else {
            return;
        };
        let ends = minute.start(minute.number(now) + 1);
        tokio::time::sleep(Duration::from_nanos((ends + DELAY).since(now).as_ns())).await;
        let Some(writer) = writer.upgrade() else { return };
        // What was counted belongs to the minute that has just ended.
        let written = tokio::task::spawn_blocking(move || writer.write(ends - Span::from_ns(1))).await;
        if written.is_err() {
            tracing::error!("writing usage panicked");
        }
    }
}

/// Forgets what was used of a workspace that was deleted. Blocks.
///
/// # Errors
/// [`StoreError`] where the store cannot be read or written; what is left is overwritten when the id is used again.
pub(crate) fn forget(store: &dyn Store, workspace: &WorkspaceId) -> Result<(), StoreError> {
    loop {
        let entries = store.scan(&prefix(workspace.as_str()), None, DELETED_TOGETHER)?;
        if entries.is_empty() {
            return Ok(());
        }
        let deletes = entries.into_iter().map(|entry| entry.key).collect();
        match store.commit(vec![Transaction { deletes, ..Transaction::default() }]).pop() {
            Some(CommitOutcome::Done(_)) => {}
            Some(CommitOutcome::Refused(error)) => return Err(error),
            _ => return Err(StoreError::Io("it is not known whether usage was deleted".into())),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::{UsageCounts, UsageKey};
    use crate::store::Memory;
    use apportion_core::priority::Priority;

    fn workspace() -> WorkspaceId {
        WorkspaceId::new("w").expect("a name")
    }

    /// So many requests of one caller were granted at an instant.
    pub(in crate::usage) fn counted(store: &Memory, at: Timestamp, team: &str, caller: &str, requests: u64) {
        counted_all(store, at, &[(team.to_owned(), caller.to_owned(), requests)]);
    }

    /// The same of many callers.
    pub(in crate::usage) fn counted_all(store: &Memory, at: Timestamp, all: &[(String, String, u64)]) {
        let mut rows = IntervalTable::default();
        for (team, caller, requests) in all {
            let key = UsageKey { team: team.clone(), caller: caller.clone(), priority: Priority::Default };
            rows.add(&key, &UsageCounts { granted_requests: *requests, ..UsageCounts::default() });
        }
        define(store);
        let transaction = addition(store, &workspace(), &rows, at).expect("readable").expect("defined");
        assert!(matches!(store.commit(vec![transaction])[..], [CommitOutcome::Done(_)]));
    }

    /// Makes the workspace, if it is not there.
    fn define(store: &Memory) {
        let document = (workspace_key("w"), b"a definition".to_vec());
        let expect = vec![(document.0.clone(), None)];
        store.commit(vec![Transaction { expect, puts: vec![document], ..Transaction::default() }]);
    }

    #[test]
    fn what_two_nodes_add_at_once_is_counted_once_each() {
        let (store, at) = (Memory::new(1), Timestamp::from_ns(1 << 60));
        define(&store);
        let mut rows = IntervalTable::default();
        let key = UsageKey { team: "a".into(), caller: "x".into(), priority: Priority::Default };
        rows.add(&key, &UsageCounts { granted_requests: 3, ..UsageCounts::default() });
        let both = [0, 1].map(|_| addition(&store, &workspace(), &rows, at).expect("readable"));
        let outcomes = store.commit(both.into_iter().flatten().collect());
        assert!(matches!(outcomes[..], [CommitOutcome::Done(_), CommitOutcome::Conflict]), "{outcomes:?}");
    }

    #[test]
    fn what_was_used_of_a_deleted_workspace_is_forgotten() {
        let store = Memory::new(1);
        for minute in 0..100 {
            counted(&store, Timestamp::from_ns(1 << 60) + Span::from_secs(60 * minute), "a", "x", 1);
        }
        forget(&store, &workspace()).expect("deleted");
        assert_eq!(store.scan("usage/", None, 10), Ok(Vec::new()));
    }

    #[test]
    fn what_was_counted_of_a_workspace_that_was_deleted_meanwhile_is_not_written() {
        let (store, at) = (Memory::new(1), Timestamp::from_ns(1 << 60));
        let mut group = vec![(workspace(), IntervalTable::default())];
        assert_eq!(additions(&store, &mut group, at).expect("readable"), []);
        assert!(group.is_empty(), "it is not tried again");
        define(&store);
        group.push((workspace(), IntervalTable::default()));
        let added = additions(&store, &mut group, at).expect("readable");
        assert_eq!((added.len(), group.len()), (1, 1));
        let deletes = vec![workspace_key("w")];
        store.commit(vec![Transaction { deletes, ..Transaction::default() }]);
        assert!(matches!(store.commit(added)[..], [CommitOutcome::Conflict]));
    }
}
