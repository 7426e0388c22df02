//! What a half came to, in figures: by the provider's own count, and the waits that the services saw.

use super::half::Half;
use super::plan::{CAST, CRM, Plan, SYNC, TEAMS};

/// The first window whose parts are held against the weights, counted from 0: in the first two, what each will want is not known yet.
const FIRST_FAIR_WINDOW: usize = 2;

/// One window by the provider's count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The limit.
    pub limit: u64,
    /// Requests that got through, by team.
    pub through: [u64; TEAMS],
    /// Requests that were answered with 429.
    pub throttled: u64,
}

/// How long one request waited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wait {
    /// When it was wanted, in seconds since the first window began.
    pub at_s: f64,
    /// How long it waited, in seconds.
    pub waited_s: f64,
    /// Whether it got through in the end.
    pub through: bool,
}

/// The figures of one half.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Each window.
    pub windows: Vec<Counted>,
    /// Requests that were throttled since the provider's start.
    pub throttled: u64,
    /// Waits by team, the shortest first. What never got through waited until the end, at least.
    pub waits: [Vec<Wait>; TEAMS],
}

impl Figures {
    /// The figures of a half that was played.
    pub fn of(plan: &Plan, half: &Half) -> Self {
        let windows = half.windows(plan).map(|window| Counted {
            limit: window.limit,
            through: CAST.map(|role| window.teams.0.get(role.team).map_or(0, |tally| tally.accepted)),
            throttled: window.tally.throttled,
        });
        let waits = half.notes.each_ref().map(|notes| {
            let waits = notes.iter().map(|note| Wait {
                at_s: note.wanted_ns.saturating_sub(half.start_ns) as f64 / 1e9,
                waited_s: note.waited_us as f64 / 1e6,
                through: note.through,
            });
            let mut waits: Vec<_> = waits.collect();
            waits.sort_by(|a, b| a.waited_s.total_cmp(&b.waited_s));
            waits
        });
        let total = half.report.total;
        Self { windows: windows.collect(), throttled: total.throttled.max(total.over_limit), waits }
    }

    /// Requests of a team that got through.
    pub fn through(&self, role: usize) -> u64 {
        self.windows.iter().map(|window| window.through[role]).sum()
    }

    /// Requests that got through.
    pub fn all_through(&self) -> u64 {
        (0..TEAMS).map(|role| self.through(role)).sum()
    }

    /// The part of the limits that got through, over all windows; the nearest to nothing of each window beside it.
    pub fn utilisation(&self) -> (f64, f64) {
        let of = |window: &Counted| window.through.iter().sum::<u64>() as f64 / window.limit as f64;
        let limits: u64 = self.windows.iter().map(|window| window.limit).sum();
        let least = self.windows.iter().map(of).fold(1.0, f64::min);
        (self.all_through() as f64 / limits.max(1) as f64, least)
    }

    /// The wait that so many of a thousand requests of a team did not exceed, in seconds; none where it had none.
    pub fn wait_s(&self, role: usize, per_mille: usize) -> Option<f64> {
        let waits = &self.waits[role];
        let rank = (waits.len() * per_mille).div_ceil(1000).max(1);
        waits.get(rank - 1).map(|wait| wait.waited_s)
    }

    /// Requests of a team that did not get through before the end.
    pub fn in_vain(&self, role: usize) -> usize {
        self.waits[role].iter().filter(|wait| !wait.through).count()
    }

    /// How many requests of the synchronisation got through for each of the CRM, over the windows whose parts are fair; none where
    /// there is no such window.
    pub fn sync_for_each_crm(&self) -> Option<f64> {
        let fair = self.windows.get(FIRST_FAIR_WINDOW..).filter(|fair| !fair.is_empty())?;
        let of = |role: usize| fair.iter().map(|window| window.through[role]).sum::<u64>() as f64;
        Some(of(SYNC) / of(CRM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waited(waited_s: f64) -> Wait {
        Wait { at_s: 0.0, waited_s, through: waited_s < 9.0 }
    }

    #[test]
    fn figures_are_those_of_the_counts() {
        let window = |through, throttled| Counted { limit: 100, through, throttled };
        let windows = vec![
            window([0, 9, 90, 1], 0),
            window([0, 0, 0, 50], 3),
            window([10, 60, 20, 10], 0),
            window([10, 60, 20, 10], 0),
        ];
        let waits = [(1..=10).map(f64::from).map(waited).collect(), vec![], vec![], vec![]];
        let figures = Figures { windows, throttled: 3, waits };
        assert_eq!((figures.through(SYNC), figures.all_through()), (129, 350));
        assert_eq!(figures.utilisation(), (0.875, 0.5));
        assert_eq!(figures.sync_for_each_crm(), Some(3.0), "the first two windows do not count");
        assert_eq!(Figures::default().sync_for_each_crm(), None);
        assert_eq!((figures.wait_s(0, 500), figures.wait_s(0, 990)), (Some(5.0), Some(10.0)));
        assert_eq!((figures.wait_s(1, 500), figures.in_vain(0)), (None, 2));
    }
}
