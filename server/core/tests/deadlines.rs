//! Deadlines: requests that cannot meet theirs are refused on arrival, a grant at the very instant is in time, no wake-up is in vain.

mod common;

use apportion_core::policy::Share;
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Reason};
use apportion_core::time::Timestamp;
use common::random::Random;
use common::*;

fn until(ask: Ask, ms: u64) -> Ask {
    Ask { deadline: at(ms), ..ask }
}

fn spent() -> World {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    world.ask(&ask("b", 100)).lease();
    world
}

#[test]
fn what_cannot_be_met_is_refused_on_arrival_with_the_earliest_useful_retry() {
    let mut world = spent();
    let refusal = world.ask(&until(ask("a", 1), 9_999)).refusal();
    assert_eq!(refusal.reason, Reason::DeadlineTooShort);
    assert_eq!((refusal.retry_at, refusal.limit), (Some(at(10_000)), Some(limit_id("main"))));
    assert_eq!(world.allocator.waiting(), 0);
}

#[test]
fn what_is_ahead_in_its_own_queue_counts() {
    let mut world = spent();
    world.flood(&ask("a", 50), 4);
    let refusal = world.ask(&until(ask("a", 1), 29_999)).refusal();
    assert_eq!((refusal.reason, refusal.retry_at), (Reason::DeadlineTooShort, Some(at(30_000))));
    world.ask(&until(ask("a", 1), 30_000)).ticket();
    // Another caller has nothing ahead.
    world.ask(&until(Ask { caller: caller_id("other"), ..ask("a", 1) }, 10_000)).ticket();
}

#[test]
fn a_grant_at_the_very_instant_of_the_deadline_is_in_time() {
    let mut world = spent();
    let waits = world.ask(&until(ask("a", 1), 10_000)).ticket();
    world.go(10_000);
    assert_eq!(world.outcome(waits).lease().granted_at, at(10_000));
}

#[test]
fn a_waiting_request_is_refused_at_its_deadline() {
    let mut world = spent();
    world.flood(&Ask { priority: Some(Priority::Critical), ..ask("b", 1) }, 900);
    let waits = world.ask(&until(ask("a", 1), 12_500)).ticket();
    world.go(60_000);
    let refusal = world.outcome(waits).refusal();
    assert_eq!(world.answers[&waits].0, at(12_500));
    assert_eq!((refusal.reason, refusal.retry_at), (Reason::WindowExhausted, Some(at(20_000))));
}

#[test]
fn what_is_held_back_until_later_than_the_deadline_is_refused_with_the_instant_of_release() {
    let mut policy = policy(100, vec![team("a")]);
    policy.holdback[Priority::Critical] = Share::from_percent(20);
    let mut world = World::new(policy);
    world.ask(&ask("a", 80)).lease();
    let refusal = world.ask(&until(ask("a", 10), 4_000)).refusal();
    // 20 permits fall to nothing in 9 s: ten are free after half of it.
    assert_eq!((refusal.reason, refusal.retry_at), (Reason::DeadlineTooShort, Some(at(4_500))));
    let waits = world.ask(&until(ask("a", 10), 4_500)).ticket();
    world.go(4_500);
    world.outcome(waits).lease();
}

#[test]
fn a_deadline_that_has_passed_is_refused_unless_it_can_be_granted_now() {
    let mut world = spent();
    let refusal = world.ask(&Ask { deadline: Timestamp::ZERO, ..ask("a", 1) }).refusal();
    assert_eq!(refusal.reason, Reason::DeadlineTooShort);
    world.go(10_000);
    world.ask(&until(ask("a", 1), 10_000)).lease();
}

#[test]
fn a_withdrawal_costs_nothing_and_is_never_answered() {
    let mut world = spent();
    let tickets = world.flood(&ask("a", 40), 3);
    assert!(world.allocator.cancel(world.now, tickets[0]));
    assert!(!world.allocator.cancel(world.now, tickets[0]));
    world.go(19_000);
    world.outcome(tickets[0]).ticket();
    assert_eq!(world.sum(&tickets), 80);
    assert!(!world.allocator.cancel(world.now, tickets[1]));
    assert_eq!(world.allocator.left(), permits(20));
}

#[test]
fn without_a_request_there_is_no_deadline() {
    let mut world = World::new(policy(100, vec![team("a")]));
    assert_eq!(world.allocator.next_deadline(), None);
    world.ask(&ask("a", 1)).lease();
    assert_eq!(world.allocator.next_deadline(), None);
}

/// Calls only when it is due give the same answers at the same instants as calls every half second
/// while anything waits.
#[test]
fn calling_only_at_the_next_deadline_loses_nothing() {
    for seed in 0..1_000 {
        let run = |often: bool| {
            let mut random = Random(seed);
            let mut policy = policy(random.between(5, 60), vec![team("a"), team("b"), part("b1", "b")]);
            policy.holdback[Priority::Critical] = Share::from_percent(random.pick(&[0, 10, 30]));
            policy.floors[Priority::Sheddable] = Share::from_percent(random.pick(&[0, 5, 20]));
            policy.edge[Priority::Critical] = random.one_in(2);
            policy.spare_edge = random.one_in(2);
            policy.teams[0].cap = random.pick(&[None, Some(permits(4))]);
            let mut world = World::new(policy);
            let mut ms = 0;
            for _ in 0..30 {
                let next = ms + random.pick(&[0, 400, 1_700, 6_000]);
                if often {
                    for between in (ms..next).step_by(500).skip(1) {
                        if world.allocator.waiting() > 0 {
                            world.go(between);
                        }
                    }
                }
                ms = next;
                world.go(ms);
                let priority = Some(random.pick(&Priority::ALL));
                let one = Ask { priority, ..ask(random.pick(&["a", "b1"]), random.between(1, 8)) };
                let wait = random.pick(&[0, 900, 8_000, 30_000]);
                world.ask(&if random.one_in(3) { one } else { until(one, ms + wait) });
            }
            world.go(ms + 60_000);
            world.answers
        };
        let (rarely, often) = (run(false), run(true));
        let differ = rarely.iter().zip(&often).find(|(one, other)| one != other);
        assert_eq!(differ, None, "seed {seed}");
        assert_eq!(rarely.len(), often.len(), "seed {seed}");
    }
}

#[test]
fn a_request_for_exactly_what_is_left_waits_until_it_is_released() {
    let mut policy = policy(100, vec![team("a")]);
    policy.holdback[Priority::Critical] = Share::from_percent(20);
    let mut world = World::new(policy);
    world.ask(&ask("a", 60)).lease();
    let waits = world.ask(&until(ask("a", 40), 9_000)).ticket();
    world.go(9_000);
    assert_eq!(world.outcome(waits).lease().granted_at, at(9_000));
}

#[test]
fn a_request_too_large_for_the_window_that_starts_before_it_is_decided_on_is_refused_at_once() {
    let mut world = World::new(policy(100, vec![team("a")]));
    world.change(|policy| policy.limits[0].permits = permits(50));
    let alone = world.submit(&ask("a", 51)).ticket();
    world.now = at(10_000);
    world.decide();
    assert_eq!(world.outcome(alone).reason(), Reason::TooLarge);
}
