//! A request that would take less gets as much as the rules allow, and never less than its least.

mod common;

use apportion_core::policy::{Share, TeamPolicy};
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Reason};
use common::*;

fn between(team: &str, least: u32, most: u32) -> Ask {
    Ask { min_permits: permits(least), ..ask(team, most) }
}

#[test]
fn it_gets_all_when_there_is_enough() {
    let mut world = World::new(policy(100, vec![team("a")]));
    assert_eq!(world.ask(&between("a", 1, 60)).lease().permits, permits(60));
    assert_eq!(world.ask(&between("a", 1, 60)).lease().permits, permits(40));
}

#[test]
fn it_never_gets_less_than_its_least() {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    world.ask(&ask("b", 95)).lease();
    let waits = world.ask(&between("a", 6, 60)).ticket();
    world.go(9_999);
    world.outcome(waits).ticket();
    world.go(10_000);
    // Half of the window is kept for b, which asked for a lot in the last one.
    assert_eq!(world.outcome(waits).lease().permits, permits(50));
}

#[test]
fn a_cap_on_the_path_cuts_it() {
    let top = TeamPolicy { cap: Some(permits(30)), ..team("top") };
    let leaf = TeamPolicy { cap: Some(permits(20)), ..part("leaf", "top") };
    let mut world = World::new(policy(100, vec![top, leaf, part("other", "top")]));
    assert_eq!(world.ask(&between("leaf", 1, 60)).lease().permits, permits(20));
    assert_eq!(world.ask(&between("other", 1, 60)).lease().permits, permits(10));
}

#[test]
fn what_is_held_back_for_urgent_requests_is_not_given() {
    let mut policy = policy(100, vec![team("a"), team("b")]);
    policy.holdback[Priority::Critical] = Share::from_percent(20);
    let mut world = World::new(policy);
    assert_eq!(world.ask(&between("a", 1, 100)).lease().permits, permits(80));
    let urgent = Ask { priority: Some(Priority::Critical), ..between("b", 1, 100) };
    assert_eq!(world.ask(&urgent).lease().permits, permits(20));
}

#[test]
fn the_largest_lease_bounds_only_its_least() {
    let mut policy = policy(100, vec![team("a")]);
    policy.largest_lease = Some(permits(8));
    let mut world = World::new(policy);
    assert_eq!(world.ask(&between("a", 9, 20)).reason(), Reason::TooLarge);
    assert!(world.ask(&between("a", 8, 8)).lease().permits <= permits(8));
    let more = world.ask(&between("a", 1, 20)).lease();
    assert!(more.permits <= permits(8), "a lease of {} is larger than the largest, 8", more.permits);
}

#[test]
fn a_longer_limit_cuts_it_too() {
    let mut policy = policy(100, vec![team("a")]);
    policy.limits.push(limit("minute", 130, 60_000));
    let mut world = World::new(policy);
    world.ask(&ask("a", 100)).lease();
    world.go(10_000);
    assert_eq!(world.ask(&between("a", 10, 60)).lease().permits, permits(30));
}
