//! The exact share of each team in each window, from the top of the tree down: what the run is measured against.

use crate::events::apply;
use crate::tally::{Tally, budgets, index, offset_of};
use crate::wanted::{BACKLOG, Wanted};
use crate::waterfill::{PERMIT, Part, divide};
use apportion_core::policy::{Policy, TeamPolicy};
use apportion_core::scenario::{Change, Event};

/// What the windows held, and how it divides.
pub(crate) struct Shares {
    /// The permits of each window: its budget, or what the provider left of it.
    pub(crate) capacity: Vec<u64>,
    /// By team and window, in 2^-32 of a permit.
    exact: Vec<u128>,
    windows: u32,
}

impl Shares {
    /// The exact share of a team with all below it, in 2^-32 of a permit.
    pub(crate) fn of(&self, team: usize, window: u32) -> u128 {
        self.exact[team * index(self.windows) + index(window)]
    }
}

/// Divides every window with the settings in force at its start.
pub(crate) fn shares(tally: &Tally<'_>, wanted: &Wanted) -> Shares {
    let scenario = tally.scenario;
    let capacity = capacities(tally);
    let mut exact = vec![0; tally.teams.len() * index(scenario.windows)];
    let mut events: Vec<_> = scenario.events.iter().collect();
    events.sort_by_key(|event| event.at);
    let mut events = events.into_iter().peekable();
    let mut policy = scenario.policy.clone();
    let mut tree = Tree::new(tally, &policy);
    for window in 0..scenario.windows {
        let due = |event: &&Event| tally.offset_ns(event.at) <= offset_of(scenario, window);
        while let Some(event) = events.next_if(due) {
            apply(&mut policy, &event.what);
            tree = Tree::new(tally, &policy);
        }
        for (team, share) in tree.divide(capacity[index(window)], |team| wanted.of(team, window)) {
            exact[team * index(scenario.windows) + index(window)] = share;
        }
    }
    Shares { capacity, exact, windows: scenario.windows }
}

/// The budget of each window, less what the provider reports as used.
fn capacities(tally: &Tally<'_>) -> Vec<u64> {
    let scenario = tally.scenario;
    let primary = &scenario.policy.limits[scenario.policy.primary_limit()];
    let mut capacity: Vec<_> =
        budgets(scenario).into_iter().map(|budget| u64::try_from(budget).unwrap_or(0)).collect();
    for event in &scenario.events {
        let Change::Upstream { limit, remaining, throttled, .. } = &event.what else { continue };
        let left = if *throttled { Some(0) } else { remaining.map(u64::from) };
        let window = tally.offset_ns(event.at) / i128::from(primary.window.as_ns());
        let (Some(left), Ok(window)) = (left, u32::try_from(window)) else { continue };
        if *limit != primary.id || event.at < scenario.origin {
            continue;
        }
        let before = tally.moves.iter().filter(|moved| moved.window == window && moved.at < event.at);
        let granted = before.map(|moved| u64::try_from(moved.permits).unwrap_or(0)).sum::<u64>();
        let cell = &mut capacity[index(window)];
        *cell = (*cell).min(granted.saturating_add(left));
    }
    capacity
}

/// The teams of a policy by their places in a tally.
struct Tree {
    teams: Vec<Option<TeamPolicy>>,
    parts: Vec<Vec<usize>>,
    roots: Vec<usize>,
}

impl Tree {
    fn new(tally: &Tally<'_>, policy: &Policy) -> Self {
        let mut teams = vec![None; tally.teams.len()];
        for team in &policy.teams {
            if let Some(place) = tally.place(team.id.as_str()) {
                teams[place] = Some(team.clone());
            }
        }
        let (mut parts, mut roots) = (vec![Vec::new(); teams.len()], Vec::new());
        for place in (0..teams.len()).filter(|&place| teams[place].is_some()) {
            match tally.parents[place] {
                Some(parent) => parts[parent].push(place),
                None => roots.push(place),
            }
        }
        Self { teams, parts, roots }
    }

    /// The share of every team, in 2^-32 of a permit.
    fn divide(&self, permits: u64, wanted: impl Fn(usize) -> u64) -> Vec<(usize, u128)> {
        let reserved = self.roots.iter().map(|&root| self.reserved(root)).sum::<u64>().max(permits).max(1);
        let scale = (u128::from(permits), u128::from(reserved));
        let mut ranges = vec![(0, 0); self.teams.len()];
        for &root in &self.roots {
            self.range(root, &wanted, scale, &mut ranges);
        }
        let (mut shares, mut open) = (Vec::new(), vec![(self.roots.clone(), u128::from(permits) * PERMIT)]);
        while let Some((group, amount)) = open.pop() {
            let part = |&place: &usize| {
                let weight = self.teams[place].as_ref().map_or(1, |team| team.weight);
                Part { weight, low: ranges[place].0, high: ranges[place].1 }
            };
            let parts: Vec<_> = group.iter().map(part).collect();
            for (place, share) in group.into_iter().zip(divide(amount, &parts)) {
                shares.push((place, share));
                if !self.parts[place].is_empty() {
                    open.push((self.parts[place].clone(), share));
                }
            }
        }
        shares
    }

    fn reserved(&self, place: usize) -> u64 {
        let own = self.teams[place].as_ref().map_or(0, |team| u64::from(team.reservation));
        own.max(self.parts[place].iter().map(|&part| self.reserved(part)).sum())
    }

    /// From the guaranteed part of a team to the most that it wants or may have. Reservations above the budget are scaled.
    fn range(
        &self,
        place: usize,
        wanted: &impl Fn(usize) -> u64,
        (permits, reserved): (u128, u128),
        ranges: &mut [(u128, u128)],
    ) -> (u128, u128) {
        let Some(team) = &self.teams[place] else { return (0, 0) };
        let (mut low, mut high) = (0, 0);
        for &part in &self.parts[place] {
            let (part_low, part_high) = self.range(part, wanted, (permits, reserved), ranges);
            (low, high) = (low + part_low, high + part_high);
        }
        let alone = wanted(place);
        let most = permits * PERMIT;
        high += if alone == BACKLOG { most } else { u128::from(alone) * PERMIT };
        high = high.min(most).min(team.cap.map_or(u128::MAX, |cap| u128::from(cap.get()) * PERMIT));
        let own = u128::from(team.reservation.get()) * PERMIT * permits / reserved;
        low = low.max(own).min(high);
        ranges[place] = (low, high);
        (low, high)
    }
}
