//! Where windows lie: an interval that contradictions move and agreement narrows.

use super::*;

#[test]
fn a_reset_within_its_second_of_the_boundary_changes_nothing() {
    let mut service = Service::new();
    for reset in [9, 10, 11] {
        let finding = service.receives(under(reset).reset(reset * SECOND));
        assert!(!finding.grid_changed && !finding.durable);
    }
    assert_eq!(service.phase_ms(), (0, 0));
}

#[test]
fn a_reset_that_contradicts_makes_the_boundary_a_second_wide_on_either_side() {
    let mut service = Service::new();
    service.time_is(SECOND);
    let finding = service.receives(under(1).limit(166).left(100).reset(4 * SECOND));
    assert!(finding.grid_changed && finding.durable);
    assert_eq!(finding.external_use, None, "what was granted is not what the provider counted");
    assert_eq!(service.phase_ms(), (3 * SECOND, 5 * SECOND));
}

#[test]
fn an_interval_wraps_round_the_end_of_the_window() {
    let mut service =
        Service::with(Facts::new(&policy(166, 10 * SECOND, 5 * SECOND), Timestamp::ZERO, 0, None));
    assert!(service.receives(under(1).reset(10 * SECOND)).grid_changed);
    assert_eq!(service.phase_ms(), (9 * SECOND, 11 * SECOND));
    for fits in [8, 9, 10, 11, 12] {
        assert!(!service.receives(under(2).reset(fits * SECOND)).grid_changed);
    }
    service.time_is(2 * SECOND);
    assert_eq!(service.window.start.earliest, Timestamp::ZERO + Span::from_secs(999));
    assert_eq!(service.window.start.latest, Timestamp::ZERO + Span::from_secs(1_001));
}

#[test]
fn a_narrower_interval_across_the_end_of_the_window_is_adopted() {
    let mut service =
        Service::with(Facts::new(&policy(166, 10 * SECOND, 5 * SECOND), Timestamp::ZERO, 0, None));
    service.receives(under(1).reset(10 * SECOND));
    for lease in [1, 2, 3] {
        service.receives(under(lease).reset_within(10 * SECOND, 100));
    }
    assert_eq!(service.phase_ms(), (9_900, 10_100));
}

#[test]
fn three_leases_that_agree_narrow_the_interval_and_two_do_not() {
    let mut service = Service::new();
    service.receives(under(1).reset(4 * SECOND));
    for lease in [1, 2, 2, 2] {
        assert!(!service.receives(under(lease).reset_within(4_200, 50)).grid_changed);
    }
    let finding = service.receives(under(3).reset_within(4_200, 50));
    assert!(finding.grid_changed && finding.durable);
    assert_eq!(service.phase_ms(), (4_150, 4_250));
}

#[test]
fn readings_that_overlap_in_part_agree_on_what_they_have_in_common() {
    let mut service = Service::new();
    service.receives(under(1).reset(4 * SECOND));
    for lease in [1, 2, 3] {
        service.receives(under(lease).reset(5 * SECOND));
    }
    assert_eq!(service.phase_ms(), (4 * SECOND, 5 * SECOND));
}

#[test]
fn more_readings_than_are_kept_push_out_the_oldest() {
    let mut service = Service::new();
    service.receives(under(1).reset(4 * SECOND));
    service.receives(under(1).reset_within(4_200, 50));
    service.receives(under(2).reset_within(4_200, 50));
    for other in 0..8 {
        service.receives(under(10 + other).reset_within(3_100 + 100 * other, 10));
    }
    assert!(!service.receives(under(3).reset_within(4_200, 50)).grid_changed);
    assert_eq!(service.phase_ms(), (3 * SECOND, 5 * SECOND));
}

#[test]
fn a_forgotten_lease_moves_no_boundary() {
    let mut service = Service::new();
    assert!(!service.receives(under_forgotten(1).reset(4 * SECOND)).grid_changed);
}

#[test]
fn a_reset_long_past_moves_no_boundary() {
    let mut service = Service::new();
    service.time_is(9 * SECOND);
    assert!(!service.receives(under(1).reset(4 * SECOND)).grid_changed);
}

#[test]
fn whole_seconds_say_nothing_about_windows_of_a_second() {
    let mut service = Service::with(Facts::new(&policy(50, SECOND, 0), Timestamp::ZERO, 0, None));
    let window = service.window;
    let finding = service.receives(under(1).limit(40).left(40).reset(SECOND).of_window(window));
    assert!(!finding.grid_changed);
    assert_eq!(finding.budget, Some(permits(40)), "the lease tells the window where the reset does not");
}

#[test]
fn policy_with_other_windows_forgets_the_learned_phase() {
    let mut service = Service::new();
    service.receives(under(1).reset(4 * SECOND));
    assert!(!service.facts.set_policy(&policy(166, 10 * SECOND, 0), 0));
    assert_eq!(service.phase_ms(), (3 * SECOND, 5 * SECOND));
    assert!(service.facts.set_policy(&policy(166, 60 * SECOND, 0), 0));
    assert_eq!(service.phase_ms(), (0, 0));
}

#[test]
fn a_reset_that_contradicts_and_has_passed_ended_an_earlier_window() {
    let mut service = Service::new();
    service.time_is(9 * SECOND);
    assert_eq!(service.receives(under(1).limit(100).throttled().reset(4 * SECOND)), Finding::default());
}

#[test]
fn a_reset_that_contradicts_and_is_more_than_a_window_away_ends_a_later_window() {
    let mut service = Service::new();
    assert_eq!(service.receives(under_forgotten(1).limit(100).reset(14 * SECOND)).budget, None);
    service.time_is(5 * SECOND);
    let finding = service.receives(under_forgotten(1).limit(100).reset(14 * SECOND));
    assert_eq!(finding.budget, Some(permits(100)), "nine seconds away is the end of a window open now");
}
