//! A workspace as it is shown. Pure data; knows no terminal and no clock.

use std::time::Duration;

/// A workspace at one instant.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct View {
    pub(super) workspace: String,
    /// Why nothing is granted, if anything is wrong.
    pub(super) trouble: Option<String>,
    pub(super) limits: Vec<LimitRow>,
    /// Subteams directly follow their parent.
    pub(super) teams: Vec<TeamRow>,
    pub(super) waiting_requests: u32,
}

/// One limit and its window.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct LimitRow {
    pub(super) id: String,
    pub(super) elapsed: Duration,
    pub(super) window: Duration,
    pub(super) budget: u32,
    /// The configured budget, where the provider reported another one.
    pub(super) configured: Option<u32>,
    pub(super) left: u32,
    pub(super) booked: u32,
    pub(super) others: u32,
    pub(super) open: bool,
    /// Whether the provider reported the window as exhausted.
    pub(super) exhausted: bool,
    pub(super) cooldown: Option<Duration>,
}

/// One team in the window of the shortest limit. Counts are permits, except `refused`: requests of the last minute.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct TeamRow {
    pub(super) id: String,
    /// Its number of ancestors.
    pub(super) depth: usize,
    /// The default and the highest priority of its requests.
    pub(super) priorities: String,
    pub(super) weight: u32,
    pub(super) reserved: u32,
    pub(super) cap: Option<u32>,
    pub(super) granted: u32,
    pub(super) share: u32,
    pub(super) waiting: u64,
    pub(super) expected: u32,
    pub(super) refused: u64,
    /// The median wait of granted requests in its slowest priority.
    pub(super) p50: Option<Duration>,
    /// The 99th percentile.
    pub(super) p99: Option<Duration>,
}
