//! What is kept of one interval of a workspace: a bounded table of counts, and its bytes. Field numbers never change.

use crate::engine::{USAGE_CALLERS_MAX, UsageCounts, UsageKey};
use apportion_core::priority::Priority;
use prost::Message;
use std::collections::BTreeMap;

/// Rows of one interval. Beyond that callers, then teams, are counted together; these rows come on top, at most three for a team.
pub(super) const ROWS_MAX: usize = 512;

/// What is kept of one interval.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct IntervalTable {
    /// The number of the interval.
    pub(super) number: u64,
    pub(super) rows: BTreeMap<UsageKey, UsageCounts>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct IntervalMessage {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(message, repeated, tag = "2")]
    rows: Vec<RowMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RowMessage {
    #[prost(string, tag = "1")]
    team: String,
    #[prost(string, tag = "2")]
    caller: String,
    /// The place of the priority in [`Priority::ALL`].
    #[prost(uint32, tag = "3")]
    priority: u32,
    #[prost(uint64, tag = "4")]
    granted_requests: u64,
    #[prost(uint64, tag = "5")]
    granted_permits: u64,
    #[prost(uint64, tag = "6")]
    returned_permits: u64,
    #[prost(uint64, tag = "7")]
    waited_requests: u64,
    #[prost(uint64, tag = "8")]
    waited_ns: u64,
    #[prost(message, repeated, tag = "9")]
    refused: Vec<RefusedMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RefusedMessage {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(uint64, tag = "2")]
    requests: u64,
}

impl IntervalTable {
    /// An interval in which nothing was counted yet.
    pub(super) fn empty(number: u64) -> Self {
        Self { number, rows: BTreeMap::new() }
    }

    /// Reads what is kept; none where the bytes are no table.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let IntervalMessage { number, rows } = IntervalMessage::decode(bytes).ok()?;
        let rows = rows.into_iter().map(|row| {
            let priority = *Priority::ALL.get(usize::try_from(row.priority).ok()?)?;
            let refused = row.refused.into_iter().map(|refused| (refused.reason, refused.requests));
            let counts = UsageCounts {
                granted_requests: row.granted_requests,
                granted_permits: row.granted_permits,
                returned_permits: row.returned_permits,
                waited_requests: row.waited_requests,
                waited_ns: row.waited_ns,
                refused: refused.collect(),
            };
            Some((UsageKey { team: row.team, caller: row.caller, priority }, counts))
        });
        Some(Self { number, rows: rows.collect::<Option<_>>()? })
    }

    /// Its bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let rows = self.rows.iter().map(|(UsageKey { team, caller, priority }, counts)| RowMessage {
            team: team.clone(),
            caller: caller.clone(),
            priority: u32::try_from(priority.index()).unwrap_or_default(),
            granted_requests: counts.granted_requests,
            granted_permits: counts.granted_permits,
            returned_permits: counts.returned_permits,
            waited_requests: counts.waited_requests,
            waited_ns: counts.waited_ns,
            refused: counts
                .refused
                .iter()
                .map(|(reason, requests)| RefusedMessage { reason: reason.clone(), requests: *requests })
                .collect(),
        });
        IntervalMessage { number: self.number, rows: rows.collect() }.encode_to_vec()
    }

    /// Adds counts, where there is a place for them: as their own, or with other callers, or with other teams.
    pub(super) fn add(&mut self, key: &UsageKey, counts: &UsageCounts) {
        let place = self.place(key);
        self.rows.entry(place).or_default().add(counts);
    }

    fn place(&self, key: &UsageKey) -> UsageKey {
        if self.rows.contains_key(key) {
            return key.clone();
        }
        let is_full = self.rows.len() >= ROWS_MAX;
        let named =
            |row: &&UsageKey| row.team == key.team && !row.caller.is_empty() && row.priority == key.priority;
        if !is_full && (key.caller.is_empty() || self.rows.keys().filter(named).count() < USAGE_CALLERS_MAX) {
            return key.clone();
        }
        let rest = UsageKey { caller: String::new(), ..key.clone() };
        if !is_full || self.rows.contains_key(&rest) {
            return rest;
        }
        UsageKey { team: String::new(), ..rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apportion_core::ids::{CallerId, TeamId};

    fn key(team: &str, caller: &str) -> UsageKey {
        UsageKey { team: team.into(), caller: caller.into(), priority: Priority::Default }
    }

    fn one() -> UsageCounts {
        UsageCounts { granted_requests: 1, refused: vec![("TOO_LARGE".into(), 2)], ..Default::default() }
    }

    #[test]
    fn a_table_reads_back_as_it_was_written() {
        let mut table = IntervalTable::empty(7);
        table.add(&key("a", "x"), &one());
        table.add(&key("a", "x"), &one());
        table.add(&key("b", ""), &one());
        assert_eq!(IntervalTable::decode(&table.encode()), Some(table.clone()));
        assert_eq!(table.rows[&key("a", "x")].granted_requests, 2);
        assert_eq!(IntervalTable::decode(b"\xff"), None);
    }

    #[test]
    fn beyond_the_bounds_callers_and_then_teams_are_counted_together_and_nothing_is_lost() {
        let mut table = IntervalTable::empty(1);
        let (teams, callers) = (100, USAGE_CALLERS_MAX + 8);
        for team in 0..teams {
            for caller in 0..callers {
                table.add(&key(&format!("t{team}"), &format!("c{caller}")), &one());
            }
        }
        assert!(table.rows.len() <= ROWS_MAX + 3, "{} rows", table.rows.len());
        assert_eq!(table.rows[&key("t0", "")].granted_requests, 8);
        assert!(table.rows.contains_key(&key("", "")));
        let sum: u64 = table.rows.values().map(|counts| counts.granted_requests).sum();
        assert_eq!(sum, u64::try_from(teams * callers).expect("small"));
    }

    #[test]
    fn the_largest_interval_is_a_third_of_what_etcd_takes_in_one_request() {
        let name = |length: usize, n: usize| format!("{n:0length$}");
        let refused = (0..20).map(|n| (name("WORKSPACE_QUEUE_FULL".len(), n), u64::MAX)).collect();
        let (most, waited_ns) = (u64::MAX, u64::MAX);
        let counts = UsageCounts {
            granted_requests: most,
            granted_permits: most,
            returned_permits: most,
            waited_requests: most,
            waited_ns,
            refused,
        };
        let mut table = IntervalTable::empty(u64::MAX);
        for n in 0..ROWS_MAX + 3 {
            let (team, caller) = (name(TeamId::LONGEST, n), name(CallerId::LONGEST, n));
            table.rows.insert(UsageKey { team, caller, priority: Priority::Sheddable }, counts.clone());
        }
        let bytes = table.encode().len();
        assert!(bytes <= 512 << 10, "{bytes} bytes");
    }
}
