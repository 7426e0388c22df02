//! No single event stops a workspace for longer than it must: cooldowns, refusals, refused blocks, readings of a reset.

mod common;

use apportion_core::allocator::{Allocator, Effect};
use apportion_core::bounds::Bounds;
use apportion_core::facts::{Finding, Learned, PhaseInterval};
use apportion_core::observation::{Observation, Reset};
use apportion_core::policy::{Margins, Policy, Share};
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Lease, Reason, Ticket};
use apportion_core::time::Span;
use std::collections::BTreeMap;

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
    let reply = Observation { lease: Some(lease.id), retry_at, ..Observation::new(limit_id(of)) };
    world.allocator.observe(world.now, &reply).expect("a known limit");
    world.decide();
}

fn until(ask: Ask, ms: u64) -> Ask {
    Ask { deadline: at(ms), ..ask }
}

#[test]
fn a_cooldown_of_a_longer_limit_that_ends_inside_a_window_wakes_waiting_requests() {
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
fn a_request_that_can_outwait_a_cooldown_is_not_refused_in_it() {
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
fn a_request_that_expires_in_a_cooldown_is_refused_for_it_with_its_end() {
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
    policy.external_use_memory = 4;
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
    let reply = Observation { lease: Some(lease.id), remaining, ..Observation::new(limit_id("main")) };
    world.allocator.observe(world.now, &reply).expect("a known limit");
    world.decide();
}

#[test]
fn expected_external_use_makes_no_refusal_certain() {
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

/// A reading of a reset under a lease, off by so much at the most.
fn reads(world: &mut World, reset_ms: u64, within_ms: u64) -> Finding {
    let lease = world.ask(&Ask { caller: caller_id("other"), ..ask("a", 1) }).lease();
    let reset = Some(Reset { at: at(reset_ms), within: Span::from_ms(within_ms) });
    let reply = Observation { lease: Some(lease.id), reset, ..Observation::new(limit_id("main")) };
    let finding = world.allocator.observe(world.now, &reply).expect("a known limit");
    world.decide();
    finding
}

/// 100 in so many milliseconds, with a margin of 100 ms after the start and a guard of 850 ms.
fn windows_of(window_ms: u64) -> World {
    let mut limit = limit("main", 100, window_ms);
    limit.margins = Margins::DEFAULT;
    let mut world = World::new(Policy::plain(limit, vec![team("a")]));
    world.go(200);
    world
}

#[test]
fn a_reading_that_would_leave_no_time_to_grant_in_is_counted_and_ignored() {
    for (window_ms, reset_ms, within_ms) in [(10_000, 5_050, 4_900), (2_700, 1_350, 1_000)] {
        let mut world = windows_of(window_ms);
        let finding = reads(&mut world, reset_ms, within_ms);
        assert!(finding.vague && !finding.grid_changed && !finding.durable, "{finding:?}");
        assert_eq!(world.allocator.limits_now(world.now)[0].ignored, 1);
        world.go(2 * window_ms + 200);
        world.ask(&ask("a", 5)).lease();
    }
}

#[test]
fn the_widest_reading_that_leaves_an_instant_is_believed_and_grants_in_it() {
    // From 500 + 9050 + 100 on, until 10 500 - 850.
    let mut world = windows_of(10_000);
    let finding = reads(&mut world, 5_025, 4_525);
    assert!(finding.grid_changed && !finding.vague, "{finding:?}");
    world.go(19_000);
    let waits = world.ask(&ask("a", 5)).ticket();
    world.go(40_000);
    assert_eq!(world.outcome(waits).lease().granted_at, at(19_650));
}

#[test]
fn new_margins_that_leave_no_time_between_a_learned_start_and_end_restore_the_policys_windows() {
    let mut world = windows_of(10_000);
    assert!(reads(&mut world, 5_000, 3_500).grid_changed);
    world.books_late = true;
    world.change(|policy| policy.limits[0].margins.guard = Span::from_ms(3_000));
    let learned = world.unbooked.iter().find_map(|effect| match effect {
        Effect::Learn { learned, .. } => Some(*learned),
        _ => None,
    });
    assert_eq!(learned.expect("it is written").phase, None);
    world.books_late = false;
    world.go(21_000);
    assert_eq!(world.ask(&ask("a", 5)).lease().window_ends_at, at(30_000));
}

#[test]
fn a_durable_start_that_leaves_no_time_under_the_policy_of_now_is_not_believed() {
    let phase = Some(PhaseInterval { least: Span::from_ms(1_500), width: Span::from_ms(7_000) });
    let learned = BTreeMap::from([(limit_id("main"), Learned { phase, ..Learned::default() })]);
    for (guard_ms, starts_ms) in [(1_000, 11_500), (3_000, 20_000)] {
        let mut limit = limit("main", 100, 10_000);
        let (start, guard) = (Span::from_ms(100), Span::from_ms(guard_ms));
        limit.margins = Margins { start, guard, life: Span::ZERO };
        let policy = Policy::plain(limit, vec![team("a")]);
        let allocator = Allocator::with_learned(policy.clone(), Bounds::DEFAULT, &learned, 1, at(0));
        let mut world = World { allocator: allocator.expect("a policy that holds"), ..World::new(policy) };
        world.go(20_200);
        assert_eq!(world.allocator.limits_now(world.now)[0].window.start.earliest, at(starts_ms));
        world.ask(&ask("a", 5)).lease();
    }
}

/// An urgent request waits for an edge permit, and the block of the next window that it lacks is refused.
fn refused_a_block() -> (World, Ticket) {
    let mut limit = limit("main", 100, 30_000);
    limit.margins.guard = Span::from_ms(9_000);
    let mut policy = Policy { largest_lease: Some(permits(100)), ..Policy::plain(limit, vec![team("a")]) };
    policy.edge[Priority::Critical] = true;
    let mut world = World::new(policy);
    world.ask(&ask("a", 1)).lease();
    world.go(22_000);
    world.books_late = true;
    let waits = world.ask(&Ask { priority: Some(Priority::Critical), ..ask("a", 90) }).ticket();
    (world, waits)
}

#[test]
fn a_refused_block_is_requested_again_at_a_deadline_after_growing_pauses() {
    let (mut world, waits) = refused_a_block();
    let mut asked = 0;
    while world.now < at(30_000) {
        for effect in std::mem::take(&mut world.unbooked) {
            let Effect::Book { series, window, ahead, .. } = effect else { continue };
            assert_eq!(ahead, Span::from_ms(9_000));
            world.allocator.book_refused(series, window.start.earliest);
            asked += 1;
        }
        world.decide();
        assert!(world.unbooked.is_empty(), "it asks again at once");
        let next = world.allocator.next_deadline().expect("somebody waits");
        assert!(next > world.now, "it would be woken at once, again and again");
        world.now = next;
        world.decide();
    }
    assert!((50..250).contains(&asked), "{asked} times in eight seconds");
    world.outcome(waits).ticket();
}

#[test]
fn a_block_that_is_booked_after_it_was_refused_is_granted_from_inside_the_guard() {
    let (mut world, waits) = refused_a_block();
    for effect in std::mem::take(&mut world.unbooked) {
        let Effect::Book { series, window, .. } = effect else { continue };
        world.allocator.book_refused(series, window.start.earliest);
    }
    world.decide();
    world.books_late = false;
    world.go(22_010);
    assert!(world.outcome(waits).lease().granted_at <= at(22_002));
}
