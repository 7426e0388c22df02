//! Idle windows, clocks that go back, boundaries that move, and the largest numbers.

mod common;

use apportion_core::allocator::Allocator;
use apportion_core::bounds::Bounds;
use apportion_core::observation::{Observation, Reset};
use apportion_core::permits::Permits;
use apportion_core::policy::{TeamPolicy, WEIGHT_MAX};
use apportion_core::request::{Ask, Reason};
use apportion_core::time::{Span, Timestamp};
use common::random::Random;
use common::*;

#[test]
fn idle_windows_cost_nothing_and_save_up_nothing() {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    world.ask(&ask("a", 100)).lease();
    world.go(100 * 365 * 86_400_000);
    assert_eq!(world.allocator.left(), permits(100));
    world.ask(&ask("b", 100)).lease();
    world.ask(&ask("a", 1)).ticket();
}

#[test]
fn an_earlier_now_counts_as_the_latest_one() {
    let mut world = World::new(policy(100, vec![team("a")]));
    world.ask(&ask("a", 1)).lease();
    world.go(9_500);
    let waits = world.ask(&ask("a", 1)).ticket();
    // The window is closed: an old clock does not open it again.
    world.allocator.decide(at(1_000));
    assert_eq!(world.allocator.next_answer(), None);
    world.go(10_000);
    let lease = world.outcome(waits).lease();
    assert_eq!((lease.granted_at, lease.window_ends_at), (at(10_000), at(20_000)));
}

#[test]
fn a_clock_that_goes_back_grants_no_window_twice() {
    let mut world = World::new(policy(10, vec![team("a")]));
    world.ask(&ask("a", 10)).lease();
    world.go(10_000);
    world.ask(&ask("a", 10)).lease();
    world.now = at(2_000);
    world.ask(&ask("a", 1)).ticket();
    world.now = Timestamp::ZERO;
    world.ask(&ask("a", 1)).ticket();
    assert_eq!(world.allocator.left(), permits(0));
    assert_eq!(world.allocator.next_deadline(), Some(at(20_000)));
}

#[test]
fn the_largest_numbers_are_served() {
    let most = Permits::MAX.get();
    let heavy = TeamPolicy {
        weight: WEIGHT_MAX,
        reservation: Permits::MAX,
        cap: Some(Permits::MAX),
        protected: true,
        ..team("a")
    };
    let mut world = World::new(policy(most, vec![heavy, team("b")]));
    assert_eq!(world.ask(&ask("a", most)).lease().permits, Permits::MAX);
    for window in 1..5 {
        world.ask(&ask("a", most)).ticket();
        world.ask(&Ask { min_permits: permits(1), ..ask("b", most) });
        world.go(window * WINDOW_MS + 9_000);
    }
    assert_eq!(world.allocator.left(), permits(0));
    let refusal = world.ask(&Ask { deadline: at(49_500), ..ask("a", most) }).refusal();
    assert_eq!(refusal.reason, Reason::DeadlineTooShort);
}

#[test]
fn the_end_of_time_is_survived() {
    for before in [0, 1, 1_000_000_000, 30_000_000_000] {
        let now = Timestamp::from_ns(u64::MAX - before);
        let policy = policy(10, vec![team("a")]);
        let mut allocator = Allocator::new(policy, Bounds::DEFAULT, Timestamp::ZERO).expect("a policy");
        for deadline in [Timestamp::ZERO, now, Timestamp::from_ns(u64::MAX - 1), Timestamp::MAX] {
            let _ = allocator.acquire(now, &Ask { deadline, ..ask("a", 10) });
        }
        allocator.decide(Timestamp::MAX);
        let _ = allocator.next_deadline();
    }
}

#[test]
fn the_beginning_of_time_is_served() {
    let mut policy = policy(10, vec![team("a")]);
    policy.limits[0].phase = Span::from_ms(4_000);
    let mut allocator = Allocator::new(policy, Bounds::DEFAULT, Timestamp::ZERO).expect("a policy");
    allocator.acquire(Timestamp::ZERO, &ask("a", 10)).expect("taken in");
    assert!(allocator.next_effect().is_some());
    assert!(allocator.next_deadline().is_some_and(|next| next > Timestamp::ZERO));
}

#[test]
fn an_observation_of_a_boundary_never_panics() {
    for seed in 0..500 {
        let mut random = Random(seed);
        let mut world = World::new(policy(50, vec![team("a")]));
        for ms in (0..60_000).step_by(1_700) {
            world.go(ms);
            let at = at(ms) + Span::from_ms(random.below(12_000));
            let within = Span::from_ms(random.pick(&[0, 500, 1_000]));
            let reset = Some(Reset { at, within });
            let observation = Observation { reset, ..Observation::new(limit_id("main")) };
            world.allocator.observe(world.now, &observation);
            world.ask(&ask("a", random.between(1, 9)));
        }
    }
}
