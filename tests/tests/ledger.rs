//! The ledger holds in a simulation with faults, over thousands of seeds and both clock regimes.

use apportion_tests::seeds::seeds;
use apportion_tests::world::{Regime, Side, check};

/// Runs seeds from `from` on; on average each must grant more than 50 permits.
fn run_seeds(from: u64, usual: u64, regime: Regime, side: Side) {
    let count = seeds(usual);
    let granted: u64 = (from..from + count).map(|seed| check(seed, regime, side).granted).sum();
    assert!(granted > count * 50, "{granted} permits granted over {count} seeds");
}

#[test]
fn no_window_is_overdrawn_and_every_run_heals_with_clocks_within_epsilon() {
    run_seeds(0, 3_500, Regime::Within, Side::FirstCome);
}

#[test]
fn no_window_label_is_overdrawn_and_every_run_heals_with_clocks_minutes_wrong() {
    run_seeds(100_000, 3_000, Regime::Wrong, Side::FirstCome);
}

#[test]
fn the_allocator_overdraws_no_window_and_every_run_heals_with_clocks_within_epsilon() {
    run_seeds(200_000, 3_500, Regime::Within, Side::Shared);
}

#[test]
fn the_allocator_overdraws_no_window_label_and_every_run_heals_with_clocks_minutes_wrong() {
    run_seeds(300_000, 3_000, Regime::Wrong, Side::Shared);
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

#[test]
fn a_write_that_a_wrong_clock_left_under_way_delays_no_more_than_its_own_windows() {
    check(301_598, Regime::Wrong, Side::Shared);
}

#[test]
fn a_backup_from_before_the_first_take_over_holds_every_claim() {
    check(354, Regime::Within, Side::FirstCome);
}
