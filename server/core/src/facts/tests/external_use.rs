//! External use: the largest lower bound of the window, remembered for a while.

use super::*;

#[test]
fn what_the_provider_counted_beyond_our_grants_was_external_use() {
    let mut service = Service::new();
    service.grants(20);
    let finding = service.receives(under(1).limit(166).left(116).reset(10 * SECOND));
    assert_eq!(finding.external_use, Some(permits(30)));
}

#[test]
fn without_a_limit_in_the_response_the_budget_in_force_counts() {
    let mut service = Service::new();
    assert_eq!(service.receives(under(1).left(150).reset(10 * SECOND)).external_use, Some(permits(16)));
}

#[test]
fn the_largest_bound_of_the_window_counts_in_whatever_order_responses_arrive() {
    let mut service = Service::new();
    service.grants(10);
    assert_eq!(
        service.receives(under(2).limit(166).left(120).reset(10 * SECOND)).external_use,
        Some(permits(36))
    );
    assert_eq!(service.receives(under(1).limit(166).left(140).reset(10 * SECOND)).external_use, None);
    assert_eq!(
        service.receives(under(3).limit(166).left(110).reset(10 * SECOND)).external_use,
        Some(permits(46))
    );
}

#[test]
fn more_left_than_expected_raises_nothing() {
    let mut service = Service::new();
    service.grants(100);
    assert_eq!(service.receives(under(1).limit(166).left(166).reset(10 * SECOND)), Finding::default());
}

#[test]
fn what_is_left_of_the_next_window_says_nothing_about_this_one() {
    let mut service = Service::new();
    service.time_is(9_900);
    assert_eq!(service.receives(under(1).limit(166).left(3).reset(20 * SECOND)).external_use, None);
}

#[test]
fn a_new_window_starts_with_no_external_use() {
    let mut service = Service::new();
    service.receives(under(1).limit(166).left(100).reset(10 * SECOND));
    service.time_is(10 * SECOND);
    assert_eq!(
        service.receives(under(2).limit(166).left(160).reset(20 * SECOND)).external_use,
        Some(permits(6))
    );
}

/// Two leases saw external use of 45 in the first nine seconds of a window of ten, and it ended: 50, and the root of it.
fn after_a_window_with_50_external(memory: u32) -> Service {
    let mut service = Service::remembering(memory);
    service.time_is(9 * SECOND);
    service.receives(under(1).limit(166).left(121).reset(10 * SECOND));
    service.receives(under(2).limit(166).left(121).reset(10 * SECOND));
    service.time_is(10 * SECOND);
    service
}

#[test]
fn external_use_is_expected_of_the_next_windows_and_decays() {
    let mut service = after_a_window_with_50_external(3);
    for (start, expected) in [(10, 58), (20, 39), (30, 20), (40, 0)] {
        service.time_is(start * SECOND);
        assert_eq!(service.facts.learned().external_use, permits(expected));
        assert_eq!(service.facts.external_use_to_come(), permits(expected));
    }
}

#[test]
fn the_largest_of_the_remembered_windows_is_expected() {
    let mut service = after_a_window_with_50_external(3);
    service.time_is(19 * SECOND);
    for lease in [3, 4] {
        service.receives(under(lease).limit(166).left(139).reset(20 * SECOND));
    }
    service.time_is(20 * SECOND);
    assert_eq!(
        service.facts.learned().external_use,
        permits(39),
        "58 less a third, not the 36 of the last window"
    );
    service.time_is(30 * SECOND);
    assert_eq!(service.facts.learned().external_use, permits(24));
}

#[test]
fn windows_that_nobody_used_decay_it_too() {
    let mut service = after_a_window_with_50_external(3);
    service.time_is(35 * SECOND);
    assert_eq!(service.facts.learned().external_use, permits(20));
    service.time_is(3_000 * SECOND);
    assert_eq!(service.facts.learned().external_use, Permits::ZERO);
    assert_eq!(service.facts.external_use_margin(), Permits::ZERO);
}

#[test]
fn without_memory_nothing_is_expected() {
    let service = after_a_window_with_50_external(0);
    assert_eq!(service.facts.learned().external_use, Permits::ZERO);
    assert_eq!(service.facts.external_use_margin(), Permits::ZERO);
}

#[test]
fn memory_beyond_its_bound_is_cut_to_it() {
    let mut service = after_a_window_with_50_external(u32::MAX);
    service.time_is(10 * SECOND * 64);
    assert_eq!(service.facts.learned().external_use, permits(1));
    service.time_is(10 * SECOND * 65);
    assert_eq!(service.facts.learned().external_use, Permits::ZERO);
}

#[test]
fn a_policy_with_another_memory_counts_from_the_next_window() {
    let mut service = after_a_window_with_50_external(3);
    assert!(!service.facts.set_policy(&policy(166, 10 * SECOND, 0), 6));
    service.time_is(20 * SECOND);
    assert_eq!(service.facts.learned().external_use, permits(49));
    assert!(service.facts.set_policy(&policy(166, 10 * SECOND, 0), 0), "nothing is remembered now");
    service.time_is(30 * SECOND);
    assert_eq!(service.facts.learned().external_use, Permits::ZERO);
}

