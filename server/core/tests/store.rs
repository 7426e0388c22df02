//! Only what was confirmed is granted: late blocks, a lost store, a lost workspace.

mod common;

use apportion_core::allocator::Effect;
use apportion_core::request::{Ask, Reason};
use common::*;

fn late() -> World {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    world.books_late = true;
    world
}

fn book(world: &mut World) {
    world.books_late = false;
    world.decide();
    world.books_late = true;
}

#[test]
fn nothing_is_granted_before_its_block_is_confirmed() {
    let mut world = late();
    let waits = world.ask(&ask("a", 5)).ticket();
    world.go(3_000);
    world.outcome(waits).ticket();
    book(&mut world);
    assert_eq!(world.outcome(waits).lease().granted_at, at(3_000));
}

#[test]
fn no_request_overtakes_one_that_waits_for_a_block() {
    let mut world = late();
    world.ask(&ask("b", 1)).ticket();
    book(&mut world);
    let large = world.ask(&ask("a", 60)).ticket();
    let small = world.ask(&Ask { caller: caller_id("other"), ..ask("a", 1) }).ticket();
    world.outcome(large).ticket();
    world.outcome(small).ticket();
    book(&mut world);
    world.outcome(large).lease();
    world.outcome(small).lease();
    assert_eq!(world.granted[1..], [large, small]);
}

#[test]
fn one_block_of_a_window_is_requested_at_a_time() {
    let mut world = late();
    for _ in 0..20 {
        world.ask(&ask("a", 1)).ticket();
    }
    let blocks = world.unbooked.iter().filter(|effect| matches!(effect, Effect::Book { .. }));
    assert_eq!(blocks.count(), 1);
}

#[test]
fn no_request_is_refused_for_want_of_a_block() {
    let mut world = late();
    let waits = world.ask(&Ask { deadline: at(0), ..ask("a", 5) }).ticket();
    book(&mut world);
    world.outcome(waits).lease();
}

#[test]
fn a_block_of_a_window_that_has_passed_grants_nothing() {
    let mut world = late();
    let waits = world.ask(&ask("a", 5)).ticket();
    world.now = at(10_000);
    let stale = std::mem::take(&mut world.unbooked);
    stale.into_iter().for_each(|effect| world.confirm(effect));
    world.decide();
    world.outcome(waits).ticket();
    book(&mut world);
    assert_eq!(world.outcome(waits).lease().window_ends_at, at(20_000));
}

#[test]
fn while_the_store_is_lost_only_what_is_booked_is_granted() {
    let mut world = late();
    let first = world.ask(&ask("a", 40)).ticket();
    book(&mut world);
    let lease = world.outcome(first).lease();
    world.unbooked.clear();
    world.allocator.set_store_lost(true);
    world.settle(&lease, 0, 10).expect("a report that holds");
    let free = world.allocator.left().get();
    assert!((10..60).contains(&free), "{free}");
    world.ask(&ask("b", free)).lease();
    // It may be back at any moment: nobody is told that there is no hope.
    let in_vain = world.ask(&Ask { deadline: at(5_000), ..ask("b", 1) }).ticket();
    world.go(5_001);
    let refusal = world.outcome(in_vain).refusal();
    assert_eq!((refusal.reason, refusal.retry_at), (Reason::StoreLost, Some(at(10_000))));
    let waits = world.ask(&Ask { deadline: at(20_000), ..ask("b", 1) }).ticket();
    world.unbooked.clear();
    world.allocator.set_store_lost(false);
    world.decide();
    book(&mut world);
    world.outcome(waits).lease();
}

#[test]
fn a_new_owner_counts_what_its_predecessor_granted_below_a_cap() {
    let mut capped = team("a");
    capped.cap = Some(permits(30));
    let mut world = World::new(policy(100, vec![capped, team("b")]));
    world.set_mark("main", at(0), 25);
    let a = world.flood(&ask("a", 1), 50);
    assert_eq!(world.sum(&a), 5);
    world.go(19_000);
    assert_eq!(world.sum(&a), 35);
}

