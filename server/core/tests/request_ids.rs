//! Retries under a request id: the first answer counts while its lease is open.

mod common;

use apportion_core::request::{Ask, Reason};
use common::*;

fn named(id: &str, n: u32) -> Ask {
    Ask { request_id: request_id(id), ..ask("a", n) }
}

fn world() -> World {
    World::new(policy(100, vec![team("a"), team("b")]))
}

#[test]
fn a_repeat_gets_the_same_lease_and_costs_nothing() {
    let mut world = world();
    let first = world.ask(&named("r", 7)).lease();
    world.go(3_000);
    assert_eq!(world.ask(&named("r", 7)).lease(), first);
    assert_eq!(world.allocator.left(), permits(93));
}

#[test]
fn a_duplicate_of_a_waiting_request_joins_it() {
    let mut world = world();
    world.ask(&ask("b", 100));
    let waits = world.ask(&named("r", 7)).ticket();
    assert_eq!(world.ask(&named("r", 7)).ticket(), waits);
    assert_eq!(world.allocator.waiting(), 1);
    world.go(10_000);
    world.outcome(waits).lease();
    assert_eq!(world.granted.len(), 2);
}

#[test]
fn different_content_under_a_known_id_is_refused() {
    let mut world = world();
    world.ask(&named("r", 7));
    assert_eq!(world.ask(&named("r", 8)).reason(), Reason::RequestIdReused);
    let least = Ask { min_permits: permits(1), ..named("r", 7) };
    assert_eq!(world.ask(&least).reason(), Reason::RequestIdReused);
    let urgent = Ask { priority: Some(apportion_core::priority::Priority::Critical), ..named("r", 7) };
    assert_eq!(world.ask(&urgent).reason(), Reason::RequestIdReused);
    world.ask(&ask("b", 93));
    world.ask(&named("s", 7));
    assert_eq!(world.ask(&named("s", 6)).reason(), Reason::RequestIdReused);
    assert_eq!(world.allocator.waiting(), 1);
}

#[test]
fn the_same_id_of_another_caller_or_team_is_another_request() {
    let mut world = world();
    let first = world.ask(&named("r", 7)).lease();
    let other = world.ask(&Ask { caller: caller_id("other"), ..named("r", 8) }).lease();
    let of_b = world.ask(&Ask { team: team_id("b"), ..named("r", 9) }).lease();
    assert!(first.id < other.id && other.id < of_b.id);
    assert_eq!(world.allocator.left(), permits(76));
}

#[test]
fn after_its_lease_expired_a_repeat_is_refused_and_later_it_is_forgotten() {
    let mut world = world();
    let first = world.ask(&named("r", 7)).lease();
    world.go(10_000);
    assert_eq!(world.ask(&named("r", 7)).reason(), Reason::LeaseEnded);
    let later = (2..6).find_map(|window| {
        world.go(window * WINDOW_MS);
        match world.ask(&named("r", 7)) {
            Reply::Granted(lease) => Some(lease),
            reply => {
                assert_eq!(reply.reason(), Reason::LeaseEnded);
                None
            }
        }
    });
    assert!(later.expect("forgotten within five windows").id > first.id);
}

#[test]
fn a_repeat_is_the_same_lease_also_when_all_of_it_came_back() {
    let mut world = world();
    let first = world.ask(&named("r", 7)).lease();
    world.settle(&first, 0, 7).expect("a report that holds");
    assert_eq!(world.ask(&named("r", 7)).lease().id, first.id);
    assert_eq!(world.allocator.left(), permits(100));
}

#[test]
fn refusals_and_withdrawals_are_not_remembered() {
    let mut world = world();
    world.ask(&ask("b", 95));
    let too_soon = Ask { deadline: at(1_000), ..named("r", 7) };
    assert_eq!(world.ask(&too_soon).reason(), Reason::DeadlineTooShort);
    let waits = world.ask(&named("r", 8)).ticket();
    assert!(world.allocator.cancel(world.now, waits));
    world.ask(&named("r", 5)).lease();
}

#[test]
fn an_expired_request_may_come_again_under_its_id() {
    let mut world = world();
    world.ask(&ask("b", 95));
    world.ask(&ask("a", 5)).lease();
    let waits = world.ask(&Ask { deadline: at(12_000), ..named("r", 60) }).ticket();
    let ahead = world.ask(&Ask { deadline: at(12_000), ..ask("b", 60) }).ticket();
    world.go(12_000);
    let expired =
        [waits, ahead].into_iter().filter(|&ticket| matches!(world.outcome(ticket), Reply::Refused(_)));
    assert_eq!(expired.count(), 1);
    let again = world.ask(&named("r", 60));
    assert!(matches!(again, Reply::Granted(_) | Reply::Waits(_)), "{again:?}");
}
