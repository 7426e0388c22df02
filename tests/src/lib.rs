//! Judges and worlds for the tests of Apportion.

pub mod generate;
pub mod judge;
pub mod oracle;
pub mod random;
pub mod ratio;
pub mod waterfill;

use apportion_core::scenario::{Record, Scenario};

/// The event log of a scenario, by the allocator under test.
pub fn replay(scenario: &Scenario) -> Vec<Record> {
    oracle::replay(scenario)
}
