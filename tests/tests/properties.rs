//! What holds of the allocator over thousands of random scenarios. A failure names its seed, which gives the same
//! scenario again.

use apportion_core::ids::{CallerId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::TeamPolicy;
use apportion_core::priority::Priority;
use apportion_core::scenario::{Arrivals as When, Demand, Record, Scenario, Verdict};
use apportion_core::time::{Span, Timestamp};
use apportion_tests::describe::hold;
use apportion_tests::generate::{self, Arrivals, early, number};
use apportion_tests::random::Random;
use apportion_tests::ratio::Ratio;
use apportion_tests::{judge, oracle, replay, waterfill};

/// Random cases for each property.
const SEEDS: u64 = 10_000;

/// What two allocators must agree on.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fact<'a> {
    Granted(Timestamp, &'a TeamId, Priority, Permits, u32),
    Refused(Timestamp, &'a TeamId, String),
    Returned(Timestamp, &'a TeamId, Permits),
}

fn fact(record: &Record) -> Fact<'_> {
    match record {
        Record::Grant { at, team, priority, permits, window, .. } => {
            Fact::Granted(*at, team, *priority, *permits, *window)
        }
        Record::Reject { at, team, reason, .. } => Fact::Refused(*at, team, format!("{reason:?}")),
        Record::Return { at, team, accepted, .. } => Fact::Returned(*at, team, *accepted),
    }
}

/// A log with the refusals of one instant in a fixed order: who is told first that it is over does not matter.
fn facts(log: &[Record]) -> Vec<Fact<'_>> {
    let mut facts: Vec<Fact<'_>> = log.iter().map(fact).collect();
    let refused_together = |one: &Fact<'_>, other: &Fact<'_>| match (one, other) {
        (Fact::Refused(at, ..), Fact::Refused(then, ..)) => at == then,
        _ => false,
    };
    for refusals in facts.chunk_by_mut(refused_together) {
        refusals.sort();
    }
    facts
}

fn same_log(scenario: &Scenario) -> Result<(), String> {
    let (log, expected) = (replay(scenario), oracle::replay(scenario));
    let (log, expected) = (facts(&log), facts(&expected));
    let difference = log.iter().zip(&expected).position(|(one, other)| one != other);
    let differs = difference.or((log.len() != expected.len()).then_some(log.len().min(expected.len())));
    match differs {
        None => Ok(()),
        Some(k) => Err(format!("record {k}: {:?}\nexpected: {:?}", log.get(k), expected.get(k))),
    }
}

#[test]
fn the_event_log_is_that_of_the_oracle() {
    hold(SEEDS, |seed| generate::scenario(seed, Arrivals::ALL), same_log);
}

#[test]
fn every_judge_is_content_with_every_log() {
    let judged = |scenario: &Scenario| judge::everything(scenario, &replay(scenario));
    hold(SEEDS, |seed| generate::scenario(seed, Arrivals::ALL), judged);
}

fn depth(scenario: &Scenario) -> i128 {
    let teams = &scenario.policy.teams;
    let above =
        |team: &TeamId| teams.iter().filter(|top| judge::is_part_of(&scenario.policy, team, &top.id)).count();
    teams.iter().map(|team| above(&team.id)).max().map_or(0, |levels| levels as i128)
}

/// Net grants of a team and its parts, window by window.
fn granted(scenario: &Scenario, log: &[Record], team: &TeamId) -> Vec<i64> {
    judge::granted(scenario, log, |id| judge::is_part_of(&scenario.policy, id, team))
}

/// Reservations that are above the budget together shrink to fractions, and each is served in whole permits.
fn rounded_up(scenario: &Scenario) -> i128 {
    let Scenario { policy, .. } = scenario;
    let reserved = || policy.teams.iter().map(|team| team.reservation).filter(|n| !n.is_zero());
    if reserved().sum::<Permits>() > policy.limits[0].permits { reserved().count() as i128 } else { 0 }
}

fn near_water_filling(scenario: &Scenario) -> Result<(), String> {
    let log = replay(scenario);
    let asks = |team: &TeamId| {
        let of_team = scenario.demand.iter().filter(|demand| &demand.team == team);
        of_team
            .map(|demand| if let When::Once { count, .. } = demand.shape { Some(count) } else { None })
            .sum()
    };
    let wishes: Vec<Option<u32>> = scenario.policy.teams.iter().map(|team| asks(&team.id)).collect();
    let budget = scenario.policy.limits[0].permits.get();
    let targets = waterfill::target(&scenario.policy, budget, &wishes);
    let bound = Ratio::whole(depth(scenario) + 1 + rounded_up(scenario));
    for (team, target) in scenario.policy.teams.iter().zip(targets) {
        let got = granted(scenario, &log, &team.id)[0];
        if (Ratio::whole(i128::from(got)) - target).abs() > bound {
            return Err(format!("{} got {got}, its target is {}", team.id, target.decimal()));
        }
    }
    Ok(())
}

#[test]
fn a_fresh_window_is_within_depth_and_one_of_water_filling() {
    let shape = Arrivals { windows: 1, ..Arrivals::BACKLOGS };
    hold(SEEDS, |seed| generate::scenario(seed, shape), near_water_filling);
}

/// Endless backlogs of a seed, some of them made finite.
fn finite(seed: u64, shape: Arrivals) -> Scenario {
    let mut scenario = generate::scenario(seed, shape);
    let mut random = Random::new(!seed);
    for demand in &mut scenario.demand {
        if random.chance(60) {
            demand.shape = When::Once { count: random.from_to(1, 40), at: early() };
        }
    }
    scenario
}

#[test]
fn a_fresh_window_with_caps_and_little_demand_is_within_depth_and_one_of_water_filling() {
    let shape = Arrivals { windows: 1, caps: true, ..Arrivals::BACKLOGS };
    hold(SEEDS, |seed| finite(seed, shape), near_water_filling);
}

#[test]
fn a_fresh_window_with_reservations_is_within_depth_and_one_of_water_filling() {
    let shape = Arrivals { windows: 1, reservations: true, ..Arrivals::BACKLOGS };
    hold(SEEDS, |seed| finite(seed, shape), near_water_filling);
}

/// How far two siblings' normalised service drifts apart over any interval, against `bound` largest requests.
fn siblings_stay_together(scenario: &Scenario, bound: i128) -> Result<(), String> {
    let log = replay(scenario);
    let teams = &scenario.policy.teams;
    let largest = i128::from(scenario.policy.largest().get());
    for (k, one) in teams.iter().enumerate() {
        for other in teams[k + 1..].iter().filter(|other| other.parent == one.parent) {
            let (of_one, of_other) = (i128::from(one.weight), i128::from(other.weight));
            let (mut drift, mut least, mut most) = (0, 0, 0);
            let pairs = granted(scenario, &log, &one.id).into_iter().zip(granted(scenario, &log, &other.id));
            for (n, m) in pairs {
                drift += i128::from(n) * of_other - i128::from(m) * of_one;
                (least, most) = (drift.min(least), drift.max(most));
            }
            let allowed = bound * largest * (of_one + of_other);
            if most - least > allowed {
                return Err(format!("{} and {}: {} of {allowed}", one.id, other.id, most - least));
            }
        }
    }
    Ok(())
}

fn exactly(windows: u32, mut scenario: Scenario) -> Scenario {
    scenario.windows = windows;
    scenario
}

#[test]
fn siblings_stay_together_over_a_thousand_windows() {
    let shape = Arrivals { lease: 20, small: true, ..Arrivals::BACKLOGS };
    let make = |seed| exactly(1000, generate::scenario(seed, shape));
    hold(20, make, |scenario| siblings_stay_together(scenario, 3));
}

#[test]
fn siblings_stay_together_over_any_few_windows() {
    let shape = Arrivals { lease: 20, small: true, ..Arrivals::BACKLOGS };
    hold(SEEDS, |seed| generate::scenario(seed, shape), |scenario| siblings_stay_together(scenario, 3));
}

fn order_hardly_matters(scenario: &Scenario) -> Result<(), String> {
    let mut permuted = scenario.clone();
    Random::new(u64::from(scenario.policy.limits[0].permits.get())).shuffle(&mut permuted.policy.teams);
    let (log, other) = (replay(scenario), replay(&permuted));
    let largest = i64::from(scenario.policy.largest().get());
    for team in &scenario.policy.teams {
        let pairs = granted(scenario, &log, &team.id).into_iter().zip(granted(&permuted, &other, &team.id));
        for (window, (n, m)) in pairs.enumerate() {
            if (n - m).abs() > 2 * largest {
                return Err(format!("{}: {n} or {m} in window {window}", team.id));
            }
        }
    }
    Ok(())
}

#[test]
fn the_order_of_definition_changes_at_most_two_requests_a_window() {
    let shape = Arrivals { lease: 20, small: true, ..Arrivals::BACKLOGS };
    hold(SEEDS, |seed| generate::scenario(seed, shape), order_hardly_matters);
}

/// Adds a team with an endless backlog of single permits that no cap stops.
fn with_a_backlog(seed: u64, shape: Arrivals) -> Scenario {
    let mut scenario = generate::scenario(seed, shape);
    let mut random = Random::new(!seed);
    let mut team = TeamPolicy::new(TeamId::new("endless").expect("a valid name"));
    team.highest_priority = Priority::Critical;
    team.weight = random.from_to(1, shape.weight);
    scenario.demand.push(Demand {
        team: team.id.clone(),
        caller: CallerId::new("caller").expect("a valid name"),
        priority: Some(random.one_of(&Priority::ALL)),
        permits: Permits::ONE,
        min_permits: Permits::ONE,
        max_wait: None,
        tag: Some("endless".into()),
        shape: When::Backlog { from: early() },
    });
    scenario.policy.teams.push(team);
    scenario
}

fn nothing_is_wasted(scenario: &Scenario) -> Result<(), String> {
    let budget = i64::from(scenario.policy.limits[0].permits.get());
    let granted = judge::granted(scenario, &replay(scenario), |_| true);
    match granted.iter().position(|&n| n != budget) {
        Some(window) => Err(format!("{} of {budget} in window {window}", granted[window])),
        None => Ok(()),
    }
}

#[test]
fn beside_an_endless_backlog_every_permit_is_granted() {
    let shape = Arrivals { events: false, ..Arrivals::ALL };
    hold(SEEDS, |seed| with_a_backlog(seed, shape), nothing_is_wasted);
}

#[test]
fn floors_are_kept_under_endless_backlogs() {
    let shape = Arrivals { priorities: true, lease: 20, small: true, ..Arrivals::BACKLOGS };
    let judged = |scenario: &Scenario| judge::floors_kept(scenario, &replay(scenario));
    hold(SEEDS, |seed| generate::scenario(seed, shape), judged);
}

#[test]
fn floors_are_kept_under_mixed_demand() {
    let shape = Arrivals { caps: false, reservations: false, events: false, small: true, ..Arrivals::ALL };
    let judged = |scenario: &Scenario| judge::floors_kept(scenario, &replay(scenario));
    hold(SEEDS, |seed| generate::scenario(seed, shape), judged);
}

/// Workers of one team against the endless backlog of another.
fn workers(seed: u64) -> Scenario {
    let shape = Arrivals { teams: 1, depth: 1, windows: 5, ..Arrivals::BACKLOGS };
    let mut scenario = exactly(5, generate::scenario(seed, shape));
    let mut random = Random::new(!seed);
    let mut other = scenario.policy.teams[0].clone();
    other.id = TeamId::new("workers").expect("a valid name");
    other.weight = random.from_to(1, 9);
    scenario.policy.limits[0].permits = number(random.from_to(20, 200));
    let count = random.from_to(2, 12);
    let think = Span::from_ms(u64::from(random.from_to(50, 200)));
    let mut demand = scenario.demand[0].clone();
    demand.team = other.id.clone();
    demand.shape = When::Workers { count, think, from: early() };
    scenario.policy.teams.push(other);
    scenario.demand.push(demand);
    scenario
}

fn workers_get_their_share(scenario: &Scenario) -> Result<(), String> {
    let budget = i64::from(scenario.policy.limits[0].permits.get());
    let [backlog, workers] = &scenario.policy.teams[..] else { return Err("two teams".into()) };
    let When::Workers { count, think, .. } = scenario.demand[1].shape else { return Err("workers".into()) };
    let share = budget * i64::from(workers.weight) / i64::from(backlog.weight + workers.weight);
    let rounds = generate::WINDOW.less(generate::GUARD).as_ns() / think.as_ns();
    let able = i64::from(count) * i64::try_from(rounds).expect("few rounds");
    let least = share.min(able) - i64::from(count) - 1;
    let won = granted(scenario, &replay(scenario), &workers.id);
    match won.iter().skip(1).position(|&n| n < least) {
        Some(window) => Err(format!("{} of {least} in window {}: {won:?}", won[window + 1], window + 1)),
        None => Ok(()),
    }
}

#[test]
fn workers_get_their_weighted_share_from_the_second_window_on() {
    hold(SEEDS, workers, workers_get_their_share);
}

/// A random scenario of patient requests, and last a single one that waits only so long. It comes before or in the
/// first window, in which nobody is expected: later, what is kept for somebody who is expected can be set free early,
/// when he asks while a floor stops him.
fn with_an_impatient_request(seed: u64) -> Scenario {
    let mut scenario =
        generate::scenario(seed, Arrivals { deadlines: false, events: false, ..Arrivals::ALL });
    let mut random = Random::new(!seed);
    let teams: Vec<TeamId> = generate::leaves(&scenario.policy).map(|team| team.id.clone()).collect();
    let most = scenario.policy.largest().get().min(scenario.policy.limits[0].permits.get());
    let permits = number(random.from_to(1, most));
    let after = |random: &mut Random, most| Span::from_ms(u64::from(random.from_to(0, most)));
    scenario.demand.push(Demand {
        team: teams[random.from_to(0, u32::try_from(teams.len() - 1).expect("few")) as usize].clone(),
        caller: CallerId::new("caller").expect("a valid name"),
        priority: Some(random.one_of(&Priority::ALL)),
        permits,
        min_permits: permits,
        max_wait: Some(after(&mut random, 20_000)),
        tag: Some("impatient".into()),
        shape: When::Once { count: 1, at: early() + after(&mut random, 9_999) },
    });
    scenario
}

fn impatient(record: &&Record) -> bool {
    matches!(record, Record::Grant { tag, .. } | Record::Reject { tag, .. }
        if tag.as_deref() == Some("impatient"))
}

/// Refused at an instant, of use again at another: had the request waited for ever, it would have been granted no
/// earlier than that, and after its deadline.
fn rightly_refused(scenario: &Scenario) -> Result<(), String> {
    let log = replay(scenario);
    let Some(Record::Reject { at, reason, retry_after: Some(retry_after), .. }) = log.iter().find(impatient)
    else {
        return Ok(());
    };
    let mut patient = scenario.clone();
    let last = patient.demand.last_mut().expect("the impatient one");
    let max_wait = last.max_wait.take().expect("it waits only so long");
    match replay(&patient).iter().find(impatient) {
        Some(Record::Grant { at: granted, waited, .. }) if *waited <= max_wait => {
            Err(format!("{reason:?} at {at:?}, but granted at {granted:?}"))
        }
        Some(Record::Grant { at: granted, .. })
            if *reason == Verdict::Deadline && *granted < *at + *retry_after =>
        {
            Err(format!("retry at {:?}, but granted at {granted:?}", *at + *retry_after))
        }
        _ => Ok(()),
    }
}

#[test]
fn no_refusal_for_a_deadline_is_wrong_where_nobody_is_expected() {
    hold(SEEDS, with_an_impatient_request, rightly_refused);
}
