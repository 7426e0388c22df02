//! Who is answered when: records in order of time, first come first served inside a team and priority, no answer twice, none too
//! late.

use std::collections::BTreeMap;

use apportion_core::ids::TeamId;
use apportion_core::scenario::{Arrivals, Change, Demand, Record, Scenario};
use apportion_core::time::{Span, Timestamp};

use super::record::{at, is_part_of};

/// How long before the start of a window its requests arrive.
const BEFORE_START: Span = Span::from_ms(1);

/// Records stand in order of time.
///
/// # Errors
/// The first that does not.
pub fn in_order_of_time(log: &[Record]) -> Result<(), String> {
    match log.windows(2).find(|pair| at(&pair[0]) > at(&pair[1])) {
        Some(pair) => Err(format!("out of order: {pair:?}")),
        None => Ok(()),
    }
}

/// Inside a team and priority grants come in the order of arrival; at one instant, in the order of the scenario. Where a change of
/// priorities moves waiting requests, the order starts again.
///
/// # Errors
/// The first grant that overtakes another.
pub fn first_come_first_served(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    let mut last: BTreeMap<(&TeamId, usize), (Timestamp, usize)> = BTreeMap::new();
    let mut moves = moves(scenario).into_iter().peekable();
    for record in log {
        while let Some((_, moved)) = moves.next_if(|(moved, _)| *moved <= at(record)) {
            last.retain(|(team, _), _| !is_part_of(&scenario.policy, team, moved));
        }
        let Record::Grant { at, team, priority, waited, tag, .. } = record else { continue };
        let arrived = *at - *waited;
        let key = (team, priority.index());
        let place = listed_at(scenario, team, tag.as_deref(), arrived);
        let before = last.get(&key).copied();
        let overtaken = match (before, place) {
            (Some((earlier, _)), _) if arrived < earlier => true,
            (Some((same, rank)), Some(place)) if arrived == same => place < rank,
            _ => false,
        };
        if overtaken {
            return Err(format!("overtaken by {record:?}"));
        }
        let rank = match (before, place) {
            (_, Some(place)) => place,
            (Some((same, rank)), None) if arrived == same => rank,
            _ => 0,
        };
        last.insert(key, (arrived, rank));
    }
    Ok(())
}

/// When which team, with all its parts, was given other priorities, in order of time.
fn moves(scenario: &Scenario) -> Vec<(Timestamp, &TeamId)> {
    let moves = scenario.events.iter().filter_map(|event| match &event.what {
        Change::SetTeam { priority: None, highest_priority: None, .. } => None,
        Change::SetTeam { id, .. } => Some((event.at, id)),
        _ => None,
    });
    let mut moves: Vec<_> = moves.collect();
    moves.sort();
    moves
}

/// The place in the scenario of the demand that lists a request for that instant; none for a repeat.
fn listed_at(scenario: &Scenario, team: &TeamId, tag: Option<&str>, arrived: Timestamp) -> Option<usize> {
    scenario.demand.iter().position(|demand| {
        &demand.team == team
            && demand.tag.as_deref() == tag
            && arrivals(scenario, demand).iter().any(|(at, _)| *at == arrived)
    })
}

/// When requests of a demand first arrive, and how many, in order of time.
fn arrivals(scenario: &Scenario, demand: &Demand) -> Vec<(Timestamp, u64)> {
    let start = |window: u32| {
        let length = scenario.policy.limits[0].window.as_ns();
        scenario.origin + Span::from_ns(length * u64::from(window))
    };
    let mut arrivals: Vec<(Timestamp, u64)> = match &demand.shape {
        Arrivals::Backlog { from } => vec![(*from, u64::MAX)],
        Arrivals::Once { count, at } => vec![(*at, u64::from(*count))],
        Arrivals::Workers { count, from, .. } => vec![(*from, u64::from(*count))],
        Arrivals::PerWindow { count, windows } => windows
            .clone()
            .unwrap_or_else(|| (0..scenario.windows).collect())
            .into_iter()
            .map(|window| (start(window) - BEFORE_START, u64::from(*count)))
            .collect(),
    };
    arrivals.sort();
    arrivals
}

/// Whether a record answers a request of a demand.
fn answers(record: &Record, demand: &Demand) -> bool {
    match record {
        Record::Grant { team, tag, .. } | Record::Reject { team, tag, .. } => {
            *team == demand.team && *tag == demand.tag
        }
        Record::Return { .. } => false,
    }
}

fn end(scenario: &Scenario) -> Timestamp {
    let length = scenario.policy.limits[0].window.as_ns();
    scenario.origin + Span::from_ns(length * u64::from(scenario.windows))
}

/// No demand gets more answers than it has requests. Demands need distinct tags.
///
/// # Errors
/// The first demand that does.
pub fn no_request_answered_twice(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    for demand in &scenario.demand {
        let asked = arrivals(scenario, demand).iter().fold(0_u64, |sum, (_, n)| sum.saturating_add(*n));
        let answered = log.iter().filter(|record| answers(record, demand));
        let (granted, refused): (Vec<_>, Vec<_>) =
            answered.partition(|record| matches!(record, Record::Grant { .. }));
        let rounds = match &demand.shape {
            Arrivals::Workers { think, from, .. } => {
                1 + end(scenario).since(*from).as_ns() / think.as_ns().max(1)
            }
            _ => 1,
        };
        let fits = match &demand.shape {
            Arrivals::Workers { .. } => {
                refused.len() as u64 <= asked && granted.len() as u64 <= asked.saturating_mul(rounds)
            }
            _ => (granted.len() + refused.len()) as u64 <= asked,
        };
        if !fits {
            let (granted, refused) = (granted.len(), refused.len());
            return Err(format!("{granted} grants and {refused} refusals for {asked} requests: {demand:?}"));
        }
    }
    Ok(())
}

/// Every request with a deadline is answered by then.
///
/// # Errors
/// The first demand with a late or missing answer.
pub fn deadlines_kept(scenario: &Scenario, log: &[Record]) -> Result<(), String> {
    for demand in &scenario.demand {
        let Some(max_wait) = demand.max_wait else { continue };
        let withdrawn = |tag: &str| {
            scenario.events.iter().any(|e| matches!(&e.what, Change::Cancel { tag: other } if other == tag))
        };
        let answered: Vec<&Record> = log.iter().filter(|record| answers(record, demand)).collect();
        let late = |record: &&&Record| matches!(record, Record::Grant { waited, .. } if *waited > max_wait);
        if let Some(record) = answered.iter().find(late) {
            return Err(format!("granted too late: {record:?}"));
        }
        if demand.tag.as_deref().is_some_and(withdrawn) {
            continue;
        }
        let mut due = 0_u64;
        for (arrived, count) in arrivals(scenario, demand) {
            let deadline = arrived + max_wait;
            due = due.saturating_add(count);
            let in_time = answered.iter().filter(|record| at(record) <= deadline).count() as u64;
            if deadline < end(scenario) && in_time < due {
                return Err(format!("{in_time} of {due} answers by {deadline:?}: {demand:?}"));
            }
        }
    }
    Ok(())
}
