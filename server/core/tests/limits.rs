//! Several limits: a grant is charged to all of them or to none.

mod common;

use apportion_core::policy::{Policy, TeamPolicy};
use apportion_core::request::{Ask, Reason};
use apportion_core::time::Span;
use common::*;

/// 100 in 10 s, and so many in a minute.
fn two(per_minute: u32, teams: Vec<TeamPolicy>) -> Policy {
    let mut policy = policy(100, teams);
    policy.limits.push(limit("minute", per_minute, 60_000));
    policy
}

#[test]
fn the_longer_limit_binds_when_it_is_the_scarcer() {
    let mut world = World::new(two(250, vec![team("a")]));
    let tickets = world.flood(&ask("a", 1), 600);
    let sums: Vec<u32> = (1..=7)
        .map(|window| {
            world.go(window * WINDOW_MS - 1);
            world.sum(&tickets)
        })
        .collect();
    assert_eq!(sums[5], 250);
    assert!(sums.windows(2).all(|pair| pair[1] - pair[0] <= 100), "{sums:?}");
    assert_eq!(sums[6], 350);
}

#[test]
fn a_grant_is_charged_to_all_or_to_none() {
    let mut world = World::new(two(150, vec![team("a")]));
    world.ask(&ask("a", 100)).lease();
    world.go(19_000);
    let large = world.ask(&ask("a", 60)).ticket();
    assert_eq!(world.allocator.left(), permits(100));
    let other = Ask { caller: caller_id("other"), ..ask("a", 50) };
    world.ask(&other).lease();
    world.outcome(large).ticket();
    world.go(59_999);
    world.outcome(large).ticket();
    world.go(60_000);
    world.outcome(large).lease();
}

#[test]
fn a_refusal_names_the_limit_that_stopped_it() {
    let mut world = World::new(two(150, vec![team("a")]));
    world.ask(&ask("a", 100)).lease();
    let soon = Ask { deadline: at(5_000), ..ask("a", 1) };
    let refusal = world.ask(&soon).refusal();
    assert_eq!(refusal.reason, Reason::DeadlineTooShort);
    assert_eq!((refusal.limit, refusal.retry_at), (Some(limit_id("main")), Some(at(10_000))));
    world.go(19_000);
    world.ask(&ask("a", 50)).lease();
    let soon = Ask { deadline: at(50_000), ..ask("a", 1) };
    let refusal = world.ask(&soon).refusal();
    assert_eq!((refusal.limit, refusal.retry_at), (Some(limit_id("minute")), Some(at(60_000))));
}

#[test]
fn a_lease_lives_as_long_as_the_first_of_its_windows() {
    let mut policy = two(150, vec![team("a")]);
    policy.limits[1].phase = Span::from_ms(5_000);
    let mut world = World::new(policy);
    let lease = world.ask(&ask("a", 10)).lease();
    assert_eq!(lease.ends_at, at(4_500));
    world.go(6_000);
    let lease = world.ask(&ask("a", 10)).lease();
    assert_eq!(lease.ends_at, at(9_500));
}

#[test]
fn the_phase_sets_where_windows_start() {
    let mut policy = policy(100, vec![team("a")]);
    policy.limits[0].phase = Span::from_ms(4_000);
    let mut world = World::new(policy);
    let first = world.ask(&ask("a", 100)).lease();
    assert_eq!(first.window_ends_at, at(4_000));
    let waits = world.ask(&ask("a", 100)).ticket();
    world.go(3_999);
    world.outcome(waits).ticket();
    world.go(4_000);
    assert_eq!(world.outcome(waits).lease().window_ends_at, at(14_000));
}

#[test]
fn returned_permits_count_only_while_all_their_windows_are_open() {
    let mut policy = two(100, vec![team("a")]);
    policy.limits[1].phase = Span::from_ms(5_000);
    let mut world = World::new(policy);
    let lease = world.ask(&ask("a", 80)).lease();
    world.go(6_000);
    world.settle(&lease, 0, 80).expect("a report that holds");
    // The minute's new window never knew these permits; the short window has 20 left.
    let tickets = world.flood(&ask("a", 1), 300);
    world.go(9_000);
    assert_eq!(world.sum(&tickets), 20);
    world.go(64_999);
    assert_eq!(world.sum(&tickets), 100);
}

#[test]
fn the_limit_with_the_shortest_window_is_the_primary_one_at_any_position() {
    let mut policy = two(250, vec![team("a")]);
    policy.limits.reverse();
    let mut world = World::new(policy);
    let lease = world.ask(&ask("a", 10)).lease();
    assert_eq!((lease.window_ends_at, lease.left), (at(10_000), permits(90)));
}

#[test]
fn a_limit_added_later_starts_with_what_was_granted_before() {
    let mut world = World::new(policy(100, vec![team("a")]));
    for start in [0, 10_000, 20_000] {
        world.go(start);
        world.ask(&ask("a", 50)).lease();
    }
    world.change(|policy| policy.limits.push(limit("minute", 200, 60_000)));
    let tickets = world.flood(&ask("a", 1), 400);
    world.go(59_999);
    // What was booked of windows that are over and never granted counts too.
    let in_the_minute = world.sum(&tickets);
    assert!((35..=50).contains(&in_the_minute), "{in_the_minute}");
    world.go(69_999);
    assert_eq!(world.sum(&tickets), in_the_minute + 100);
}
