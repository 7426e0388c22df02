//! Use by others: the largest lower bound of the window, remembered for a while.

use super::*;

#[test]
fn what_the_provider_counted_beyond_our_grants_was_used_by_others() {
    let mut service = Service::new();
    service.grants(20);
    let finding = service.hears(under(1).limit(166).left(116).reset(10 * SECOND));
    assert_eq!(finding.others, Some(permits(30)));
}

#[test]
fn without_a_limit_in_the_response_the_budget_in_force_counts() {
    let mut service = Service::new();
    assert_eq!(service.hears(under(1).left(150).reset(10 * SECOND)).others, Some(permits(16)));
}

#[test]
fn the_largest_bound_of_the_window_counts_in_whatever_order_responses_arrive() {
    let mut service = Service::new();
    service.grants(10);
    assert_eq!(service.hears(under(2).limit(166).left(120).reset(10 * SECOND)).others, Some(permits(36)));
    assert_eq!(service.hears(under(1).limit(166).left(140).reset(10 * SECOND)).others, None);
    assert_eq!(service.hears(under(3).limit(166).left(110).reset(10 * SECOND)).others, Some(permits(46)));
}

#[test]
fn more_left_than_expected_raises_nothing() {
    let mut service = Service::new();
    service.grants(100);
    assert_eq!(service.hears(under(1).limit(166).left(166).reset(10 * SECOND)), Finding::default());
}

#[test]
fn what_is_left_of_the_next_window_says_nothing_about_this_one() {
    let mut service = Service::new();
    service.time_is(9_900);
    assert_eq!(service.hears(under(1).limit(166).left(3).reset(20 * SECOND)).others, None);
}

#[test]
fn a_new_window_starts_with_no_use_by_others() {
    let mut service = Service::new();
    service.hears(under(1).limit(166).left(100).reset(10 * SECOND));
    service.time_is(10 * SECOND);
    assert_eq!(service.hears(under(2).limit(166).left(160).reset(20 * SECOND)).others, Some(permits(6)));
}

/// Two leases saw others use 60, and the window ended.
fn after_a_window_with_60_by_others(memory: u32) -> Service {
    let mut service = Service::remembering(memory);
    service.hears(under(1).limit(166).left(106).reset(10 * SECOND));
    service.hears(under(2).limit(166).left(106).reset(10 * SECOND));
    service.time_is(10 * SECOND);
    service
}

#[test]
fn use_by_others_is_kept_from_the_next_windows_and_decays() {
    let mut service = after_a_window_with_60_by_others(3);
    for (start, kept) in [(10, 60), (20, 40), (30, 20), (40, 0)] {
        service.time_is(start * SECOND);
        assert_eq!(service.facts.others_kept(), permits(kept));
    }
}

#[test]
fn the_largest_of_the_remembered_windows_is_kept() {
    let mut service = after_a_window_with_60_by_others(3);
    for lease in [3, 4] {
        service.hears(under(lease).limit(166).left(136).reset(20 * SECOND));
    }
    service.time_is(20 * SECOND);
    assert_eq!(service.facts.others_kept(), permits(40), "60 less a third, not the 30 of the last window");
    service.time_is(30 * SECOND);
    assert_eq!(service.facts.others_kept(), permits(20));
}

#[test]
fn windows_that_nobody_used_decay_it_too() {
    let mut service = after_a_window_with_60_by_others(3);
    service.time_is(35 * SECOND);
    assert_eq!(service.facts.others_kept(), permits(20));
    service.time_is(3_000 * SECOND);
    assert_eq!(service.facts.others_kept(), Permits::ZERO);
}

#[test]
fn without_memory_nothing_is_kept() {
    let service = after_a_window_with_60_by_others(0);
    assert_eq!(service.facts.others_kept(), Permits::ZERO);
}

#[test]
fn memory_beyond_its_bound_is_cut_to_it() {
    let mut service = after_a_window_with_60_by_others(u32::MAX);
    service.time_is(10 * SECOND * 64);
    assert_eq!(service.facts.others_kept(), permits(1));
    service.time_is(10 * SECOND * 65);
    assert_eq!(service.facts.others_kept(), Permits::ZERO);
}

#[test]
fn what_only_one_lease_saw_lowers_no_later_window() {
    let mut service = Service::remembering(3);
    service.hears(under(1).limit(166).left(0).reset(10 * SECOND));
    service.hears(under(1).limit(166).left(0).reset(10 * SECOND));
    service.hears(under_forgotten(2).limit(166).left(0).reset(10 * SECOND));
    service.hears(under(3).limit(166).left(150).reset(10 * SECOND));
    service.time_is(10 * SECOND);
    assert_eq!(service.facts.others_kept(), permits(16));
}

#[test]
fn an_observation_starts_the_window_it_is_seen_in() {
    let mut service = Service::new();
    service.hears(under(1).limit(166).left(100).reset(10 * SECOND));
    service.now = at(10 * SECOND);
    service.window = service.facts.grid().at(service.now);
    assert_eq!(service.hears(under(2).limit(166).left(160).reset(20 * SECOND)).others, Some(permits(6)));
}
