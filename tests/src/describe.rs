//! A scenario in a few lines, for the message of a test that fails.

use std::fmt::Write;

use apportion_core::scenario::{Arrivals, Change, Demand, Event, Scenario};
use apportion_core::time::Timestamp;

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
        let (priority, highest) = (team.priority, team.highest_priority);
        let _ = writeln!(
            text,
            "  {parent}/{id} w {weight} r {reservation}{protected}{cap} {priority}, at most {highest}"
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
        Arrivals::Backlog { from } => format!("backlog from {} ms", ms(origin, *from)),
        Arrivals::Once { count, at } => format!("{count} at {} ms", ms(origin, *at)),
        Arrivals::PerWindow { count, windows } => format!("{count} before {windows:?}"),
        Arrivals::Workers { count, think, from } => {
            format!("{count} workers that think for {think:?}, from {} ms", ms(origin, *from))
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
