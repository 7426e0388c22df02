//! What is charged to which window and team: walks through a log beside the scenario's own events. A grant near a boundary is charged
//! to both windows in which a request may be counted.

use std::collections::{BTreeMap, VecDeque};

use apportion_core::ids::TeamId;
use apportion_core::scenario::{Change, Event, Record, Scenario};
use apportion_core::time::{Span, Timestamp};

use super::record::at;

/// The time from a window's first possible start to its opening: to its last possible start, and the start margin.
pub(super) fn opens_after(scenario: &Scenario) -> Span {
    let limit = &scenario.policy.limits[0];
    let within = scenario.start_within.get(&limit.id).copied().unwrap_or(Span::ZERO);
    limit.margins.start + within
}

/// The first possible start of a window.
pub(super) fn start_of(scenario: &Scenario, window: u32) -> Timestamp {
    scenario.origin + Span::from_ns(scenario.policy.limits[0].window.as_ns() * u64::from(window))
}

/// What is charged to one window.
#[derive(Clone)]
pub(super) struct Charged {
    pub(super) permits: i64,
    pub(super) granted: Vec<i64>,
}

/// A lease whose permits may come back.
struct Held {
    left: i64,
    granted_at: Timestamp,
    edge: bool,
}

/// The window that opened last, as the log and the scenario's events describe it. A team is its place in the policy.
pub(super) struct Charges<'a> {
    scenario: &'a Scenario,
    /// How many windows have opened.
    opened: u32,
    pub(super) budget: i64,
    pub(super) next_budget: i64,
    pub(super) this: Charged,
    pub(super) next: Charged,
    /// Leases by team, oldest first, of the window by the clock, and which one that is.
    held: BTreeMap<usize, VecDeque<Held>>,
    by_clock: Option<u64>,
    pub(super) caps: Vec<Option<i64>>,
    pub(super) paths: Vec<Vec<usize>>,
}

/// Calls `check` for every grant just before it is charged.
pub(super) fn walk(
    scenario: &Scenario,
    log: &[Record],
    check: impl Fn(&Charges<'_>, usize, i64, bool) -> Result<(), String>,
) -> Result<(), String> {
    let mut events: Vec<&Event> = scenario.events.iter().collect();
    events.sort_by_key(|event| event.at);
    let mut events = events.into_iter().peekable();
    let mut charges = Charges::new(scenario);
    for record in log {
        match record {
            Record::Grant { at, team, permits, edge, .. } => {
                while let Some(event) = events.next_if(|event| event.at <= *at) {
                    charges.apply(event);
                }
                charges.roll_to(*at);
                let (leaf, n) = (charges.place(team), i64::from(permits.get()));
                check(&charges, leaf, n, *edge).map_err(|failure| format!("{failure}, by {record:?}"))?;
                charges.charge(leaf, n, *edge);
                let held = Held { left: n, granted_at: *at, edge: *edge };
                charges.held.entry(leaf).or_default().push_back(held);
            }
            Record::Return { team, permits, accepted, .. } => {
                for event in events.by_ref() {
                    charges.apply(event);
                    if matches!(event.what, Change::Return { .. }) {
                        break;
                    }
                }
                charges.roll_to(at(record));
                let (offered, accepted) = (i64::from(permits.get()), i64::from(accepted.get()));
                let leaf = charges.place(team);
                if charges.take_back(leaf, offered) != accepted {
                    return Err(format!("another number of permits came back: {record:?}"));
                }
            }
            Record::Reject { .. } => {}
        }
    }
    Ok(())
}

impl<'a> Charges<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let teams = &scenario.policy.teams;
        let place = |id: &TeamId| teams.iter().position(|team| &team.id == id);
        let parent = |team: &usize| teams[*team].parent.as_ref().and_then(place);
        let none = Charged { permits: 0, granted: vec![0; teams.len()] };
        Self {
            scenario,
            opened: 0,
            budget: 0,
            next_budget: i64::from(scenario.policy.limits[0].permits.get()),
            this: none.clone(),
            next: none,
            held: BTreeMap::new(),
            by_clock: None,
            caps: teams.iter().map(|team| team.cap.map(|cap| i64::from(cap.get()))).collect(),
            paths: (0..teams.len()).map(|team| std::iter::successors(Some(team), parent).collect()).collect(),
        }
    }

    fn place(&self, team: &TeamId) -> usize {
        let teams = &self.scenario.policy.teams;
        teams.iter().position(|other| &other.id == team).expect("records name teams of the policy")
    }

    fn roll_to(&mut self, at: Timestamp) {
        while self.opened_at(self.opened) <= at {
            self.opened += 1;
            self.budget = self.next_budget;
            let none = Charged { permits: 0, granted: vec![0; self.paths.len()] };
            self.this = std::mem::replace(&mut self.next, none);
        }
        let origin = self.scenario.origin;
        let length = self.scenario.policy.limits[0].window.as_ns();
        let by_clock = (at >= origin).then(|| at.since(origin).as_ns() / length);
        if self.by_clock != by_clock {
            self.by_clock = by_clock;
            self.held.clear(); // leases end with their window, as the format has it
        }
    }

    fn opened_at(&self, window: u32) -> Timestamp {
        start_of(self.scenario, window) + opens_after(self.scenario)
    }

    fn apply(&mut self, event: &Event) {
        self.roll_to(event.at);
        match &event.what {
            Change::SetBudget { permits, .. } => self.next_budget = i64::from(permits.get()),
            Change::Upstream { remaining: Some(remaining), .. } => {
                self.budget = self.budget.min(self.this.permits + i64::from(remaining.get()));
            }
            Change::SetTeam { id, cap: Some(cap), .. } => {
                let team = self.place(id);
                self.caps[team] = cap.map(|cap| i64::from(cap.get()));
            }
            _ => {}
        }
    }

    fn charge(&mut self, leaf: usize, n: i64, edge: bool) {
        for charged in [Some(&mut self.this), edge.then_some(&mut self.next)].into_iter().flatten() {
            charged.permits += n;
            for &team in &self.paths[leaf] {
                charged.granted[team] += n;
            }
        }
    }

    /// How many permits of the oldest leases of a team can come back: none of those granted before the window opened.
    fn take_back(&mut self, leaf: usize, offered: i64) -> i64 {
        let opened = if self.opened == 0 { Timestamp::ZERO } else { self.opened_at(self.opened - 1) };
        let (mut held, mut left) = (self.held.remove(&leaf).unwrap_or_default(), offered);
        while let Some(lease) = held.front_mut().filter(|_| left > 0) {
            let n = lease.left.min(left);
            lease.left -= n;
            if lease.granted_at >= opened {
                left -= n;
                self.charge(leaf, -n, lease.edge);
            }
            if lease.left == 0 {
                held.pop_front();
            }
        }
        self.held.insert(leaf, held);
        offered - left
    }
}
