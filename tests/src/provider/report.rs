//! What a provider counted, as it is reported: windows, teams, and which response first showed a change.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::rules::{Change, Rules};

/// Most teams that are counted by name in one window; further ones are counted under [`OTHER_TEAMS`].
pub const TEAMS_MAX: usize = 64;
/// Most characters of a team's name that are kept.
pub const TEAM_CHARS_MAX: usize = 64;
/// The name under which teams beyond [`TEAMS_MAX`] are counted together.
pub const OTHER_TEAMS: &str = "*";
/// The name of requests that name no team.
pub const NAMELESS: &str = "-";

/// Why a request was throttled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The window's limit is reached.
    Limit,
    /// Too many jobs of this kind are pending; the window is not exhausted by it.
    JobCap,
    /// All requests are refused for a while, after too many above the limit.
    Locked,
    /// The test forces it.
    Forced,
}

/// Arrivals and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Requests whose head was read; accepted and throttled ones together.
    pub arrivals: u64,
    /// Those that were accepted.
    pub accepted: u64,
    /// Those that were answered with 429, for whatever cause.
    pub throttled: u64,
    /// Throttled because the window's limit was reached.
    pub by_limit: u64,
    /// Throttled because too many jobs were pending.
    pub by_job_cap: u64,
    /// Throttled by a lock-out.
    pub by_lock: u64,
    /// Throttled because the test forced it.
    pub by_force: u64,
    /// Arrivals while nothing was left of the window, whatever the response.
    pub over_limit: u64,
}

impl Tally {
    /// Counts one arrival.
    pub fn count(&mut self, cause: Option<Cause>, is_over: bool) {
        self.arrivals += 1;
        self.over_limit += u64::from(is_over);
        match cause {
            None => self.accepted += 1,
            Some(_) => self.throttled += 1,
        }
        match cause {
            None => {}
            Some(Cause::Limit) => self.by_limit += 1,
            Some(Cause::JobCap) => self.by_job_cap += 1,
            Some(Cause::Locked) => self.by_lock += 1,
            Some(Cause::Forced) => self.by_force += 1,
        }
    }
}

/// Tallies by team, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Teams(pub BTreeMap<String, Tally>);

impl Teams {
    /// The tally of a team.
    pub fn tally(&self, team: &str) -> Tally {
        self.0.get(team).copied().unwrap_or_default()
    }

    /// The accepted requests of a team.
    pub fn accepted(&self, team: &str) -> u64 {
        self.tally(team).accepted
    }

    /// Counts one arrival of a team.
    pub fn count(&mut self, team: &str, cause: Option<Cause>, is_over: bool) {
        let is_known = self.0.contains_key(team) || self.0.len() < TEAMS_MAX;
        let team = if is_known { team } else { OTHER_TEAMS };
        if !self.0.contains_key(team) {
            self.0.insert(team.into(), Tally::default());
        }
        if let Some(tally) = self.0.get_mut(team) {
            tally.count(cause, is_over);
        }
    }
}

/// One window of the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Its start, in nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// Its end, in nanoseconds since the Unix epoch; early if a new phase cut it short.
    pub end_ns: u64,
    /// The last limit.
    pub limit: u64,
    /// What counts against the limit: requests of the tests, of the other consumer, and what was carried.
    pub counted: u64,
    /// What arrived in this span under a former phase, and is counted again.
    pub carried: u64,
    /// Requests of the other consumer that were accepted.
    pub external: u64,
    /// Requests of the other consumer that were throttled.
    pub external_throttled: u64,
    /// Arrivals, without those of the other consumer.
    pub tally: Tally,
    /// The same by team, as named in the header `X-Team`.
    pub teams: Teams,
    /// The first arrival, in nanoseconds since the Unix epoch.
    pub first_arrival_ns: Option<u64>,
    /// The last arrival, in nanoseconds since the Unix epoch.
    pub last_arrival_ns: Option<u64>,
}

impl Window {
    /// What is left of the limit.
    pub fn left(&self) -> u64 {
        self.limit.saturating_sub(self.counted)
    }
}

/// A change of the rules, and which response first showed it.
///
/// A new limit or phase shows in every response, external use in the first response after it was counted, forced throttling in
/// the first response that is throttled by it. Other changes show in no response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// Its number, from 1 on.
    pub number: u64,
    /// When it took effect, in nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// What changed.
    pub change: Change,
    /// When the first response that shows it was sent, in nanoseconds since the Unix epoch.
    pub first_shown_ns: Option<u64>,
    /// Arrivals from the change to that response, or to the next change.
    pub before_shown: Tally,
    /// Arrivals after that response, up to the next change.
    pub after_shown: Tally,
}

/// All that a provider counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// When it was made, in nanoseconds since the Unix epoch.
    pub now_ns: u64,
    /// The rules in force.
    pub rules: Rules,
    /// Arrivals since the start.
    pub total: Tally,
    /// The same by team.
    pub teams: Teams,
    /// Responses that were sent.
    pub answered: u64,
    /// Requests of the other consumer that were accepted since the start.
    pub external: u64,
    /// Requests of the other consumer that were throttled since the start.
    pub external_throttled: u64,
    /// The end of the last lock-out, in nanoseconds since the Unix epoch; 0 if there was none.
    pub locked_until_ns: u64,
    /// How often the clock went back; it counts as standing still then.
    pub clock_went_back: u64,
    /// The open window.
    pub open: Window,
    /// Closed windows, oldest first, empty ones included.
    pub windows: VecDeque<Window>,
    /// How many older windows are no longer kept.
    pub windows_forgotten: u64,
    /// Changes, oldest first.
    pub revisions: VecDeque<Revision>,
    /// How many older changes are no longer kept.
    pub revisions_forgotten: u64,
}
