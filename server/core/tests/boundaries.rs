//! Boundaries move and clocks are set back: marks, returns and caps stay on the safe side.

mod common;

use apportion_core::observation::{Observation, Reset};
use apportion_core::policy::TeamPolicy;
use apportion_core::request::Lease;
use apportion_core::time::{Span, Timestamp};
use common::*;

/// A response under `lease` says that a limit's window ends at `end`.
fn hear_of_an_end(world: &mut World, now: Timestamp, lease: &Lease, limit: &str, end: Timestamp) -> bool {
    let reset = Some(Reset { at: end, within: Span::ZERO });
    let observation = Observation { lease: Some(lease.id), reset, ..Observation::new(limit_id(limit)) };
    world.allocator.observe(now, &observation).expect("a known limit").grid_changed
}

#[test]
fn permits_returned_by_a_lease_older_than_its_windows_are_granted_again() {
    let mut policy = policy(100, vec![team("a")]);
    policy.limits.push(limit("long", 100, 60_000));
    let mut world = World::new(policy);
    world.go(3_000);
    let lease = world.ask(&ask("a", 5)).lease();
    assert!(hear_of_an_end(&mut world, at(3_000), &lease, "long", at(33_000)));
    assert_eq!(world.settle(&lease, 0, 5).expect("a report that holds").accepted, permits(5));
    let tickets = world.flood(&ask("a", 1), 200);
    assert_eq!(world.sum(&tickets), 100);
}

#[test]
fn a_response_received_after_the_clock_was_set_back_counts_for_the_window_in_force() {
    let mut world = World::new(policy(100, vec![team("a")]));
    world.go(13_000);
    let lease = world.ask(&ask("a", 5)).lease();
    assert!(hear_of_an_end(&mut world, at(2_000), &lease, "main", at(18_000)));
    let (_, window_start, _) = world.allocator.unspent().next().expect("a limit");
    assert_eq!(window_start, at(8_000));
    assert_eq!(world.settle(&lease, 0, 5).expect("a report that holds").accepted, permits(5));
    let tickets = world.flood(&ask("a", 1), 200);
    assert_eq!(world.sum(&tickets), 100);
}

#[test]
fn a_request_that_counts_as_late_only_since_the_guard_grew_may_leave() {
    let mut world = World::new(policy(100, vec![team("a")]));
    world.ask(&ask("a", 100)).lease();
    world.go(8_500);
    let waits = world.ask(&ask("a", 1)).ticket();
    world.change(|policy| policy.limits[0].margins.guard = Span::from_ms(3_000));
    assert!(world.allocator.cancel(world.now, waits));
}

#[test]
fn a_cap_counts_what_another_process_booked_of_a_window_that_was_spent_at_first() {
    let capped = TeamPolicy { cap: Some(permits(5)), ..team("a") };
    let mut world = World::new(policy(100, vec![capped, team("b")]));
    world.go(8_500);
    world.allocator.window_spent(FIRST, at(10_000));
    world.set_mark("main", at(10_000), 100);
    world.change(|policy| policy.limits[0].permits = permits(150));
    world.go(10_000);
    world.ask(&ask("b", 1)).lease();
    world.ask(&ask("a", 1)).ticket();
}
