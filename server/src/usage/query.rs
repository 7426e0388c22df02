//! Reads what was used.

use super::interval::Resolution;
use super::record::IntervalTable;
use crate::engine::{UsageCounts, UsageKey};
use crate::store::{Store, StoreError};
use apportion_core::ids::WorkspaceId;
use apportion_core::time::{Span, Timestamp};
use std::collections::BTreeMap;
use thiserror::Error;

/// Most rows of a report.
pub(crate) const ROWS_MAX: usize = 10_000;

/// What a report is about.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) workspace: WorkspaceId,
    /// From when on, rounded down to the start of an interval.
    pub(crate) from: Timestamp,
    /// Until when, rounded up to the end of one.
    pub(crate) until: Timestamp,
    pub(crate) now: Timestamp,
    /// The intervals to report, each by itself; `None` reports all of them together, read from the finest that reach back so far.
    pub(crate) each: Option<Resolution>,
    /// The team to report; `None` reports all.
    pub(crate) team: Option<String>,
    /// What rows are added up to.
    pub(crate) by_caller: bool,
    /// The same.
    pub(crate) by_priority: bool,
}

/// What was used between two instants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct UsageReport {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    /// By team, caller and priority; those that were added up are the same in all rows.
    pub(crate) rows: BTreeMap<UsageKey, UsageCounts>,
}

/// Why there is no report.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(crate) enum QueryError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is too much to report.
    #[error(
        "there are more than {ROWS_MAX} rows: choose a shorter time, longer intervals, one team, or group by team"
    )]
    TooMuch,
}

/// Reads the usage of a workspace, the oldest interval first. Blocks.
///
/// # Errors
/// [`QueryError`].
pub(crate) fn query(store: &dyn Store, query: &Query) -> Result<Vec<UsageReport>, QueryError> {
    let resolution = query.each.unwrap_or_else(|| finest(query.from, query.now));
    let newest = resolution.number(query.now);
    let oldest = newest.saturating_sub(resolution.kept()).max(resolution.number(query.from));
    let end = resolution.number(query.until - Span::from_ns(1)).min(newest);
    let prefix = resolution.prefix(query.workspace.as_str());
    let tables = store.scan(&prefix, None, usize::MAX)?.into_iter().filter_map(|entry| {
        let table = IntervalTable::decode(&entry.value);
        if table.is_none() {
            tracing::error!(key = entry.key, "usage cannot be read: it is left out");
        }
        table.filter(|table| (oldest..=end).contains(&table.number))
    });
    let mut reports: BTreeMap<u64, UsageReport> = BTreeMap::new();
    let mut rows = 0;
    for table in tables {
        let (first, last) = if query.each.is_some() { (table.number, table.number) } else { (oldest, end) };
        let report = reports.entry(first).or_insert_with(|| UsageReport {
            from: resolution.start(first),
            until: resolution.start(last + 1),
            rows: BTreeMap::new(),
        });
        let before = report.rows.len();
        query.add(&table, report);
        rows += report.rows.len() - before;
        if rows > ROWS_MAX {
            return Err(QueryError::TooMuch);
        }
    }
    Ok(reports.into_values().filter(|report| !report.rows.is_empty()).collect())
}

/// The finest intervals of which those since an instant are kept.
fn finest(from: Timestamp, now: Timestamp) -> Resolution {
    let reaches =
        |resolution: &Resolution| resolution.number(from) + resolution.kept() >= resolution.number(now);
    Resolution::ALL.into_iter().find(reaches).unwrap_or(Resolution::Days)
}

impl Query {
    fn add(&self, table: &IntervalTable, report: &mut UsageReport) {
        for (key, counts) in &table.rows {
            if self.team.as_ref().is_some_and(|team| *team != key.team) {
                continue;
            }
            let caller = if self.by_caller { key.caller.clone() } else { String::new() };
            let priority = if self.by_priority { key.priority } else { Default::default() };
            let key = UsageKey { team: key.team.clone(), caller, priority };
            report.rows.entry(key).or_default().add(counts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::writer::tests::{counted, counted_all};
    use super::*;
    use crate::store::Memory;

    const NOW: Timestamp = Timestamp::from_ns(1_000 * 86_400 * 1_000_000_000 + 1);

    fn asked(from: Timestamp, each: Option<Resolution>) -> Query {
        Query {
            workspace: WorkspaceId::new("w").expect("a name"),
            from,
            until: NOW,
            now: NOW,
            each,
            team: None,
            by_caller: false,
            by_priority: false,
        }
    }

    fn granted(store: &Memory, query_: &Query) -> Vec<u64> {
        let reports = query(store, query_).expect("readable");
        reports
            .iter()
            .map(|report| report.rows.values().map(|counts| counts.granted_requests).sum())
            .collect()
    }

    #[test]
    fn usage_is_found_in_each_resolution_and_no_longer_than_it_is_kept() {
        let store = Memory::new(1);
        for (ago_s, requests) in [(30, 1), (50 * 60, 2), (5 * 3_600, 4), (20 * 86_400, 8), (100 * 86_400, 16)]
        {
            counted(&store, NOW - Span::from_secs(ago_s), "a", "x", requests);
        }
        let since = |s| NOW - Span::from_secs(s);
        assert_eq!(granted(&store, &asked(since(60), None)), [1]);
        assert_eq!(granted(&store, &asked(since(3_600), None)), [3]);
        assert_eq!(granted(&store, &asked(since(86_400), None)), [7]);
        assert_eq!(granted(&store, &asked(since(30 * 86_400), None)), [15]);
        assert_eq!(granted(&store, &asked(since(400 * 86_400), None)), [15]);
        assert_eq!(granted(&store, &asked(since(86_400), Some(Resolution::Hours))), [4, 3]);
    }

    #[test]
    fn rows_are_added_up_to_what_is_asked_for() {
        let store = Memory::new(1);
        for (team, caller) in [("a", "x"), ("a", "y"), ("b", "x")] {
            counted(&store, NOW - Span::from_secs(1), team, caller, 1);
        }
        let rows = |query_: &Query| query(&store, query_).expect("readable")[0].rows.len();
        let query_ = asked(NOW - Span::from_secs(60), None);
        assert_eq!(rows(&query_), 2);
        assert_eq!(rows(&Query { by_caller: true, ..query_.clone() }), 3);
        assert_eq!(rows(&Query { by_caller: true, team: Some("a".into()), ..query_ }), 2);
    }

    #[test]
    fn a_report_has_a_bound() {
        let store = Memory::new(1);
        let all: Vec<_> = (0..500).map(|n| (format!("t{}", n / 30), format!("c{n}"), 1)).collect();
        for minute in 0..21 {
            counted_all(&store, NOW - Span::from_secs(60 * minute), &all);
        }
        let query_ =
            Query { by_caller: true, ..asked(NOW - Span::from_secs(3_600), Some(Resolution::Minutes)) };
        assert_eq!(query(&store, &query_), Err(QueryError::TooMuch));
        assert!(query(&store, &Query { by_caller: false, ..query_ }).is_ok());
    }
}
