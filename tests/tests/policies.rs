//! Whatever becomes of policy: no window of any limit in force is overdrawn by leases that may still be used, no cap is exceeded, and
//! in calm weather somebody who waits is served as soon as the windows that were full are over.

use apportion_tests::describe::seeds;
use apportion_tests::policies::{Mood, check};

/// Runs so many seeds from `from` on. On average each must change policy often and grant much.
fn run_seeds(from: u64, usual: u64, mood: Mood) {
    let count = seeds(usual);
    let outcomes = (from..from + count).map(|seed| check(seed, mood));
    let (granted, changes) =
        outcomes.fold((0, 0), |sum, outcome| (sum.0 + outcome.granted, sum.1 + outcome.changes));
    assert!(granted > count * 200, "{granted} permits granted over {count} seeds");
    assert!(changes > count * 5, "{changes} changes over {count} seeds");
}

#[test]
fn no_window_is_overdrawn_while_policy_changes_and_the_server_crashes() {
    run_seeds(0, 5_000, Mood::Stormy);
}

#[test]
fn no_window_is_overdrawn_while_policy_changes_and_the_server_crashes_in_other_worlds() {
    run_seeds(1_000_000, 5_000, Mood::Stormy);
}

#[test]
fn who_waits_is_served_in_the_next_windows_after_any_change() {
    run_seeds(2_000_000, 2_000, Mood::Calm);
}
