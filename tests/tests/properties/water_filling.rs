//! A first window divides the budget as water-filling does, within a few permits.

use apportion_core::ids::TeamId;
use apportion_core::permits::Permits;
use apportion_core::scenario::{Arrivals as When, Demand, Scenario};
use apportion_tests::generate::{self, Shape, early};
use apportion_tests::random::Random;
use apportion_tests::ratio::Ratio;
use apportion_tests::seeds::check_seeds;
use apportion_tests::{judge, replay, waterfill};

use crate::cases::{SEEDS, granted};

/// How many levels of teams there are.
fn depth(scenario: &Scenario) -> i128 {
    let teams = &scenario.policy.teams;
    let above =
        |team: &TeamId| teams.iter().filter(|top| judge::is_part_of(&scenario.policy, team, &top.id)).count();
    teams.iter().map(|team| above(&team.id)).max().map_or(0, |levels| levels as i128)
}

/// How many reservations are rounded up: if together they exceed the budget, they shrink to fractions, and each is served in whole
/// permits.
fn rounded_up(scenario: &Scenario) -> i128 {
    let Scenario { policy, .. } = scenario;
    let reserved = || policy.teams.iter().map(|team| team.reservation).filter(|n| !n.is_zero());
    if reserved().sum::<Permits>() > policy.limits[0].permits { reserved().count() as i128 } else { 0 }
}

fn is_near_water_filling(scenario: &Scenario) -> Result<(), String> {
    let log = replay(scenario);
    let count = |demand: &Demand| match demand.shape {
        When::Once { count, .. } => Some(count),
        _ => None,
    };
    let asks = |team: &TeamId| scenario.demand.iter().filter(|demand| &demand.team == team).map(count).sum();
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
fn a_first_window_is_within_depth_and_one_of_water_filling() {
    let shape = Shape { windows: 1, ..Shape::BACKLOGS };
    check_seeds(SEEDS, |seed| generate::scenario(seed, shape), is_near_water_filling);
}

/// The backlogs of a seed, some of them made finite.
fn finite(seed: u64, shape: Shape) -> Scenario {
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
fn a_first_window_with_caps_and_little_demand_is_within_depth_and_one_of_water_filling() {
    let shape = Shape { windows: 1, caps: true, ..Shape::BACKLOGS };
    check_seeds(SEEDS, |seed| finite(seed, shape), is_near_water_filling);
}

#[test]
fn a_first_window_with_reservations_is_within_depth_and_one_of_water_filling() {
    let shape = Shape { windows: 1, reservations: true, ..Shape::BACKLOGS };
    check_seeds(SEEDS, |seed| finite(seed, shape), is_near_water_filling);
}
