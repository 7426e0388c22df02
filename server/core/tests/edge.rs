//! Edge permits: granted where a request may be counted in either of two windows, and charged to both.

mod common;

use apportion_core::policy::{Policy, TeamPolicy};
use apportion_core::priority::Priority;
use apportion_core::request::Ask;
use common::*;

fn urgent(team: &str, n: u32) -> Ask {
    Ask { priority: Some(Priority::Critical), ..ask(team, n) }
}

fn edged(budget: u32, teams: Vec<TeamPolicy>) -> Policy {
    let mut policy = policy(budget, teams);
    policy.edge[Priority::Critical] = true;
    policy
}

#[test]
fn inside_the_guard_only_priorities_with_edge_permits_are_granted() {
    let mut world = World::new(edged(100, vec![team("a")]));
    world.go(9_500);
    let lease = world.ask(&urgent("a", 5)).lease();
    assert_eq!(lease.granted_at, at(9_500));
    world.ask(&Ask { priority: Some(Priority::Default), ..ask("a", 1) }).ticket();
    world.ask(&Ask { priority: Some(Priority::Sheddable), ..ask("a", 1) }).ticket();
}

#[test]
fn without_edge_permits_nothing_is_granted_inside_the_guard() {
    let mut world = World::new(policy(100, vec![team("a")]));
    world.go(9_000);
    world.ask(&urgent("a", 5)).lease();
    world.now = world.now + apportion_core::time::Span::from_ns(1);
    let waits = world.ask(&urgent("a", 5)).ticket();
    world.go(10_000);
    assert_eq!(world.outcome(waits).lease().granted_at, at(10_000));
}

#[test]
fn an_edge_permit_is_charged_to_both_windows() {
    let mut world = World::new(edged(100, vec![team("a")]));
    world.ask(&ask("a", 90)).lease();
    world.go(9_500);
    world.ask(&urgent("a", 10)).lease();
    world.ask(&urgent("a", 1)).ticket();
    world.go(10_000);
    assert_eq!(world.allocator.left(), permits(89));
    world.go(19_500);
    world.ask(&urgent("a", 89)).lease();
    world.ask(&urgent("a", 1)).ticket();
}

#[test]
fn an_edge_permit_needs_room_in_the_next_window_too() {
    let mut world = World::new(edged(100, vec![team("a")]));
    world.change(|policy| policy.limits[0].permits = permits(10));
    world.change(|policy| policy.largest_lease = Some(permits(100)));
    world.go(9_500);
    world.ask(&urgent("a", 10)).lease();
    let waits = world.ask(&urgent("a", 1)).ticket();
    world.go(10_000);
    world.outcome(waits).ticket();
    assert_eq!(world.allocator.left(), permits(0));
}

#[test]
fn a_cap_holds_in_both_windows() {
    let capped = TeamPolicy { cap: Some(permits(10)), ..team("a") };
    let mut world = World::new(edged(100, vec![capped]));
    world.ask(&ask("a", 4)).lease();
    world.go(9_500);
    let edge = world.flood(&urgent("a", 1), 20);
    assert_eq!(world.sum(&edge), 6);
    world.go(10_000);
    assert_eq!(world.sum(&edge), 10);
}

#[test]
fn what_comes_back_inside_the_guard_is_free_in_both_windows() {
    let mut world = World::new(edged(10, vec![team("a")]));
    world.go(9_500);
    let lease = world.ask(&urgent("a", 10)).lease();
    let waits = world.ask(&urgent("a", 4)).ticket();
    world.settle(&lease, 0, 4).expect("a report that holds");
    assert_eq!(world.outcome(waits).lease().permits, permits(4));
    world.go(10_000);
    assert_eq!(world.allocator.left(), permits(0));
}

#[test]
fn an_edge_lease_lives_into_the_next_window() {
    let mut world = World::new(edged(10, vec![team("a")]));
    world.go(9_500);
    let lease = world.ask(&urgent("a", 1)).lease();
    assert_eq!((lease.window_ends_at, lease.ends_at), (at(10_000), at(19_500)));
}

#[test]
fn a_guard_longer_than_a_second_has_edge_permits_from_its_first_instant() {
    let mut policy = edged(100, vec![team("a")]);
    policy.limits[0].margins.guard = apportion_core::time::Span::from_ms(3_000);
    let mut world = World::new(policy);
    world.go(7_500);
    assert_eq!(world.ask(&urgent("a", 5)).lease().granted_at, at(7_500));
}

/// Of the next window somebody else booked eight, nobody knows for whom: `a`, next by its weight, has two left under its cap.
fn with_a_team_near_its_next_cap(teams: Vec<TeamPolicy>) -> World {
    let capped = TeamPolicy { cap: Some(permits(10)), weight: 100, ..team("a") };
    let mut world = World::new(edged(100, [vec![capped], teams].concat()));
    world.set_mark("main", at(10_000), 8);
    world.go(9_500);
    world
}

#[test]
fn a_head_beyond_its_cap_in_the_next_window_stops_no_other() {
    let mut world = with_a_team_near_its_next_cap(vec![team("b")]);
    let (a, b) = (world.submit(&urgent("a", 5)).ticket(), world.submit(&urgent("b", 5)).ticket());
    world.decide();
    world.outcome(a).ticket();
    assert_eq!(world.outcome(b).lease().granted_at, at(9_500));
}

#[test]
fn a_smaller_request_of_the_same_team_fits_its_next_cap() {
    let mut world = with_a_team_near_its_next_cap(Vec::new());
    let other = Ask { caller: caller_id("other"), ..urgent("a", 2) };
    let (large, small) = (world.submit(&urgent("a", 5)).ticket(), world.submit(&other).ticket());
    world.decide();
    world.outcome(large).ticket();
    assert_eq!(world.outcome(small).lease().permits, permits(2));
}

#[test]
fn nothing_is_left_to_the_floor_of_a_priority_that_has_no_edge_permits() {
    let mut policy = edged(100, vec![team("a")]);
    policy.floors[Priority::Sheddable] = apportion_core::policy::Share::from_percent(10);
    let mut world = World::new(policy);
    world.go(9_500);
    world.ask(&Ask { priority: Some(Priority::Sheddable), ..ask("a", 1) }).ticket();
    let edge = world.flood(&urgent("a", 1), 100);
    assert_eq!(world.sum(&edge), 100);
}
