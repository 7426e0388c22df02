//! Priorities: urgent first, floors for the others, and the highest that is allowed along the path.

mod common;

use apportion_core::policy::{Share, TeamPolicy};
use apportion_core::priority::Priority;
use apportion_core::request::Ask;
use common::*;

fn at_priority(team: &str, n: u32, priority: Priority) -> Ask {
    Ask { priority: Some(priority), ..ask(team, n) }
}

#[test]
fn the_most_urgent_comes_first_in_any_order_of_arrival() {
    let mut world = World::new(policy(10, vec![team("a"), team("b")]));
    world.ask(&ask("a", 10)).lease();
    let tickets = [Priority::Sheddable, Priority::Default, Priority::Critical]
        .map(|priority| world.ask(&at_priority("a", 1, priority)).ticket());
    world.go(19_000);
    assert_eq!(world.granted[1..], [tickets[2], tickets[1], tickets[0]]);
}

#[test]
fn a_team_gets_no_more_by_asking_urgently() {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    let a = world.flood(&at_priority("a", 1, Priority::Critical), 40);
    let mut rest = world.flood(&at_priority("a", 1, Priority::Default), 900);
    let b = world.flood(&at_priority("b", 1, Priority::Default), 900);
    world.go(5 * WINDOW_MS);
    rest.extend(a);
    let (a, b) = (world.sum(&rest), world.sum(&b));
    // The first forty came when nobody else was there; a debt is cut to one window's part.
    assert_eq!(a + b, 600);
    assert!(a.abs_diff(b) <= 100, "{a} : {b}");
}

#[test]
fn a_floor_serves_a_less_urgent_priority() {
    let mut policy = policy(100, vec![team("a"), team("b")]);
    policy.floors[Priority::Sheddable] = Share::from_percent(10);
    let mut world = World::new(policy);
    world.flood(&ask("a", 1), 100);
    let urgent = world.flood(&at_priority("a", 1, Priority::Critical), 900);
    let shed = world.flood(&at_priority("b", 1, Priority::Sheddable), 900);
    world.go(10_000);
    assert_eq!((world.sum(&urgent), world.sum(&shed)), (90, 10));
    world.go(20_000);
    assert_eq!((world.sum(&urgent), world.sum(&shed)), (180, 20));
}

#[test]
fn without_a_floor_a_less_urgent_priority_gets_what_is_left() {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    world.flood(&ask("a", 1), 100);
    let urgent = world.flood(&at_priority("a", 1, Priority::Critical), 150);
    let shed = world.flood(&at_priority("b", 1, Priority::Sheddable), 900);
    world.go(10_000);
    assert_eq!((world.sum(&urgent), world.sum(&shed)), (100, 0));
    world.go(29_000);
    assert_eq!(world.sum(&urgent) + world.sum(&shed), 200);
    assert_eq!(world.sum(&urgent), 150);
}

#[test]
fn a_small_floor_accumulates_to_a_large_request() {
    let mut policy = policy(100, vec![team("a"), team("b")]);
    policy.floors[Priority::Sheddable] = Share::from_percent(5);
    let mut world = World::new(policy);
    world.flood(&at_priority("a", 1, Priority::Critical), 990);
    let large = world.flood(&at_priority("b", 10, Priority::Sheddable), 50);
    let windows: Vec<u32> = (1..=6)
        .map(|window| {
            world.go(window * WINDOW_MS);
            world.sum(&large)
        })
        .collect();
    assert!(windows.contains(&10) && windows[5] >= 20 && windows[5] <= 40, "{windows:?}");
}

#[test]
fn the_highest_priority_along_the_path_counts() {
    let top = TeamPolicy { highest_priority: Priority::Default, ..team("top") };
    let leaf = part("leaf", "top");
    let shed = TeamPolicy { highest_priority: Priority::Sheddable, ..part("shed", "top") };
    let mut world = World::new(policy(100, vec![top, leaf, shed, team("free")]));
    let mut served = |team: &str, priority| world.ask(&at_priority(team, 1, priority)).lease().priority;
    assert_eq!(served("leaf", Priority::Critical), Priority::Default);
    assert_eq!(served("leaf", Priority::Sheddable), Priority::Sheddable);
    assert_eq!(served("shed", Priority::Critical), Priority::Sheddable);
    assert_eq!(served("free", Priority::Critical), Priority::Critical);
}

#[test]
fn a_request_that_names_no_priority_is_served_at_its_teams() {
    let shed = TeamPolicy { priority: Priority::Sheddable, ..team("shed") };
    let mut world = World::new(policy(100, vec![shed, team("plain")]));
    assert_eq!(world.ask(&ask("shed", 1)).lease().priority, Priority::Sheddable);
    assert_eq!(world.ask(&ask("plain", 1)).lease().priority, Priority::Default);
}

/// Everything is held back for the most urgent at first, and three tenths are the floor of the least urgent.
fn all_held_back() -> World {
    let mut policy = policy(100, vec![team("a"), team("b")]);
    policy.holdback[Priority::Critical] = Share::from_percent(100);
    policy.floors[Priority::Sheddable] = Share::from_percent(30);
    World::new(policy)
}

fn waits_while_everything_is_spent() -> (World, apportion_core::request::Ticket) {
    let mut world = all_held_back();
    world.ask(&at_priority("a", 100, Priority::Critical)).lease();
    let shed = world.ask(&at_priority("b", 25, Priority::Sheddable)).ticket();
    (world, shed)
}

#[test]
fn a_floor_goes_before_the_holdback_when_a_window_opens() {
    let (mut world, shed) = waits_while_everything_is_spent();
    world.go(10_000);
    assert_eq!(world.outcome(shed).lease().granted_at, at(10_000));
}

#[test]
fn a_request_that_waited_at_the_opening_has_its_floor_though_the_call_comes_late() {
    let (mut world, shed) = waits_while_everything_is_spent();
    world.now = at(10_003);
    world.allocator.advance(world.now);
    world.now = at(10_004);
    world.decide();
    assert_eq!(world.outcome(shed).lease().granted_at, at(10_004));
}

#[test]
fn a_request_after_the_opening_waits_for_what_is_held_back() {
    let mut world = all_held_back();
    world.go(12_000);
    let shed = world.ask(&at_priority("b", 25, Priority::Sheddable)).ticket();
    world.go(12_249);
    world.outcome(shed).ticket();
    world.go(13_000);
    assert_eq!(world.outcome(shed).lease().granted_at, at(12_250));
}
