//! How many cases each property has, and what several of them read or build.

use apportion_core::ids::TeamId;
use apportion_core::scenario::{Record, Scenario};
use apportion_tests::judge;

/// Random cases for each property.
pub(crate) const SEEDS: u64 = 10_000;

/// The net grants of a team and its parts, window by window.
pub(crate) fn granted(scenario: &Scenario, log: &[Record], team: &TeamId) -> Vec<i64> {
    judge::granted(scenario, log, |id| judge::is_part_of(&scenario.policy, id, team))
}

/// The scenario with another number of windows.
pub(crate) fn with_windows(windows: u32, mut scenario: Scenario) -> Scenario {
    scenario.windows = windows;
    scenario
}
