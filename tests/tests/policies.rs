//! However policy changes: leases that may still be used overdraw no window of any limit in force, no cap is exceeded, and without
//! faults a waiting request is served as soon as the full windows are over.

use apportion_tests::policies::{Mood, check};
use apportion_tests::seeds::seeds;

/// Runs seeds from `from` on. On average each must change policy often and grant many permits.
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
fn no_window_is_overdrawn_while_policy_changes_and_the_server_crashes_over_more_seeds() {
    run_seeds(1_000_000, 5_000, Mood::Stormy);
}

#[test]
fn a_waiting_request_is_served_in_the_next_windows_after_any_change() {
    run_seeds(2_000_000, 2_000, Mood::Calm);
}
