//! The budget: down at once, up or down for later windows when different leases agree.

use super::*;

#[test]
fn one_response_lowers_the_current_window_only() {
    let mut service = Service::new();
    let finding = service.receives(under(1).limit(100).reset(10 * SECOND));
    assert_eq!(finding.budget, Some(permits(100)));
    assert!(!finding.durable);
    service.time_is(10 * SECOND);
    assert_eq!(service.budget, permits(166));
}

#[test]
fn one_response_raises_nothing() {
    let mut service = Service::new();
    let finding = service.receives(under(1).limit(1_000).reset(10 * SECOND));
    assert_eq!((finding.budget, service.facts.budget()), (None, permits(166)));
}

#[test]
fn two_leases_that_agree_set_the_budget_of_the_next_window_up_or_down() {
    for budget in [100, 332] {
        let mut service = Service::new();
        service.receives(under(1).limit(budget).reset(10 * SECOND));
        let finding = service.receives(under(2).limit(budget).reset(10 * SECOND));
        assert!(finding.durable);
        assert_eq!(service.facts.learned().permits, Some(permits(budget)));
        service.time_is(10 * SECOND);
        assert_eq!(service.budget, permits(budget));
    }
}

#[test]
fn a_raise_is_never_in_force_at_once() {
    let mut service = Service::new();
    service.receives(under(1).limit(332).reset(10 * SECOND));
    assert_eq!(service.receives(under(2).limit(332).reset(10 * SECOND)).budget, None);
    assert_eq!(service.budget, permits(166));
}

#[test]
fn one_lease_does_not_agree_with_itself() {
    let mut service = Service::new();
    for _ in 0..5 {
        service.receives(under(1).limit(332).reset(10 * SECOND));
    }
    assert_eq!(service.facts.budget(), permits(166));
}

#[test]
fn leases_that_say_different_things_do_not_agree() {
    let mut service = Service::new();
    service.receives(under(1).limit(331).reset(10 * SECOND));
    service.receives(under(2).limit(332).reset(10 * SECOND));
    assert_eq!(service.facts.budget(), permits(166));
}

#[test]
fn a_response_that_confirms_the_budget_outweighs_one_that_contradicted_it() {
    let mut service = Service::new();
    service.receives(under(1).limit(100).reset(10 * SECOND));
    service.receives(under(2).limit(166).reset(10 * SECOND));
    service.receives(under(3).limit(100).reset(10 * SECOND));
    assert_eq!(service.facts.budget(), permits(166));
}

#[test]
fn forgotten_leases_lower_the_current_window_and_agree_on_nothing() {
    let mut service = Service::new();
    service.receives(under_forgotten(1).limit(100).reset(10 * SECOND));
    let finding = service.receives(under_forgotten(2).limit(90).reset(10 * SECOND));
    service.receives(under_forgotten(3).limit(90).reset(10 * SECOND));
    assert_eq!((finding.budget, service.facts.budget()), (Some(permits(90)), permits(166)));
}

#[test]
fn a_late_response_of_an_earlier_window_lowers_nothing() {
    let mut service = Service::new();
    service.time_is(10 * SECOND + 500);
    for lease in [1, 2] {
        let finding = service.receives(under(lease).limit(100).left(0).throttled().reset(10 * SECOND));
        assert_eq!(finding, Finding::default());
    }
    assert_eq!(service.facts.budget(), permits(166));
}

#[test]
fn without_a_reset_the_window_is_that_of_the_lease() {
    let mut service = Service::new();
    let first = service.window;
    service.time_is(11 * SECOND);
    assert_eq!(service.receives(under(1).limit(100).of_window(first)).budget, None);
    let second = service.window;
    assert_eq!(service.receives(under(1).limit(100).of_window(second)).budget, Some(permits(100)));
}

#[test]
fn without_a_reset_and_a_lease_a_response_belongs_to_no_window() {
    let mut service = Service::new();
    let finding = service.receives(under_forgotten(1).limit(100).left(0).throttled());
    assert_eq!(finding, Finding::default());
}

#[test]
fn a_changed_policy_counts_from_the_next_window_and_replaces_what_was_learned() {
    let mut service = Service::new();
    service.receives(under(1).limit(332).reset(10 * SECOND));
    service.receives(under(2).limit(332).reset(10 * SECOND));
    assert!(!service.facts.set_policy(&policy(166, 10 * SECOND, 0), 0));
    assert_eq!(service.facts.budget(), permits(332));
    assert!(service.facts.set_policy(&policy(120, 10 * SECOND, 0), 0));
    assert_eq!((service.budget, service.facts.budget()), (permits(166), permits(120)));
}

#[test]
fn a_response_of_the_next_window_lowers_the_next_one_only() {
    let mut service = Service::new();
    service.time_is(9_900);
    for lease in [1, 2] {
        assert_eq!(service.receives(under(lease).limit(100).reset(20 * SECOND)).budget, None);
    }
    service.time_is(10 * SECOND);
    assert_eq!(service.budget, permits(100));
}
