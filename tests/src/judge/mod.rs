//! Judges: what must hold of the event log of any scenario with one limit and one caller for each team, whatever
//! the allocator's reasons. A judge says what is wrong and where.

mod floors;
mod order;
mod windows;

pub use floors::floors_kept;
pub use order::{first_come_first_served, nobody_answered_too_often, nobody_waits_too_long};
pub use windows::{caps_kept, never_above_the_budget, only_while_open};

use apportion_core::ids::TeamId;
use apportion_core::policy::Policy;
use apportion_core::scenario::{Record, Scenario};
use apportion_core::time::Timestamp;

/// Holds a log against every judge that needs no more than the log.
///
/// # Errors
/// What the first judge that is not content says.
pub fn everything(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    in_order_of_time(log)?;
    only_while_open(scenario, log)?;
    never_above_the_budget(scenario, log)?;
    caps_kept(scenario, log)?;
    first_come_first_served(scenario, log)?;
    nobody_answered_too_often(scenario, log)?;
    nobody_waits_too_long(scenario, log)
}

/// When a record was written.
pub fn at(record: &Record) -> Timestamp {
    match record {
        Record::Grant { at, .. } | Record::Reject { at, .. } | Record::Return { at, .. } => *at,
    }
}

/// The team of a record.
pub fn team(record: &Record) -> &TeamId {
    match record {
        Record::Grant { team, .. } | Record::Reject { team, .. } | Record::Return { team, .. } => team,
    }
}

/// Records stand in order of time.
///
/// # Errors
/// The first that does not.
pub fn in_order_of_time(log: &[Record]) -> Result<(), String> {
    match log.windows(2).find(|pair| at(&pair[0]) > at(&pair[1])) {
        Some(pair) => Err(format!("out of order: {pair:?}")),
        None => Ok(()),
    }
}

/// Net permits that a record moves, and in which window; a refusal moves none.
pub fn moved(record: &Record) -> Option<(u32, i64)> {
    match record {
        Record::Grant { permits, window, .. } => Some((*window, i64::from(permits.get()))),
        Record::Return { accepted, window, .. } => Some((*window, -i64::from(accepted.get()))),
        Record::Reject { .. } => None,
    }
}

/// Net grants of each window to the teams that `counts` names.
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