#[test]
fn what_only_one_lease_saw_lowers_no_later_window() {
    let mut service = Service::remembering(3);
    service.time_is(8 * SECOND);
    service.receives(under(1).limit(166).left(0).reset(10 * SECOND));
    service.receives(under(1).limit(166).left(0).reset(10 * SECOND));
    service.receives(under_forgotten(2).limit(166).left(0).reset(10 * SECOND));
    service.receives(under(3).limit(166).left(150).reset(10 * SECOND));
    service.time_is(10 * SECOND);
    assert_eq!(service.facts.learned().external_use, permits(25), "the sixteen of both, in eight seconds");
}

#[test]
fn little_of_a_window_says_little_about_the_whole() {
    let mut service = Service::remembering(3);
    for lease in [1, 2] {
        service.receives(under(lease).limit(166).left(165).reset(10 * SECOND));
    }
    service.time_is(10 * SECOND);
    assert_eq!(service.facts.learned().external_use, permits(20), "sixteen times as much and the root");
}

#[test]
fn somebody_can_look_again_even_where_external_use_seems_to_take_all() {
    let mut service = Service::remembering(3);
    for lease in [1, 2] {
        service.receives(under(lease).limit(166).left(100).reset(10 * SECOND));
    }
    service.time_is(10 * SECOND);
    assert_eq!(service.facts.learned().external_use, permits(145));
}

#[test]
fn a_response_that_shows_less_lets_go_what_was_expected_by_then() {
    let mut service = after_a_window_with_50_external(3);
    service.grants(100);
    service.time_is(15 * SECOND);
    assert_eq!(service.facts.external_use_to_come(), permits(58), "time alone lets go of nothing");
    service.receives(under(3).limit(166).left(66).reset(20 * SECOND));
    assert_eq!(service.facts.external_use_to_come(), permits(29));
    service.time_is(19 * SECOND);
    service.receives(under(4).limit(166).left(56).reset(20 * SECOND));
    assert_eq!(
        (service.facts.external_use(), service.facts.external_use_to_come()),
        (permits(10), permits(6))
    );
}

#[test]
fn what_may_have_been_counted_later_lets_go_of_nothing() {
    let mut service = after_a_window_with_50_external(3);
    service.grants(100);
    service.time_is(15 * SECOND);
    let response = under(3).limit(166).left(126).reset(20 * SECOND);
    service.receives(response.clone().granted_at(15 * SECOND, 10));
    assert_eq!(service.facts.external_use_to_come(), permits(58), "thirty of the forty may be theirs");
    service.receives(response.clone().granted_at(11 * SECOND, 40));
    assert_eq!(service.facts.external_use_to_come(), permits(53), "it may have been sent at eleven seconds");
    service.receives(Response { known: false, ..response });
    assert_eq!(service.facts.external_use_to_come(), permits(53));
}

#[test]
fn beyond_what_was_expected_the_root_of_the_rest_is_kept() {
    let mut service = after_a_window_with_50_external(3);
    service.time_is(15 * SECOND);
    service.receives(under(3).limit(166).left(106).reset(20 * SECOND));
    assert_eq!(
        (service.facts.external_use(), service.facts.external_use_to_come()),
        (permits(60), permits(7))
    );
}

#[test]
fn while_there_is_external_use_an_eighth_of_the_budget_is_let_go_evenly() {
    let mut service = Service::remembering(3);
    assert_eq!(service.facts.external_use_margin(), Permits::ZERO);
    service.receives(under_forgotten(1).limit(166).throttled().reset(10 * SECOND));
    service.time_is(10 * SECOND);
    assert_eq!(service.facts.external_use_margin(), Permits::ZERO, "whose lease is not known");
    service.receives(under(2).limit(166).throttled().reset(20 * SECOND));
    assert_eq!(service.facts.external_use_margin(), Permits::ZERO, "in this window it is too late");
    for start in [20, 30, 40] {
        service.time_is(start * SECOND);
        assert_eq!(service.facts.external_use_margin(), permits(21));
        assert_eq!(service.facts.external_use_to_come(), Permits::ZERO, "nobody saw how much they use");
    }
    service.time_is(50 * SECOND);
    assert_eq!(service.facts.external_use_margin(), Permits::ZERO);
}

#[test]
fn an_observation_starts_the_window_it_is_seen_in() {
    let mut service = Service::new();
    service.receives(under(1).limit(166).left(100).reset(10 * SECOND));
    service.now = at(10 * SECOND);
    service.window = service.facts.grid().at(service.now);
    assert_eq!(
        service.receives(under(2).limit(166).left(160).reset(20 * SECOND)).external_use,
        Some(permits(6))
    );
}
