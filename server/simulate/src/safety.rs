//! What must hold in every run, whether its scenario says so or not.

use crate::decimal::seconds;
use crate::tally::{Tally, budgets, offset_of};
use apportion_core::policy::LimitPolicy;
use apportion_core::scenario::{Change, Record};
use std::collections::BTreeMap;

/// Each breach of a limit, a cap, a window or a guard, as a sentence.
pub(crate) fn breaches(tally: &Tally<'_>) -> Vec<String> {
    let mut breaches = over_budget(tally);
    breaches.extend(over_longer_limits(tally));
    breaches.extend(over_cap(tally));
    let largest = budgets(tally.scenario).into_iter().max().unwrap_or(0);
    let largest = largest.min(tally.scenario.policy.largest().into());
    breaches.extend(tally.records.iter().filter_map(|record| impossible(tally, record, largest)));
    breaches
}

fn over_budget(tally: &Tally<'_>) -> Vec<String> {
    let mut breaches = Vec::new();
    let at_edges = at_edges(tally);
    for (window, budget) in (0..).zip(budgets(tally.scenario)) {
        let saw = tally.total(window) + at_edges.get(&window).copied().unwrap_or(0);
        if saw > budget {
            breaches.push(format!("window {window}: {saw} granted of {budget}"));
        }
    }
    breaches
}

/// Edge permits count in the window in which they were granted, and here in the other one that they are charged to. Where permits
/// come back it is not known of which leases, and where a budget changes another one may have been in force: nothing there.
fn at_edges(tally: &Tally<'_>) -> BTreeMap<u32, i64> {
    let moves_permits = |what: &Change| matches!(what, Change::Return { .. } | Change::SetBudget { .. });
    let mut charged = BTreeMap::new();
    if tally.scenario.events.iter().any(|event| moves_permits(&event.what)) {
        return charged;
    }
    for record in tally.records {
        let Record::Grant { at, permits, window, edge: true, .. } = record else { continue };
        let into = tally.offset_ns(*at) - offset_of(tally.scenario, *window);
        let other = if into < opens_after(tally) { window.checked_sub(1) } else { window.checked_add(1) };
        if let Some(other) = other {
            *charged.entry(other).or_default() += i64::from(*permits);
        }
    }
    charged
}

/// How long after its first possible start a window of the primary limit opens, in nanoseconds.
fn opens_after(tally: &Tally<'_>) -> i128 {
    let policy = &tally.scenario.policy;
    let limit = &policy.limits[policy.primary_limit()];
    let within = tally.scenario.start_within.get(&limit.id).map_or(0, |within| within.as_ns());
    i128::from(limit.margins.start.as_ns()) + i128::from(within)
}

/// The other limits, each in its own windows. One whose budget changes is left to its events.
fn over_longer_limits(tally: &Tally<'_>) -> Vec<String> {
    let policy = &tally.scenario.policy;
    let changes = |limit: &LimitPolicy| {
        tally
            .scenario
            .events
            .iter()
            .any(|event| matches!(&event.what, Change::SetBudget { limit: id, .. } if *id == limit.id))
    };
    let primary = policy.primary_limit();
    let others =
        policy.limits.iter().enumerate().filter(|(place, limit)| *place != primary && !changes(limit));
    let mut breaches = Vec::new();
    for (_, limit) in others {
        let mut granted: BTreeMap<u64, i64> = BTreeMap::new();
        for moved in &tally.moves {
            let since = moved.at.as_ns().saturating_sub(limit.phase.as_ns());
            *granted.entry(since / limit.window.as_ns()).or_default() += moved.permits;
        }
        for saw in granted.into_values().filter(|&saw| saw > i64::from(limit.permits)) {
            breaches.push(format!("limit {:?}: {saw} granted of {} in one window", limit.id, limit.permits));
        }
    }
    breaches
}

/// Caps of the first policy, where no event changes them.
fn over_cap(tally: &Tally<'_>) -> Vec<String> {
    let mut breaches = Vec::new();
    let changed = |what: &Change, team| match what {
        Change::SetTeam { id, cap: Some(_), .. } | Change::RemoveTeam { id } => id == team,
        _ => false,
    };
    for (place, team) in tally.scenario.policy.teams.iter().enumerate() {
        let Some(cap) = team.cap.map(i64::from) else { continue };
        if tally.scenario.events.iter().any(|event| changed(&event.what, &team.id)) {
            continue;
        }
        for window in 0..tally.scenario.windows {
            let saw = tally.below(place, window, window);
            if saw > cap {
                breaches.push(format!("window {window}: {saw} granted to {:?}, capped at {cap}", team.id));
            }
        }
    }
    breaches
}

fn impossible(tally: &Tally<'_>, record: &Record, largest: i64) -> Option<String> {
    let Record::Grant { at, team, permits, window, edge, .. } = record else { return None };
    let policy = &tally.scenario.policy;
    let limit = &policy.limits[policy.primary_limit()];
    let at_ns = tally.offset_ns(*at);
    let into = at_ns - offset_of(tally.scenario, *window);
    let guard = if *edge { 0 } else { i128::from(limit.margins.guard.as_ns()) };
    let start = if *edge { 0 } else { opens_after(tally) };
    let grant = || format!("{permits} permits to {team:?} at {} s in window {window}", seconds(at_ns));
    if into < start || into > i128::from(limit.window.as_ns()) - guard {
        return Some(format!("granted outside its window or inside its margins: {}", grant()));
    }
    if permits.is_zero() || i64::from(*permits) > largest {
        return Some(format!("an impossible grant: {}", grant()));
    }
    None
}
