//! How the workers of a simulation behave, and what each is doing.

use apportion_core::observation::Observation;
use apportion_core::request::Lease;

use crate::random::Random;

/// What a worker is doing.
#[derive(Clone, Debug, Default)]
pub(super) struct Worker {
    pub(super) lease: Option<Lease>,
    pub(super) used: u64,
    pub(super) observations: Vec<Observation>,
}

/// How the workers of a run behave.
#[derive(Clone, Debug)]
pub(super) struct Habits {
    pub(super) permits: u64,
    pub(super) min_permits: u64,
    /// Longest time from a decision, or from a response, to the next request's arrival at the provider.
    pub(super) request_delay: u64,
    /// Longest time from the last response to the report.
    pub(super) report_delay: u64,
    /// Longest rest after a report.
    pub(super) rest: u64,
}

impl Habits {
    pub(super) fn any(random: &mut Random) -> Self {
        let permits = random.from_to(1, 4);
        Self {
            permits: u64::from(permits),
            min_permits: u64::from(random.from_to(1, permits)),
            request_delay: random.one_of(&[1_000, 10_000, 100_000]),
            report_delay: random.one_of(&[1_000, 50_000, 300_000, 1_000_000]),
            rest: random.one_of(&[0, 0, 20_000, 500_000]),
        }
    }
}
