//! The event log equals that of the oracle, and every judge accepts it.

use apportion_core::ids::TeamId;
use apportion_core::permits::Permits;
use apportion_core::priority::Priority;
use apportion_core::scenario::{Record, Scenario};
use apportion_core::time::Timestamp;
use apportion_tests::generate::{self, Shape};
use apportion_tests::seeds::check_seeds;
use apportion_tests::{judge, oracle, replay};

use crate::cases::SEEDS;

/// What two allocators must agree on.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fact<'a> {
    Granted(Timestamp, &'a TeamId, Priority, Permits, u32),
    Refused(Timestamp, &'a TeamId, String),
    Returned(Timestamp, &'a TeamId, Permits),
}

fn fact(record: &Record) -> Fact<'_> {
    match record {
        Record::Grant { at, team, priority, permits, window, .. } => {
            Fact::Granted(*at, team, *priority, *permits, *window)
        }
        Record::Reject { at, team, reason, .. } => Fact::Refused(*at, team, format!("{reason:?}")),
        Record::Return { at, team, accepted, .. } => Fact::Returned(*at, team, *accepted),
    }
}

/// A log with the refusals of one instant in a fixed order: which is sent first does not matter.
fn facts(log: &[Record]) -> Vec<Fact<'_>> {
    let mut facts: Vec<Fact<'_>> = log.iter().map(fact).collect();
    let refused_together = |one: &Fact<'_>, other: &Fact<'_>| match (one, other) {
        (Fact::Refused(at, ..), Fact::Refused(then, ..)) => at == then,
        _ => false,
    };
    for refusals in facts.chunk_by_mut(refused_together) {
        refusals.sort();
    }
    facts
}

fn same_log(scenario: &Scenario) -> Result<(), String> {
    let (log, expected) = (replay(scenario), oracle::replay(scenario));
    let (log, expected) = (facts(&log), facts(&expected));
    let difference = log.iter().zip(&expected).position(|(one, other)| one != other);
    let differs = difference.or((log.len() != expected.len()).then_some(log.len().min(expected.len())));
    match differs {
        None => Ok(()),
        Some(k) => Err(format!("record {k}: {:?}\nexpected: {:?}", log.get(k), expected.get(k))),
    }
}

#[test]
fn the_event_log_equals_that_of_the_oracle() {
    check_seeds(SEEDS, |seed| generate::scenario(seed, Shape::ALL), same_log);
}

#[test]
fn every_judge_accepts_every_log() {
    let judged = |scenario: &Scenario| judge::check_all(scenario, &replay(scenario));
    check_seeds(SEEDS, |seed| generate::scenario(seed, Shape::ALL), judged);
}
