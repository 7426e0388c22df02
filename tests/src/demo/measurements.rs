//! The measurements of one round: from the provider's own count, and the waits that the services reported.

use super::plan::Plan;
use super::round::Round;

/// The first window whose shares are compared with the weights, counted from 0: in the first two, demand is not known yet.
const FIRST_FAIR_WINDOW: usize = 2;

/// One window, by the provider's count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowCount {
    /// The limit.
    pub limit: u64,
    /// Accepted requests, by team.
    pub accepted: Vec<u64>,
    /// Throttled requests.
    pub throttled: u64,
}

/// How long one request waited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wait {
    /// When it was issued, in seconds since the first window started.
    pub issued_s: f64,
    /// How long it waited, in seconds.
    pub waited_s: f64,
    /// Whether it was accepted.
    pub is_accepted: bool,
}

/// The measurements of one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurements {
    /// Each window.
    pub windows: Vec<WindowCount>,
    /// Requests that were throttled, or exceeded the limit, since the provider's start.
    pub throttled: u64,
    /// Waits by team, shortest first. A request that was never accepted waited until the end of the round.
    pub waits: Vec<Vec<Wait>>,
}

impl Measurements {
    /// The measurements of a round that was played.
    pub fn of(plan: &Plan, round: &Round) -> Self {
        let services = plan.cast.services();
        let windows = round.windows(plan).map(|window| WindowCount {
            limit: window.limit,
            accepted: services.iter().map(|service| window.teams.accepted(service.team)).collect(),
            throttled: window.tally.throttled,
        });
        let waits = round.outcomes.iter().map(|outcomes| {
            let waits = outcomes.iter().map(|outcome| Wait {
                issued_s: outcome.issued_ns.saturating_sub(round.start_ns) as f64 / 1e9,
                waited_s: outcome.waited_us as f64 / 1e6,
                is_accepted: outcome.is_accepted,
            });
            let mut waits: Vec<_> = waits.collect();
            waits.sort_by(|a, b| a.waited_s.total_cmp(&b.waited_s));
            waits
        });
        let total = round.report.total;
        Self {
            windows: windows.collect(),
            throttled: total.throttled.max(total.over_limit),
            waits: waits.collect(),
        }
    }

    /// Accepted requests of a team.
    pub fn accepted(&self, team: usize) -> u64 {
        self.windows.iter().map(|window| window.accepted[team]).sum()
    }

    /// Accepted requests of all teams.
    pub fn all_accepted(&self) -> u64 {
        self.windows.iter().flat_map(|window| &window.accepted).sum()
    }

    /// The utilisation of the limit over all windows, and that of the least used window.
    pub fn utilisation(&self) -> (f64, f64) {
        let of = |window: &WindowCount| window.accepted.iter().sum::<u64>() as f64 / window.limit as f64;
        let limits: u64 = self.windows.iter().map(|window| window.limit).sum();
        let least = self.windows.iter().map(of).fold(1.0, f64::min);
        (self.all_accepted() as f64 / limits.max(1) as f64, least)
    }

    /// A percentile of the waits of a team, in seconds; none if it sent no request.
    pub fn wait_s(&self, team: usize, per_mille: usize) -> Option<f64> {
        let waits = &self.waits[team];
        let rank = (waits.len() * per_mille).div_ceil(1000).max(1);
        waits.get(rank - 1).map(|wait| wait.waited_s)
    }

    /// Requests of a team that were not accepted before the end of the round.
    pub fn unserved(&self, team: usize) -> usize {
        self.waits[team].iter().filter(|wait| !wait.is_accepted).count()
    }

    /// Accepted requests of a team for each of another one, from the third window on; none if there is no such window.
    pub fn ratio(&self, team: usize, other: usize) -> Option<f64> {
        let fair = self.fair_windows()?;
        let of = |team: usize| fair.iter().map(|window| window.accepted[team]).sum::<u64>() as f64;
        Some(of(team) / of(other))
    }

    /// The part of all accepted requests that a team got, from the third window on; none if there is no such window.
    pub fn share(&self, team: usize) -> Option<f64> {
        let fair = self.fair_windows()?;
        let all: u64 = fair.iter().flat_map(|window| &window.accepted).sum();
        Some(fair.iter().map(|window| window.accepted[team]).sum::<u64>() as f64 / all as f64)
    }

    fn fair_windows(&self) -> Option<&[WindowCount]> {
        self.windows.get(FIRST_FAIR_WINDOW..).filter(|fair| !fair.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::plan::{CRM, SYNC};

    fn waited(waited_s: f64) -> Wait {
        Wait { issued_s: 0.0, waited_s, is_accepted: waited_s < 9.0 }
    }

    #[test]
    fn measurements_follow_from_counts_and_waits() {
        let window =
            |accepted: [u64; 4], throttled| WindowCount { limit: 100, accepted: accepted.into(), throttled };
        let windows = vec![
            window([0, 9, 90, 1], 0),
            window([0, 0, 0, 50], 3),
            window([10, 60, 20, 10], 0),
            window([10, 60, 20, 10], 0),
        ];
        let waits = vec![(1..=10).map(f64::from).map(waited).collect(), vec![], vec![], vec![]];
        let measured = Measurements { windows, throttled: 3, waits };
        assert_eq!((measured.accepted(SYNC), measured.all_accepted()), (129, 350));
        assert_eq!(measured.utilisation(), (0.875, 0.5));
        assert_eq!(measured.ratio(SYNC, CRM), Some(3.0), "the first two windows do not count");
        assert_eq!((measured.share(CRM), Measurements::default().share(CRM)), (Some(0.2), None));
        assert_eq!((measured.wait_s(0, 500), measured.wait_s(0, 990)), (Some(5.0), Some(10.0)));
        assert_eq!((measured.wait_s(1, 500), measured.unserved(0)), (None, 2));
    }
}
