//! What each team wanted in each window: the permits of the requests that waited at its start or came before its guard.

use crate::tally::{Tally, index};
use apportion_core::scenario::{Arrivals, Change, Demand, Record, Verdict};
use apportion_core::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Permits wanted without bound: a backlog.
pub(crate) const BACKLOG: u64 = u64::MAX;

/// By team and window, in the order of the tally.
pub(crate) struct Wanted {
    permits: Vec<u64>,
    windows: u32,
}

impl Wanted {
    /// What a team alone wanted in a window, in permits; [`BACKLOG`] where there is no bound.
    pub(crate) fn of(&self, team: usize, window: u32) -> u64 {
        self.permits[team * index(self.windows) + index(window)]
    }
}

/// Follows the demand through a run, with what its records say of the answers.
pub(crate) fn wanted(tally: &Tally<'_>) -> Wanted {
    let mut sweep = Sweep::new(tally);
    let scenario = tally.scenario;
    let limit = &scenario.policy.limits[scenario.policy.primary_limit()];
    let mut start = scenario.origin;
    sweep.window = None;
    sweep.until(start);
    for window in 0..scenario.windows {
        let end = start + limit.window;
        sweep.open(window, end - limit.margins.guard);
        sweep.until(end);
        start = end;
    }
    Wanted { permits: sweep.wanted, windows: scenario.windows }
}

struct Sweep<'a> {
    tally: &'a Tally<'a>,
    /// Requests still to come, by instant and demand.
    coming: BTreeMap<(Timestamp, usize), u64>,
    /// Requests without an answer, by demand and arrival.
    waiting: Vec<BTreeMap<Timestamp, u64>>,
    /// The place of each demand's team.
    team: Vec<usize>,
    /// The demands of a team.
    of_team: BTreeMap<usize, Vec<usize>>,
    /// Backlogs that are on.
    backlog: Vec<bool>,
    /// Cancellations and removals still to come, the last first.
    events: Vec<(Timestamp, &'a Change)>,
    /// The next record.
    next: usize,
    /// The current window, if any, and the last instant at which it can serve.
    window: Option<u32>,
    closes: Timestamp,
    wanted: Vec<u64>,
}

impl<'a> Sweep<'a> {
    fn new(tally: &'a Tally<'a>) -> Self {
        let scenario = tally.scenario;
        let demands = &scenario.demand;
        let team: Vec<_> =
            demands.iter().map(|demand| tally.place(demand.team.as_str()).unwrap_or(0)).collect();
        let mut of_team: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (demand, &team) in team.iter().enumerate() {
            of_team.entry(team).or_default().push(demand);
        }
        let mut events: Vec<_> = scenario.events.iter().map(|event| (event.at, &event.what)).collect();
        events.sort_by_key(|&(at, _)| at);
        events.reverse();
        Self {
            tally,
            coming: demands
                .iter()
                .enumerate()
                .flat_map(|(place, demand)| arrivals(tally, place, demand))
                .collect(),
            waiting: vec![BTreeMap::new(); demands.len()],
            team,
            of_team,
            backlog: vec![false; demands.len()],
            events,
            next: 0,
            window: None,
            closes: Timestamp::ZERO,
            wanted: vec![0; tally.teams.len() * index(scenario.windows)],
        }
    }

