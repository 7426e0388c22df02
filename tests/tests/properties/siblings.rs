//! Siblings share in proportion to their weights, in whatever order they are defined.

use apportion_core::scenario::Scenario;
use apportion_tests::generate::{self, Shape};
use apportion_tests::random::Random;
use apportion_tests::replay;
use apportion_tests::seeds::check_seeds;

use crate::cases::{SEEDS, granted, with_windows};

/// Over any interval, the normalised service of two siblings differs by no more than `bound` largest requests.
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

#[test]
fn siblings_stay_together_over_a_thousand_windows() {
    let shape = Shape { lease: 20, small: true, ..Shape::BACKLOGS };
    let make = |seed| with_windows(1000, generate::scenario(seed, shape));
    check_seeds(20, make, |scenario| siblings_stay_together(scenario, 3));
}

#[test]
fn siblings_stay_together_over_any_few_windows() {
    let shape = Shape { lease: 20, small: true, ..Shape::BACKLOGS };
    check_seeds(
        SEEDS,
        |seed| generate::scenario(seed, shape),
        |scenario| siblings_stay_together(scenario, 3),
    );
}

fn order_changes_little(scenario: &Scenario) -> Result<(), String> {
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
    let shape = Shape { lease: 20, small: true, ..Shape::BACKLOGS };
    check_seeds(SEEDS, |seed| generate::scenario(seed, shape), order_changes_little);
}
