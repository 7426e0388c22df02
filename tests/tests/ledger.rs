//! The ledger holds in a world of faults, over thousands of seeds and both clock regimes.

use apportion_tests::world::{Regime, Side, check};

/// Runs seeds `from .. to` and returns how many permits were granted.
fn run_seeds(from: u64, to: u64, regime: Regime, side: Side) -> u64 {
    (from..to).map(|seed| check(seed, regime, side).granted).sum()
}

#[test]
fn no_window_is_overdrawn_and_every_run_heals_with_clocks_within_epsilon() {
    assert!(run_seeds(0, 5_200, Regime::Within, Side::FirstCome) > 5_200 * 50);
}

#[test]
fn no_window_label_is_overdrawn_and_every_run_heals_with_clocks_minutes_wrong() {
    assert!(run_seeds(100_000, 105_000, Regime::Wrong, Side::FirstCome) > 5_000 * 50);
}

#[test]
fn the_allocator_overdraws_no_window_and_every_run_heals_with_clocks_within_epsilon() {
    assert!(run_seeds(200_000, 205_000, Regime::Within, Side::Shared) > 5_000 * 50);
}

#[test]
fn the_allocator_overdraws_no_window_label_and_every_run_heals_with_clocks_minutes_wrong() {
    assert!(run_seeds(300_000, 305_000, Regime::Wrong, Side::Shared) > 5_000 * 50);
}

#[test]
fn a_seed_reproduces_its_run() {
    for side in [Side::FirstCome, Side::Shared] {
        let [first, second] = [(); 2].map(|()| check(42, Regime::Within, side));
        assert_eq!((first.granted, first.arrived), (second.granted, second.arrived));
        assert!(first.granted > 0);
    }
}

#[test]
fn a_block_asked_for_after_a_policy_was_lowered_keeps_to_that_policy() {
    for seed in [200_409, 200_628, 200_713] {
        check(seed, Regime::Within, Side::Shared);
    }
}