    fn demand(&self, place: usize) -> &'a Demand {
        &self.tally.scenario.demand[place]
    }

    /// A window opens: what waits is wanted in it.
    fn open(&mut self, window: u32, closes: Timestamp) {
        (self.window, self.closes) = (Some(window), closes);
        for place in 0..self.waiting.len() {
            let count = self.waiting[place].values().sum();
            self.want(place, count);
        }
    }

    /// Adds what one demand wants to the current window.
    fn want(&mut self, place: usize, count: u64) {
        let Some(window) = self.window else { return };
        let cell = self.team[place] * index(self.tally.scenario.windows) + index(window);
        let permits =
            if self.backlog[place] { BACKLOG } else { count * u64::from(self.demand(place).permits) };
        self.wanted[cell] = self.wanted[cell].saturating_add(permits);
    }

    /// Plays everything before `end`: events, then arrivals, then answers.
    fn until(&mut self, end: Timestamp) {
        loop {
            let event = self.events.last().map_or(Timestamp::MAX, |&(at, _)| at);
            let arrival = self.coming.first_key_value().map_or(Timestamp::MAX, |(&(at, _), _)| at);
            let answer = self.tally.records.get(self.next).map_or(Timestamp::MAX, at);
            if event.min(arrival).min(answer) >= end {
                return;
            }
            if event <= arrival && event <= answer {
                self.happen();
            } else if arrival <= answer {
                self.arrive();
            } else {
                self.answer();
            }
        }
    }

    fn happen(&mut self) {
        let Some((_, change)) = self.events.pop() else { return };
        let demands = &self.tally.scenario.demand;
        for (place, demand) in demands.iter().enumerate() {
            let ends = match change {
                Change::Cancel { tag } => demand.tag.as_ref() == Some(tag),
                Change::RemoveTeam { id } => demand.team == *id,
                _ => return,
            };
            if ends {
                self.waiting[place].clear();
                self.backlog[place] = false;
            }
        }
    }

    fn arrive(&mut self) {
        let Some(((at, place), count)) = self.coming.pop_first() else { return };
        if matches!(self.demand(place).shape, Arrivals::Backlog { .. }) {
            self.backlog[place] = true;
        } else {
            *self.waiting[place].entry(at).or_default() += count;
        }
        if at <= self.closes {
            self.want(place, count);
        }
    }

    fn answer(&mut self) {
        let record = &self.tally.records[self.next];
        self.next += 1;
        let Some((team, caller)) = asker(record) else { return };
        let mine = self.tally.place(team).and_then(|team| self.of_team.get(&team));
        let places = mine.into_iter().flatten().copied();
        let found = places.filter(|&place| self.demand(place).caller.as_str() == caller).find_map(|place| {
            let arrived = arrived(record, self.demand(place))?;
            let stream = matches!(self.demand(place).shape, Arrivals::Backlog { .. });
            (stream || self.waiting[place].contains_key(&arrived)).then_some((place, arrived))
        });
        let Some((place, arrived)) = found else { return };
        let invalid = matches!(record, Record::Reject { reason: Verdict::Invalid, .. });
        if let Some(count) = self.waiting[place].get_mut(&arrived) {
            *count -= 1;
            if *count == 0 {
                self.waiting[place].remove(&arrived);
            }
        } else if invalid {
            self.backlog[place] = false;
        }
        if let (Record::Grant { at, .. }, Arrivals::Workers { think, .. }) =
            (record, &self.demand(place).shape)
        {
            *self.coming.entry((*at + *think, place)).or_default() += 1;
        }
    }
}

fn at(record: &Record) -> Timestamp {
    match record {
        Record::Grant { at, .. } | Record::Reject { at, .. } | Record::Return { at, .. } => *at,
    }
}

fn asker(record: &Record) -> Option<(&str, &str)> {
    match record {
        Record::Grant { team, caller, .. } | Record::Reject { team, caller, .. } => {
            Some((team.as_str(), caller.as_str()))
        }
        Record::Return { .. } => None,
    }
}

/// When the request behind an answer came, if it can be one of this demand.
fn arrived(record: &Record, demand: &Demand) -> Option<Timestamp> {
    match record {
        Record::Grant { at, permits, waited, tag, .. } => {
            let fits = (demand.min_permits..=demand.permits).contains(permits);
            (fits && *tag == demand.tag).then_some(*at - *waited)
        }
        Record::Reject { at, permits, reason, tag, .. } => {
            let waited = if *reason == Verdict::Expired { demand.max_wait? } else { Span::ZERO };
            (*permits == demand.permits && *tag == demand.tag).then_some(*at - waited)
        }
        Record::Return { .. } => None,
    }
}

/// When the requests of a demand come, as far as that does not hang on grants.
fn arrivals(tally: &Tally<'_>, place: usize, demand: &Demand) -> Vec<((Timestamp, usize), u64)> {
    let scenario = tally.scenario;
    let window = scenario.policy.limits[scenario.policy.primary_limit()].window;
    let before = |k: u32| {
        let start = scenario.origin + Span::from_ns(window.as_ns().saturating_mul(k.into()));
        start - Span::from_ms(1)
    };
    match &demand.shape {
        Arrivals::Backlog { from } => vec![((*from, place), 1)],
        Arrivals::Once { count, at } => vec![((*at, place), u64::from(*count))],
        Arrivals::Workers { count, from, .. } => vec![((*from, place), u64::from(*count))],
        Arrivals::PerWindow { count, windows } => {
            let all = windows.clone().unwrap_or_else(|| (0..scenario.windows).collect());
            all.into_iter().map(|k| ((before(k), place), u64::from(*count))).collect()
        }
    }
}
