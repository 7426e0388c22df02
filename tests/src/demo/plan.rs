//! What the demo plays: which services call the provider, with how much load, and when the bursts of the support desk come. The
//! same in both rounds.

use serde::{Deserialize, Serialize};

use crate::provider::Rules;
use crate::random::Random;

/// How many teams there are.
pub const TEAMS: usize = 4;
/// The support desk in [`SERVICES`].
pub const SUPPORT: usize = 0;
/// The synchronisation in [`SERVICES`].
pub const SYNC: usize = 1;
/// The CRM in [`SERVICES`].
pub const CRM: usize = 2;
/// The guard of the preset: the end of a window in which nothing is granted, in milliseconds.
pub const GUARD_MS: u64 = 850;
/// The holdback of the preset: the part of a window kept for urgent requests, in percent.
pub const HOLDBACK_PERCENT: u64 = 20;

/// One service, and the team that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceSpec {
    /// The name of the team.
    pub team: &'static str,
    /// Its weight.
    pub weight: u32,
    /// The priority of its requests.
    pub priority: &'static str,
    /// How many workers it keeps busy; 0 if its requests come in bursts instead.
    pub workers: usize,
}

/// All services.
pub const SERVICES: [ServiceSpec; TEAMS] = [
    ServiceSpec { team: "support", weight: 1, priority: "CRITICAL", workers: 0 },
    ServiceSpec { team: "sync", weight: 3, priority: "DEFAULT", workers: 8 },
    ServiceSpec { team: "crm", weight: 1, priority: "DEFAULT", workers: 8 },
    ServiceSpec { team: "backfill", weight: 1, priority: "SHEDDABLE", workers: 16 },
];

/// How the provider behaves, and for how many of its windows it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How the provider behaves.
    pub rules: Rules,
    /// How many whole windows each round takes.
    pub windows: u64,
}

/// Requests that are issued at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// How long after the start of the round, in milliseconds.
    pub at_ms: u64,
    /// How many requests.
    pub requests: u64,
}

impl Plan {
    /// A plan of that length, rounded up to whole windows, at a provider that takes about a tenth of a second to respond.
    pub fn new(rules: Rules, seconds: u64) -> Self {
        let rules = Rules { latency_ms: 60, jitter_ms: 60, ..rules };
        Self { windows: (seconds * 1000).div_ceil(rules.window_ms).max(1), rules }
    }

    /// How long a round takes, in nanoseconds.
    pub fn length_ns(&self) -> u64 {
        self.windows * self.rules.window_ns()
    }

    /// The support desk's bursts: three a window. Each fits into what is still held back after the bursts before it.
    pub fn bursts(&self) -> Vec<Burst> {
        (0..self.windows).flat_map(|window| self.bursts_of(window)).collect()
    }

    /// Early ones are larger, since what is held back is released evenly. Instants are parts of the time before the guard, in
    /// thousandths; sizes are parts of what is held back at first, in percent.
    fn bursts_of(&self, window: u64) -> impl Iterator<Item = Burst> {
        let open_ms = self.rules.window_ms.saturating_sub(GUARD_MS);
        let held_back = self.rules.limit * HOLDBACK_PERCENT / 100;
        let start_ms = window * self.rules.window_ms;
        let mut random = Random::new(window);
        [(40, 180, 33), (240, 430, 21), (480, 690, 12)].into_iter().map(move |(least, most, percent)| Burst {
            at_ms: start_ms + open_ms * u64::from(random.from_to(least, most)) / 1000,
            requests: (held_back * percent).div_ceil(100),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_burst_fits_into_what_is_held_back() {
        let plan = Plan::new(Rules::default(), 600);
        let open = 9150.0;
        let mut left = 0.0_f64;
        let (mut window, mut asked) = (u64::MAX, 0);
        for burst in plan.bursts() {
            if burst.at_ms / 10_000 != window {
                (window, left) = (burst.at_ms / 10_000, 33.2);
            }
            let into = (burst.at_ms % 10_000) as f64;
            left = left.min(33.2 * (1.0 - into / open)) - burst.requests as f64;
            assert!(left >= 0.0, "{burst:?} exceeds what is held back by {}", -left);
            asked += burst.requests;
        }
        assert!(asked >= 60 * 18, "only {asked} requests in 60 windows: too few to test anything");
    }

    #[test]
    fn a_plan_is_rounded_up_to_whole_windows() {
        assert_eq!([1, 10, 15, 60].map(|seconds| Plan::new(Rules::default(), seconds).windows), [1, 1, 2, 6]);
    }
}
