//! No single event stops a workspace for longer than it must: cooldowns, refusals, refused blocks, readings of a reset.

mod common;

use apportion_core::observation::Observation;
use apportion_core::policy::{Policy, Share};
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Lease, Reason};
use common::*;

/// 100 in 10 s, and 1000 in a minute.
fn two() -> Policy {
    let mut policy = policy(100, vec![team("a")]);
    policy.limits.push(limit("minute", 1_000, 60_000));
    policy
}

/// The provider asks under a lease of `a` to send nothing for so long, of the limit that is named.
fn cools_down(world: &mut World, of: &str, until_ms: u64) {
    let lease = world.ask(&Ask { caller: caller_id("other"), ..ask("a", 1) }).lease();
    let retry_at = Some(at(until_ms));
    let said = Observation { lease: Some(lease.id), retry_at, ..Observation::new(limit_id(of)) };
    world.allocator.observe(world.now, &said).expect("a known limit");
    world.decide();
}

fn until(ask: Ask, ms: u64) -> Ask {
    Ask { deadline: at(ms), ..ask }
}

#[test]
fn a_cooldown_of_a_longer_limit_that_ends_inside_a_window_wakes_those_who_wait() {
    for of in ["main", "minute"] {
        let mut world = World::new(two());
        world.go(1_000);
        cools_down(&mut world, of, 4_000);
        let waits = world.ask(&ask("a", 5)).ticket();
        world.go(9_999);
        assert_eq!(world.outcome(waits).lease().granted_at, at(4_000), "{of}");
    }
}

#[test]
fn who_would_wait_longer_than_a_cooldown_is_not_refused_in_it() {
    for of in ["main", "minute"] {
        let mut world = World::new(two());
        world.go(1_000);
        cools_down(&mut world, of, 3_000);
        let waits = world.ask(&until(ask("a", 5), 7_000)).ticket();
        let just = world.ask(&until(ask("a", 5), 3_000)).ticket();
        let refusal = world.ask(&until(ask("a", 5), 2_999)).refusal();
        assert_eq!((refusal.reason, refusal.retry_at), (Reason::DeadlineTooShort, Some(at(3_000))), "{of}");
        assert_eq!(refusal.limit, Some(limit_id(of)));
        world.go(7_000);
        assert_eq!(world.outcome(waits).lease().granted_at, at(3_000), "{of}");
        assert_eq!(world.outcome(just).lease().granted_at, at(3_000), "{of}");
    }
}

#[test]
fn a_cooldown_beyond_the_window_is_certain_until_it_ends() {
    let mut world = World::new(two());
    cools_down(&mut world, "minute", 25_000);
    let refusal = world.ask(&until(ask("a", 5), 24_999)).refusal();
    assert_eq!((refusal.reason, refusal.retry_at), (Reason::DeadlineTooShort, Some(at(25_000))));
    let waits = world.ask(&until(ask("a", 5), 25_000)).ticket();
    world.go(26_000);
    assert_eq!(world.outcome(waits).lease().granted_at, at(25_000));
}

#[test]
fn who_waits_its_time_out_in_a_cooldown_is_told_so_and_when_it_ends() {
    let mut policy = two();
    policy.holdback[Priority::Critical] = Share::from_percent(20);
    let mut world = World::new(policy);
    let waits = world.ask(&until(ask("a", 90), 8_000)).ticket();
    world.go(1_000);
    cools_down(&mut world, "minute", 8_500);
    world.go(8_001);
    let refusal = world.outcome(waits).refusal();
    assert_eq!((refusal.reason, refusal.retry_at), (Reason::ProviderCooldown, Some(at(8_500))));
    assert_eq!(refusal.limit, Some(limit_id("minute")));
}

/// Others are known to take some 30 of the 100 of each window.
fn beside_others() -> World {
    let mut policy = policy(100, vec![team("a")]);
    policy.others_memory = 4;
    let mut world = World::new(policy);
    world.now = at(8_000);
    for lease in [world.ask(&ask("a", 1)).lease(), world.ask(&ask("a", 1)).lease()] {
        hears(&mut world, &lease, 68);
    }
    world.go(10_000);
    world
}

/// A response under a lease says how much is left of the window.
fn hears(world: &mut World, lease: &Lease, remaining: u32) {
    let remaining = Some(permits(remaining));
    let said = Observation { lease: Some(lease.id), remaining, ..Observation::new(limit_id("main")) };
    world.allocator.observe(world.now, &said).expect("a known limit");
    world.decide();
}

#[test]
fn what_others_are_expected_to_use_makes_no_refusal_certain() {
    let mut world = beside_others();
    let left = world.allocator.left().get();
    assert!(left < 70, "{left} are left: nothing is kept for others");
    let first = world.ask(&ask("a", left - 1)).lease();
    let waits = world.ask(&until(ask("a", 20), 18_000)).ticket();
    world.settle(&first, left - 1, 0).expect("a report that holds");
    world.go(17_000);
    world.outcome(waits).ticket();
    // A response shows that others did not come.
    let last = world.ask(&Ask { caller: caller_id("other"), ..ask("a", 1) }).lease();
    hears(&mut world, &last, 100 - left);
    assert_eq!(world.outcome(waits).lease().granted_at, at(17_000));
}