#[test]
fn a_new_owner_counts_what_its_predecessor_booked_ahead() {
    let mut capped = team("a");
    capped.cap = Some(permits(30));
    let mut world = World::new(policy(100, vec![capped, team("b")]));
    world.set_mark("main", at(10_000), 25);
    let a = world.flood(&ask("a", 1), 50);
    world.go(9_500);
    assert_eq!(world.sum(&a), 30);
    world.go(19_000);
    assert_eq!(world.sum(&a), 35);
}

#[test]
fn a_window_that_the_ledger_reports_as_spent_grants_nothing_more() {
    let mut world = late();
    let waits = world.ask(&ask("a", 5)).ticket();
    world.unbooked.retain(|effect| matches!(effect, Effect::State(_)));
    world.allocator.window_spent(FIRST, at(0));
    world.decide();
    assert_eq!((world.allocator.left(), world.unbooked.len()), (permits(0), 1), "nothing but a statement");
    world.books_late = false;
    world.go(10_000);
    world.outcome(waits).lease();
}

#[test]
fn withdrawn_requests_leave_nothing_behind_while_a_block_is_missing() {
    let mut world = late();
    world.ask(&ask("a", 1)).ticket();
    for _ in 0..5_000 {
        let goes = world.flood(&Ask { caller: caller_id("other"), ..ask("a", 1) }, 3);
        assert!(goes.into_iter().all(|ticket| world.allocator.cancel(world.now, ticket)));
    }
    // The bound on what is kept of them is an assertion of the core.
    assert_eq!(world.allocator.waiting(), 1);
}

#[test]
fn a_process_hands_back_only_what_it_booked_itself() {
    let mut first = World::new(policy(100, vec![team("a"), team("b")]));
    first.ask(&ask("a", 10)).lease();
    let mut second = World::new(policy(100, vec![team("a"), team("b")]));
    second.marks = first.marks.clone();
    second.ask(&ask("b", 1)).lease();
    let before = first.mark("main", at(0));
    let booked = second.mark("main", at(0)).less(before);
    let (_, window_start, unspent) = second.allocator.unspent().next().expect("a limit");
    assert_eq!((window_start, unspent), (at(0), booked.less(permits(1))));
}

/// What was asked for of the window that starts there.
fn asked_of(world: &World, ms: u64) -> Vec<u32> {
    let of_window = world.unbooked.iter().filter_map(|effect| match effect {
        Effect::Book { window, permits, .. } if window.start.earliest == at(ms) => Some(permits.get()),
        _ => None,
    });
    of_window.collect()
}

#[test]
fn a_first_block_of_the_next_window_is_booked_a_second_ahead_while_grants_are_made() {
    let mut world = World::new(policy(100, vec![team("a")]));
    world.ask(&ask("a", 10)).lease();
    world.books_late = true;
    world.go(8_999);
    assert!(asked_of(&world, 10_000).is_empty());
    world.go(9_000);
    // The tenth that a second of the last window took is less than the least block.
    assert_eq!(asked_of(&world, 10_000), [3]);
    book(&mut world);
    world.decide();
    assert!(asked_of(&world, 10_000).is_empty(), "one is enough");
    world.go(10_000);
    world.ask(&ask("a", 1)).lease();
}

#[test]
fn without_requests_no_block_is_booked_ahead() {
    let mut world = World::new(policy(100, vec![team("a")]));
    world.go(1_000);
    world.books_late = true;
    world.go(9_000);
    assert!(asked_of(&world, 10_000).is_empty());
}

#[test]
fn no_more_is_booked_than_the_next_seconds_need() {
    let mut world = World::new(policy(3_200, vec![team("a")]));
    for n in 1..=1_000 {
        let lease = world.ask(&ask("a", 1)).lease();
        if n % 2 == 0 {
            world.settle(&lease, 0, 1).expect("a report that holds");
        }
        // A block is a thirty-second of the budget, or what a second takes; half of one may be left when the next comes.
        let booked = world.mark("main", at(0)).get();
        assert!(booked <= n + 150, "{booked} booked of {n}");
    }
}
