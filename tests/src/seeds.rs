//! Runs a check over many seeds, and shows the scenario of one that fails.

use apportion_core::scenario::Scenario;

use crate::describe::describe;

/// How many seeds to run where `usual` is the default: `APPORTION_SEEDS`, if that is fewer, for quick runs while a rule is broken on
/// purpose.
///
/// # Panics
/// If `APPORTION_SEEDS` is no number.
pub fn seeds(usual: u64) -> u64 {
    match std::env::var("APPORTION_SEEDS") {
        Ok(most) => most.parse::<u64>().expect("APPORTION_SEEDS is a whole number").min(usual),
        Err(_) => usual,
    }
}

/// Checks the scenarios that `make` builds out of the seeds below `usual`, or below [`fewer`](seeds).
///
/// # Panics
/// At the first seed that fails, with the seed and the scenario.
pub fn check_seeds(
    usual: u64,
    make: impl Fn(u64) -> Scenario,
    check: impl Fn(&Scenario) -> Result<(), String>,
) {
    for seed in 0..seeds(usual) {
        let scenario = make(seed);
        if let Err(failure) = check(&scenario) {
            panic!("seed {seed}: {failure}\n{}", describe(&scenario));
        }
    }
}
