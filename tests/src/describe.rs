//! A scenario in a few lines, for whoever reads why a test failed.

use apportion_core::scenario::{Arrivals, Change, Demand, Event, Scenario};
use apportion_core::time::Timestamp;
use std::fmt::Write;

/// How many seeds to run where `usual` is the rule: fewer with `APPORTION_SEEDS` set, for whoever breaks rules on purpose and
/// wants to know soon.
///
/// # Panics
/// Where that is no number.
pub fn seeds(usual: u64) -> u64 {
    match std::env::var("APPORTION_SEEDS") {
        Ok(most) => most.parse::<u64>().expect("APPORTION_SEEDS is a whole number").min(usual),
        Err(_) => usual,
    }
}

/// Runs a check over the seeds below `usual`, or over [`fewer`](seeds).
///
/// # Panics
/// At the first seed that fails, naming it and the scenario.
pub fn hold(usual: u64, make: impl Fn(u64) -> Scenario, check: impl Fn(&Scenario) -> Result<(), String>) {
    for seed in 0..seeds(usual) {
        let scenario = make(seed);
        if let Err(wrong) = check(&scenario) {
            panic!("seed {seed}: {wrong}\n{}", describe(&scenario));
        }
    }
}

/// A scenario in a few lines.
pub fn describe(scenario: &Scenario) -> String {
    let policy = &scenario.policy;
    let mut text = format!(
        "budget {}, {} windows, largest lease {}, holdback {:?}, floors {:?}\n",
        policy.limits[0].permits,
        scenario.windows,
        policy.largest(),
        policy.holdback.0.map(|share| share.billionths() / 10_000_000),
        policy.floors.0.map(|share| share.billionths() / 10_000_000),
    );
    for team in &policy.teams {
        let parent = team.parent.as_ref().map_or("", |parent| parent.as_str());
        let cap = team.cap.map_or(String::new(), |cap| format!(" cap {cap}"));
        let protected = if team.protected { " protected" } else { "" };
        let (id, weight, reservation) = (&team.id, team.weight, team.reservation);
        let (usual, highest) = (team.priority, team.highest_priority);
        let _ = writeln!(
            text,
            "  {parent}/{id} w {weight} r {reservation}{protected}{cap} {usual}, at most {highest}"
        );
    }
    let origin = scenario.origin;
    let demand = scenario.demand.iter().map(|demand| demand_line(origin, demand));
    let events = scenario.events.iter().map(|event| event_line(origin, event));
    text.extend(demand.chain(events));
    text
}

fn ms(origin: Timestamp, at: Timestamp) -> i128 {
    (i128::from(at.as_ns()) - i128::from(origin.as_ns())) / 1_000_000
}

fn demand_line(origin: Timestamp, demand: &Demand) -> String {
    let when = match &demand.shape {
        Arrivals::Backlog { from } => format!("endless from {} ms", ms(origin, *from)),
        Arrivals::Once { count, at } => format!("{count} at {} ms", ms(origin, *at)),
        Arrivals::PerWindow { count, windows } => format!("{count} before {windows:?}"),
        Arrivals::Workers { count, think, from } => {
            format!("{count} workers thinking {think:?} from {} ms", ms(origin, *from))
        }
    };
    let Demand { team, permits, max_wait, tag, .. } = demand;
    let priority = demand.priority.map_or("", |priority| priority.name());
    format!("  {team} {priority} {permits} permits, {when}, max wait {max_wait:?}, {tag:?}\n")
}

fn event_line(origin: Timestamp, event: &Event) -> String {
    let what = match &event.what {
        Change::SetTeam { id, weight, reservation, cap, priority, highest_priority } => {
            let priorities = format!("{priority:?}, at most {highest_priority:?}");
            format!("set team {id}: w {weight:?} r {reservation:?} cap {cap:?} {priorities}")
        }
        Change::SetBudget { permits, .. } => format!("set budget {permits}"),
        Change::Return { team, permits } => format!("{team} returns {permits}"),
        Change::Upstream { remaining, .. } => format!("provider: {remaining:?} left"),
        Change::Cancel { tag } => format!("cancel {tag}"),
        other => format!("{other:?}"),
    };
    format!("  at {} ms: {what}\n", ms(origin, event.at))
}
