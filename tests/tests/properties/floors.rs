//! Floors are kept, and beside a backlog no permit is wasted.

use apportion_core::ids::{CallerId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::TeamPolicy;
use apportion_core::priority::Priority;
use apportion_core::scenario::{Arrivals as When, Demand, Scenario};
use apportion_tests::generate::{self, Shape, early};
use apportion_tests::random::Random;
use apportion_tests::seeds::check_seeds;
use apportion_tests::{judge, replay};

use crate::cases::SEEDS;

/// A random scenario with one more team, which has an endless backlog of single permits and no cap.
fn with_a_backlog(seed: u64, shape: Shape) -> Scenario {
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
    let shape = Shape { events: false, ..Shape::ALL };
    check_seeds(SEEDS, |seed| with_a_backlog(seed, shape), nothing_is_wasted);
}

#[test]
fn floors_are_kept_under_endless_backlogs() {
    let shape = Shape { priorities: true, lease: 20, small: true, ..Shape::BACKLOGS };
    let judged = |scenario: &Scenario| judge::floors_kept(scenario, &replay(scenario));
    check_seeds(SEEDS, |seed| generate::scenario(seed, shape), judged);
}

#[test]
fn floors_are_kept_under_mixed_demand() {
    let shape = Shape { caps: false, reservations: false, events: false, small: true, ..Shape::ALL };
    let judged = |scenario: &Scenario| judge::floors_kept(scenario, &replay(scenario));
    check_seeds(SEEDS, |seed| generate::scenario(seed, shape), judged);
}
