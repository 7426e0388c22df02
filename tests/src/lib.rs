//! Judges, simulations and processes for the tests of Apportion.

pub mod random;
pub mod ratio;

pub mod waterfill;

pub mod generate;

pub mod describe;

pub mod seeds;

pub mod judge;
pub mod oracle;

pub mod external_use;
pub mod policies;
pub mod world;

pub mod memory;
pub mod provider;

pub mod process;

pub mod envoy;
pub mod etcd;

pub mod chaos;

pub mod demo;

use apportion_core::scenario::{Record, Scenario};

/// The event log of a scenario, by the allocator under test.
///
/// # Panics
/// If the policy is invalid.
pub fn replay(scenario: &Scenario) -> Vec<Record> {
    apportion_core::scenario::replay(scenario).expect("a generated policy is valid")
}
