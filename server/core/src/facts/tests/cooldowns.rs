//! Throttled responses and times to retry at.

use super::*;

#[test]
fn a_throttled_response_exhausts_its_window() {
    let mut service = Service::new();
    let finding = service.receives(under(1).throttled().reset(10 * SECOND));
    assert_eq!(finding, Finding { exhausted: true, ..Finding::default() });
}

#[test]
fn a_throttled_response_of_an_earlier_window_exhausts_nothing() {
    let mut service = Service::new();
    service.time_is(10 * SECOND + 100);
    assert!(!service.receives(under(1).throttled().reset(10 * SECOND)).exhausted);
}

#[test]
fn a_throttled_response_of_the_next_window_exhausts_what_would_be_sent_now() {
    let mut service = Service::new();
    service.time_is(9_900);
    assert!(service.receives(under(1).throttled().reset(20 * SECOND)).exhausted);
}

#[test]
fn a_throttled_response_exhausts_even_if_its_reset_contradicts() {
    let mut service = Service::new();
    service.time_is(SECOND);
    let finding = service.receives(under(1).throttled().reset(4 * SECOND));
    assert!(finding.exhausted && finding.grid_changed);
}

#[test]
fn a_retry_beyond_the_window_is_a_cooldown_that_is_written() {
    let mut service = Service::new();
    let finding = service.receives(under(1).throttled().reset(10 * SECOND).retry_at(40 * SECOND));
    assert_eq!(finding.stop_until, Some(at(40 * SECOND)));
    assert!(finding.exhausted && finding.durable);
    service.time_is(35 * SECOND);
    assert_eq!(service.facts.learned().cooldown_until, Some(at(40 * SECOND)));
    service.time_is(40 * SECOND);
    assert_eq!(service.facts.learned().cooldown_until, None);
}

#[test]
fn a_cooldown_never_becomes_shorter() {
    let mut service = Service::new();
    service.receives(under(1).throttled().reset(10 * SECOND).retry_at(40 * SECOND));
    let finding = service.receives(under(2).throttled().reset(10 * SECOND).retry_at(30 * SECOND));
    assert_eq!((finding.stop_until, finding.durable), (None, false));
    assert_eq!(service.facts.learned().cooldown_until, Some(at(40 * SECOND)));
}

#[test]
fn a_retry_inside_an_exhausted_window_adds_nothing() {
    let mut service = Service::new();
    let finding = service.receives(under(1).throttled().reset(10 * SECOND).retry_at(5 * SECOND));
    assert_eq!(finding, Finding { exhausted: true, ..Finding::default() });
}

#[test]
fn a_retry_without_a_throttled_window_stops_until_then_only() {
    let mut service = Service::new();
    let finding = service.receives(under(1).retry_at(5 * SECOND));
    assert_eq!((finding.stop_until, finding.exhausted), (Some(at(5 * SECOND)), false));
}

#[test]
fn a_forgotten_lease_stops_the_current_window_at_most() {
    let mut service = Service::new();
    let finding = service.receives(under_forgotten(1).throttled().retry_at(3_600 * SECOND));
    assert_eq!((finding.stop_until, finding.exhausted), (Some(at(10 * SECOND)), true));
}
