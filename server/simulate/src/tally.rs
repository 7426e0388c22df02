//! What a run granted: net permits by team, caller and window, and each team with all below it.

use crate::events::apply;
use crate::log::offset;
use apportion_core::ids::TeamId;
use apportion_core::scenario::{Change, Record, Scenario};
use apportion_core::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// One change of what a team has been granted.
#[derive(Clone, Copy)]
pub(crate) struct Move {
    /// When.
    pub(crate) at: Timestamp,
    /// In which window.
    pub(crate) window: u32,
    /// The place of the team.
    pub(crate) team: usize,
    /// Permits granted; negative: returned.
    pub(crate) permits: i64,
    /// How long a granted request had waited; `None` for a return.
    pub(crate) waited: Option<Span>,
}

/// Net grants of a run.
pub(crate) struct Tally<'a> {
    /// The scenario.
    pub(crate) scenario: &'a Scenario,
    /// The records, in order of time.
    pub(crate) records: &'a [Record],
    /// Every team that exists at some time, in order of definition.
    pub(crate) teams: Vec<TeamId>,
    /// The place of each team's parent.
    pub(crate) parents: Vec<Option<usize>>,
    /// What was granted and returned, in order of time.
    pub(crate) moves: Vec<Move>,
    places: BTreeMap<TeamId, usize>,
    /// By team and window, the team alone.
    net: Vec<i64>,
    /// By team and window, the team with all below it.
    sums: Vec<i64>,
}

impl<'a> Tally<'a> {
    /// Counts a run.
    pub(crate) fn new(scenario: &'a Scenario, records: &'a [Record]) -> Self {
        let mut policy = scenario.policy.clone();
        for event in &scenario.events {
            if matches!(&event.what, Change::AddTeam(new) if policy.teams.iter().all(|team| team.id != new.id))
            {
                apply(&mut policy, &event.what);
            }
        }
        let teams: Vec<_> = policy.teams.iter().map(|team| team.id.clone()).collect();
        let places: BTreeMap<_, _> = teams.iter().cloned().enumerate().map(|(at, id)| (id, at)).collect();
        let parents = policy.teams.iter().map(|team| places.get(team.parent.as_ref()?).copied()).collect();
        let net = vec![0; teams.len() * index(scenario.windows)];
        let mut tally =
            Self { scenario, records, teams, parents, moves: Vec::new(), places, sums: net.clone(), net };
        for record in records {
            tally.count(record);
        }
        tally
    }

    fn count(&mut self, record: &Record) {
        let (at, team, window, permits, waited) = match record {
            Record::Grant { at, team, window, permits, waited, .. } => {
                (at, team, window, i64::from(*permits), Some(*waited))
            }
            Record::Return { at, team, window, accepted, .. } => {
                (at, team, window, -i64::from(*accepted), None)
            }
            Record::Reject { .. } => return,
        };
        let Some(&team) = self.places.get(team) else { return };
        self.moves.push(Move { at: *at, window: *window, team, permits, waited });
        let cell = team * index(self.scenario.windows) + index(*window);
        if *window < self.scenario.windows {
            self.net[cell] += permits;
            let mut above = Some(team);
            while let Some(at) = above {
                self.sums[at * index(self.scenario.windows) + index(*window)] += permits;
                above = self.parents[at];
            }
        }
    }

    /// The place of a team.
    pub(crate) fn place(&self, team: &str) -> Option<usize> {
        TeamId::new(team).ok().and_then(|id| self.places.get(&id).copied())
    }

    /// Net permits of one team alone in one window.
    pub(crate) fn alone(&self, team: usize, window: u32) -> i64 {
        self.net[team * index(self.scenario.windows) + index(window)]
    }

    /// Net permits of all teams in one window.
    pub(crate) fn total(&self, window: u32) -> i64 {
        (0..self.teams.len()).map(|team| self.alone(team, window)).sum()
    }

    /// Net permits of a team and all below it, in the windows `first ..= last`.
    pub(crate) fn below(&self, root: usize, first: u32, last: u32) -> i64 {
        let start = root * index(self.scenario.windows);
        self.sums[start + index(first)..=start + index(last)].iter().sum()
    }

    /// Whether a team is `root` or below it.
    pub(crate) fn is_below(&self, team: usize, root: usize) -> bool {
        std::iter::successors(Some(team), |&at| self.parents[at]).any(|at| at == root)
    }

    /// Nanoseconds from the start of window 0.
    pub(crate) fn offset_ns(&self, at: Timestamp) -> i128 {
        offset(self.scenario.origin, at)
    }
}

/// A window or a count as a place in a list.
pub(crate) fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// The budget by policy of each window of the primary limit: a change is in force from the next window on.
pub(crate) fn budgets(scenario: &Scenario) -> Vec<i64> {
    let limit = &scenario.policy.limits[scenario.policy.primary_limit()];
    let mut changes: Vec<_> = scenario
        .events
        .iter()
        .filter_map(|event| match &event.what {
            Change::SetBudget { limit: id, permits } if *id == limit.id => {
                Some((event.at, i64::from(*permits)))
            }
            _ => None,
        })
        .collect();
    changes.sort_by_key(|&(at, _)| at);
    let before = |window: u32| {
        let start = offset_of(scenario, window);
        changes.iter().take_while(|&&(at, _)| offset(scenario.origin, at) < start).last()
    };
    let first = i64::from(limit.permits);
    (0..scenario.windows).map(|window| before(window).map_or(first, |&(_, permits)| permits)).collect()
}

/// Where a window of the primary limit starts, in nanoseconds from the start of window 0.
pub(crate) fn offset_of(scenario: &Scenario, window: u32) -> i128 {
    let limit = &scenario.policy.limits[scenario.policy.primary_limit()];
    i128::from(limit.window.as_ns()) * i128::from(window)
}
