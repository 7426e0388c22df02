//! Judges and worlds for the tests of Apportion.

pub mod demo;
pub mod describe;
pub mod generate;
pub mod judge;
pub mod neighbour;
pub mod oracle;
pub mod policies;
pub mod process;
pub mod provider;
pub mod random;
pub mod ratio;
pub mod waterfill;
pub mod world;

use apportion_core::scenario::{Record, Scenario};

/// The event log of a scenario, by the allocator under test.
pub fn replay(scenario: &Scenario) -> Vec<Record> {
    apportion_core::scenario::replay(scenario).expect("a generated policy is valid")
}
