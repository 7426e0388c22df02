//! What no window, no cap and no instant may see. Walks through a log beside the scenario's own events.

use super::at;
use apportion_core::ids::TeamId;
use apportion_core::scenario::{Change, Event, Record, Scenario};
use apportion_core::time::{Span, Timestamp};

/// Every grant lies in its own window, before the guard, and only once the first window has begun.
///
/// # Errors
/// The first grant that does not.
pub fn only_while_open(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    let limit = &scenario.policy.limits[0];
    for record in log {
        let Record::Grant { at, window, .. } = record else { continue };
        let start = scenario.origin + Span::from_ns(limit.window.as_ns() * u64::from(*window));
        let opens = start + limit.margins.start;
        let closes = (start + limit.window) - limit.margins.guard;
        if *window >= scenario.windows || *at < opens || *at > closes {
            return Err(format!("granted while closed: {record:?}"));
        }
    }
    Ok(())
}

/// No window's net grants exceed its budget, nor what the provider said is left of it.
///
/// # Errors
/// The first grant that does.
pub fn never_above_the_budget(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    walk(scenario, log, |state, _, n| match state.left - n {
        left if left < 0 => Err(format!("{} permits above the budget", -left)),
        _ => Ok(()),
    })
}

/// No grant takes a team on its path above the cap in force.
///
/// # Errors
/// The first grant that does.
pub fn caps_kept(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    walk(scenario, log, |state, leaf, n| {
        for &team in &state.paths[leaf] {
            let granted = state.granted[team] + n;
            if state.caps[team].is_some_and(|cap| granted > cap) {
                return Err(format!("team {team} above its cap: {granted} of {:?}", state.caps[team]));
            }
        }
        Ok(())
    })
}

/// A window as the log and the scenario's events describe it. Teams are named by their place in the policy.
struct State<'a> {
    scenario: &'a Scenario,
    window: Option<u32>,
    left: i64,
    next_budget: i64,
    granted: Vec<i64>,
    caps: Vec<Option<i64>>,
    paths: Vec<Vec<usize>>,
}

/// Asks about every grant just before it is booked.
fn walk(
    scenario: &Scenario,
    log: &[Record],
    ask: impl Fn(&State<'_>, usize, i64) -> Result<(), String>,
) -> Result<(), String> {
    let mut events: Vec<&Event> = scenario.events.iter().collect();
    events.sort_by_key(|event| event.at);
    let mut events = events.into_iter().peekable();
    let mut state = State::new(scenario);
    for record in log {
        match record {
            Record::Grant { at, team, permits, .. } => {
                while let Some(event) = events.next_if(|event| event.at <= *at) {
                    state.apply(event);
                }
                state.roll_to(*at);
                let (leaf, n) = (state.place(team), i64::from(permits.get()));
                ask(&state, leaf, n).map_err(|wrong| format!("{wrong}, by {record:?}"))?;
                state.book(leaf, n);
            }
            Record::Return { team, accepted, .. } => {
                for event in events.by_ref() {
                    state.apply(event);
                    if matches!(event.what, Change::Return { .. }) {
                        break;
                    }
                }
                state.roll_to(at(record));
                state.book(state.place(team), -i64::from(accepted.get()));
            }
            Record::Reject { .. } => {}
        }
    }
    Ok(())
}

impl<'a> State<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let teams = &scenario.policy.teams;
        let place = |id: &TeamId| teams.iter().position(|team| &team.id == id);
        let parent = |team: &usize| teams[*team].parent.as_ref().and_then(place);
        Self {
            scenario,
            window: None,
            left: 0,
            next_budget: i64::from(scenario.policy.limits[0].permits.get()),
            granted: vec![0; teams.len()],
            caps: teams.iter().map(|team| team.cap.map(|cap| i64::from(cap.get()))).collect(),
            paths: (0..teams.len()).map(|team| std::iter::successors(Some(team), parent).collect()).collect(),
        }
    }

    fn place(&self, team: &TeamId) -> usize {
        let teams = &self.scenario.policy.teams;
        teams.iter().position(|other| &other.id == team).expect("records name teams of the policy")
    }

    fn roll_to(&mut self, at: Timestamp) {
        if at < self.scenario.origin {
            return;
        }
        let passed = at.since(self.scenario.origin).as_ns() / self.scenario.policy.limits[0].window.as_ns();
        let window = Some(u32::try_from(passed).expect("windows are few"));
        if self.window != window {
            self.window = window;
            self.left = self.next_budget;
            self.granted.fill(0);
        }
    }

    fn apply(&mut self, event: &Event) {
        self.roll_to(event.at);
        match &event.what {
            Change::SetBudget { permits, .. } => self.next_budget = i64::from(permits.get()),
            Change::Upstream { remaining: Some(remaining), .. } => {
                self.left = self.left.min(i64::from(remaining.get()));
            }
            Change::SetTeam { id, cap: Some(cap), .. } => {
                let team = self.place(id);
                self.caps[team] = cap.map(|cap| i64::from(cap.get()));
            }
            _ => {}
        }
    }

    fn book(&mut self, leaf: usize, n: i64) {
        self.left -= n;
        for &team in &self.paths[leaf] {
            self.granted[team] += n;
        }
    }
}
