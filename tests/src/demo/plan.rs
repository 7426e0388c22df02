//! What a demo plays: which services call the provider, with how much load, and when the bursts of the support desk come. The
//! same in both rounds.

use serde::{Deserialize, Serialize};

use crate::provider::Rules;
use crate::random::Random;

/// The support desk among [`Cast::Departments`].
pub const SUPPORT: usize = 0;
/// The synchronisation among [`Cast::Departments`].
pub const SYNC: usize = 1;
/// The CRM among [`Cast::Departments`].
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

const fn busy(team: &'static str, weight: u32) -> ServiceSpec {
    ServiceSpec { team, weight, priority: "DEFAULT", workers: 8 }
}

const DEPARTMENTS: &[ServiceSpec] = &[
    ServiceSpec { team: "support", weight: 1, priority: "CRITICAL", workers: 0 },
    busy("sync", 3),
    busy("crm", 1),
    ServiceSpec { team: "backfill", weight: 1, priority: "SHEDDABLE", workers: 16 },
];

/// All of one weight: between services that prefetch, weights were seen to tell less.
const LANGUAGES: &[ServiceSpec] =
    &[busy("rust", 1), busy("python", 1), busy("node", 1), busy("go", 1), busy("java", 1)];

/// Which services share the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cast {
    /// Departments of a company, one of them urgent. Each service is this program.
    Departments,
    /// The example services of the client libraries, a team for each language.
    Languages,
}

impl Cast {
    /// All services.
    pub const fn services(self) -> &'static [ServiceSpec] {
        match self {
            Self::Departments => DEPARTMENTS,
            Self::Languages => LANGUAGES,
        }
    }

    /// What the cast is called in a title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Departments => "Four services, one budget",
            Self::Languages => "Five languages, one budget",
        }
    }

    /// The services whose waits are drawn.
    pub fn watched(self) -> &'static [usize] {
        match self {
            Self::Departments => &[SUPPORT],
            Self::Languages => &[0, 1, 2, 3, 4],
        }
    }
}

/// How the provider behaves, and for how many of its windows it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Which services call the provider.
    pub cast: Cast,
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
    /// A plan of that length, rounded up to whole windows, at a provider that takes about a tenth of a second to respond. Where
    /// services measure their requests as a whole, it always takes equally long, so that the rest is known to be the wait.
    pub fn new(cast: Cast, rules: Rules, seconds: u64) -> Self {
        let rules = match cast {
            Cast::Departments => Rules { latency_ms: 60, jitter_ms: 60, ..rules },
            Cast::Languages => Rules { latency_ms: 90, jitter_ms: 0, ..rules },
        };
        Self { cast, windows: (seconds * 1000).div_ceil(rules.window_ms).max(1), rules }
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
        let plan = Plan::new(Cast::Departments, Rules::default(), 600);
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
        let windows = |seconds| Plan::new(Cast::Languages, Rules::default(), seconds).windows;
        assert_eq!([1, 10, 15, 60].map(windows), [1, 1, 2, 6]);
    }
}
