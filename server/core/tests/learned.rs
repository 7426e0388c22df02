//! What is learned of the provider lasts: external use is booked, a throttled window is written down, a refused block is requested
//! again.

mod common;

use apportion_core::allocator::Effect;
use apportion_core::observation::{Observation, Reset};
use apportion_core::time::Span;
use common::*;

/// A response of the first window.
fn response() -> Observation {
    let reset = Some(Reset { at: at(10_000), within: Span::ZERO });
    Observation { reset, ..Observation::new(limit_id("main")) }
}

fn world() -> World {
    World::new(policy(100, vec![team("a"), team("b")]))
}

#[test]
fn external_use_is_booked_and_survives_a_restart() {
    let mut first = world();
    first.ask(&ask("a", 10)).lease();
    first.allocator.observe(first.now, &Observation { remaining: Some(permits(40)), ..response() });
    first.decide();
    assert_eq!(first.allocator.left(), permits(40));
    let mark = first.mark("main", at(0));
    assert!(mark >= permits(60), "{mark} are booked");
    let mut second = world();
    second.marks = first.marks;
    let rest = second.flood(&ask("b", 1), 100);
    assert_eq!(second.sum(&rest), 100 - mark.get());
}

#[test]
fn external_use_is_counted_once() {
    let mut world = world();
    world.ask(&ask("a", 10)).lease();
    for _ in 0..5 {
        world.allocator.observe(world.now, &Observation { remaining: Some(permits(40)), ..response() });
        world.decide();
        assert_eq!(world.allocator.left(), permits(40));
    }
    world.ask(&ask("a", 15)).lease();
    world.allocator.observe(world.now, &Observation { remaining: Some(permits(20)), ..response() });
    world.decide();
    assert_eq!(world.allocator.left(), permits(20));
    let rest = world.flood(&ask("b", 1), 100);
    assert_eq!(world.sum(&rest), 20);
}

#[test]
fn a_throttled_window_is_written_down_once() {
    let mut world = world();
    world.ask(&ask("a", 10)).lease();
    world.books_late = true;
    for _ in 0..3 {
        world.allocator.observe(world.now, &Observation { throttled: true, ..response() });
        world.decide();
    }
    let written =
        |effect: &&Effect| matches!(effect, Effect::Exhausted { budget, .. } if *budget == permits(100));
    assert_eq!(world.unbooked.iter().filter(written).count(), 1);
    world.ask(&ask("b", 1)).ticket();
}

#[test]
fn a_block_that_was_refused_for_a_moment_is_requested_again() {
    let mut world = world();
    world.books_late = true;
    let waits = world.ask(&ask("a", 5)).ticket();
    world.unbooked.clear();
    world.decide();
    assert!(world.unbooked.is_empty());
    world.allocator.book_refused(FIRST, at(0));
    world.books_late = false;
    world.go(1);
    world.outcome(waits).lease();
}

#[test]
fn a_window_that_turns_out_to_have_started_earlier_is_spent_with_what_was_granted_then() {
    let mut world = world();
    world.go(6_000);
    world.ask(&ask("a", 100)).lease();
    world.go(12_000);
    let lease = world.ask(&ask("a", 1)).lease();
    let reset = Some(Reset { at: at(15_000), within: Span::ZERO });
    let moved = Observation { reset, lease: Some(lease.id), ..Observation::new(limit_id("main")) };
    let finding = world.allocator.observe(world.now, &moved).expect("a known limit");
    assert!(finding.grid_changed);
    // The hundred of the sixth second are counted in the window from the fifth to the fifteenth.
    let waits = world.ask(&ask("b", 1)).ticket();
    world.go(14_000);
    world.outcome(waits).ticket();
    world.go(25_000);
    world.outcome(waits).lease();
}
