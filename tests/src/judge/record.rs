//! Records of the event log: their instant, team and permits.

use apportion_core::ids::TeamId;
use apportion_core::policy::Policy;
use apportion_core::scenario::{Record, Scenario};
use apportion_core::time::Timestamp;

/// When a record was written.
pub(super) fn at(record: &Record) -> Timestamp {
    match record {
        Record::Grant { at, .. } | Record::Reject { at, .. } | Record::Return { at, .. } => *at,
    }
}

/// The team of a record.
pub(super) fn team(record: &Record) -> &TeamId {
    match record {
        Record::Grant { team, .. } | Record::Reject { team, .. } | Record::Return { team, .. } => team,
    }
}

/// The permits that a record grants or, negative, returns, and in which window; a refusal has none.
fn moved(record: &Record) -> Option<(u32, i64)> {
    match record {
        Record::Grant { permits, window, .. } => Some((*window, i64::from(permits.get()))),
        Record::Return { accepted, window, .. } => Some((*window, -i64::from(accepted.get()))),
        Record::Reject { .. } => None,
    }
}

/// The net grants of each window to the teams for which `counts` is true.
pub fn granted(scenario: &Scenario, log: &[Record], counts: impl Fn(&TeamId) -> bool) -> Vec<i64> {
    let mut granted = vec![0; scenario.windows as usize];
    for record in log.iter().filter(|record| counts(team(record))) {
        if let Some((window, n)) = moved(record) {
            granted[window as usize] += n;
        }
    }
    granted
}

/// Whether a team is `top` or part of it.
pub fn is_part_of(policy: &Policy, team: &TeamId, top: &TeamId) -> bool {
    let parent = |id: &TeamId| policy.teams.iter().find(|team| &team.id == id)?.parent.clone();
    std::iter::successors(Some(team.clone()), parent).any(|id| &id == top)
}
