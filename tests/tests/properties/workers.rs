//! Workers, which ask again only after a pause, get their share beside a backlog.

use apportion_core::ids::TeamId;
use apportion_core::scenario::{Arrivals as When, Scenario};
use apportion_core::time::Span;
use apportion_tests::generate::{self, Shape, early, permits};
use apportion_tests::random::Random;
use apportion_tests::replay;
use apportion_tests::seeds::check_seeds;

use crate::cases::{SEEDS, granted, with_windows};

/// Workers of one team against the endless backlog of another.
fn workers(seed: u64) -> Scenario {
    let shape = Shape { teams: 1, depth: 1, windows: 5, ..Shape::BACKLOGS };
    let mut scenario = with_windows(5, generate::scenario(seed, shape));
    let mut random = Random::new(!seed);
    let mut other = scenario.policy.teams[0].clone();
    other.id = TeamId::new("workers").expect("a valid name");
    other.weight = random.from_to(1, 9);
    scenario.policy.limits[0].permits = permits(random.from_to(20, 200));
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
    let possible = i64::from(count) * i64::try_from(rounds).expect("few rounds");
    let least = share.min(possible) - i64::from(count) - 1;
    let won = granted(scenario, &replay(scenario), &workers.id);
    match won.iter().skip(1).position(|&n| n < least) {
        Some(window) => Err(format!("{} of {least} in window {}: {won:?}", won[window + 1], window + 1)),
        None => Ok(()),
    }
}

#[test]
fn workers_get_their_weighted_share_from_the_second_window_on() {
    check_seeds(SEEDS, workers, workers_get_their_share);
}
