//! The priorities of a team change while requests wait: each is served as if it had come under the new ones.

mod common;

use apportion_core::allocator::TeamNow;
use apportion_core::policy::TeamPolicy;
use apportion_core::priority::Priority::{self, Critical, Default, Sheddable};
use apportion_core::request::{Ask, Reason, Ticket};
use common::*;

fn at_priority(team: &str, n: u32, priority: Priority) -> Ask {
    Ask { priority: Some(priority), ..ask(team, n) }
}

/// A full window of ten permits, in which team `a`, part of `top`, and team `b` can only wait.
fn full() -> World {
    let mut world = World::new(policy(10, vec![team("top"), part("a", "top"), team("b")]));
    world.ask(&ask("b", 10)).lease();
    world
}

fn change_a(world: &mut World, change: impl FnOnce(&mut TeamPolicy)) {
    world.change(|policy| change(&mut policy.teams[1]));
}

fn a_now(world: &mut World) -> TeamNow {
    world.allocator.teams_now(world.now).into_iter().find(|team| team.id == team_id("a")).expect("a team")
}

/// Lets the next window pass. Returns who was granted in it, in that order.
fn granted_next(world: &mut World) -> Vec<Ticket> {
    let before = world.granted.len();
    world.go(19_000);
    world.granted.split_off(before)
}

#[test]
fn a_request_without_a_priority_takes_the_new_one_of_its_team() {
    let mut world = full();
    let first = world.ask(&ask("b", 1)).ticket();
    let raised = world.ask(&ask("a", 1)).ticket();
    change_a(&mut world, |a| a.priority = Critical);
    assert_eq!(a_now(&mut world).waiting_requests, [1, 0, 0]);
    assert_eq!(granted_next(&mut world), [raised, first]);
    assert_eq!(world.outcome(raised).lease().priority, Critical);
}

#[test]
fn a_request_with_a_priority_keeps_it() {
    let mut world = full();
    let named = world.ask(&at_priority("a", 1, Default)).ticket();
    let other = world.ask(&ask("b", 1)).ticket();
    change_a(&mut world, |a| a.priority = Sheddable);
    world.go(19_000);
    assert_eq!(world.outcome(named).lease().priority, Default);
    assert_eq!(world.outcome(other).lease().priority, Default);
}

#[test]
fn a_lowered_highest_priority_lowers_what_waits_and_a_raised_one_restores_it() {
    let mut world = full();
    let [critical, default] = [Critical, Default].map(|c| world.ask(&at_priority("a", 1, c)).ticket());
    let usual = world.ask(&ask("a", 1)).ticket();
    change_a(&mut world, |a| a.highest_priority = Sheddable);
    assert_eq!(a_now(&mut world).waiting_requests, [0, 0, 3]);
    change_a(&mut world, |a| a.highest_priority = Critical);
    assert_eq!(a_now(&mut world).waiting_requests, [1, 2, 0]);
    world.go(19_000);
    let served = [critical, default, usual].map(|ticket| world.outcome(ticket).lease().priority);
    assert_eq!(served, [Critical, Default, Default]);
}

#[test]
fn the_highest_priority_of_the_team_above_counts_too() {
    let mut world = full();
    let lowered = world.ask(&at_priority("a", 1, Critical)).ticket();
    let other = world.ask(&ask("b", 1)).ticket();
    world.change(|policy| policy.teams[0].highest_priority = Sheddable);
    assert_eq!(granted_next(&mut world), [other, lowered]);
    assert_eq!(world.outcome(lowered).lease().priority, Sheddable);
}

#[test]
fn requests_merged_into_one_priority_are_served_in_order_of_arrival() {
    let mut world = full();
    let order = [Sheddable, Critical, Default, Critical, Sheddable, Default];
    let waiting = order.map(|c| world.ask(&at_priority("a", 1, c)).ticket());
    change_a(&mut world, |a| a.highest_priority = Sheddable);
    assert_eq!(granted_next(&mut world), waiting);
}

#[test]
fn a_request_after_a_change_waits_behind_those_that_moved() {
    let mut world = full();
    let moved = world.flood(&ask("a", 1), 2);
    change_a(&mut world, |a| a.priority = Critical);
    let later = world.ask(&at_priority("a", 1, Critical)).ticket();
    assert_eq!(granted_next(&mut world), [moved[0], moved[1], later]);
}

#[test]
fn requests_that_moved_ahead_count_for_a_deadline() {
    let mut world = full();
    world.flood(&ask("a", 1), 10);
    change_a(&mut world, |a| a.priority = Critical);
    let hopeless = Ask { deadline: at(19_000), ..at_priority("a", 1, Critical) };
    assert_eq!(world.ask(&hopeless).reason(), Reason::DeadlineTooShort);
    let beside = Ask { deadline: at(19_000), ..at_priority("a", 1, Default) };
    world.ask(&beside).ticket();
}

#[test]
fn callers_share_equally_in_their_new_priority() {
    let mut world = full();
    let of = |caller| Ask { caller: caller_id(caller), ..ask("a", 1) };
    let (one, other) = (world.flood(&of("one"), 20), world.flood(&of("other"), 20));
    change_a(&mut world, |a| a.priority = Critical);
    world.go(19_000);
    assert_eq!((world.sum(&one), world.sum(&other)), (5, 5));
}

#[test]
fn a_late_request_is_not_cut_short_by_moving() {
    let expected = |came, moves: bool| {
        let mut policy = policy(10, vec![team("top"), part("a", "top"), team("b")]);
        policy.limits[0].margins.guard = apportion_core::time::Span::from_ms(1_000);
        let mut world = World::new(policy);
        world.ask(&ask("b", 10)).lease();
        world.go(came);
        world.ask(&ask("a", 1)).ticket();
        if moves {
            change_a(&mut world, |a| a.priority = Critical);
        }
        world.go(10_000);
        a_now(&mut world).expected
    };
    assert_eq!((expected(9_500, false), expected(9_500, true)), (0, 0));
    assert!(expected(5_000, false) > 0 && expected(5_000, true) > 0);
}

#[test]
fn a_moved_request_that_is_withdrawn_leaves_nothing_behind() {
    let mut world = full();
    let tickets: Vec<Ticket> =
        Priority::ALL.into_iter().flat_map(|c| world.flood(&at_priority("a", 2, c), 3)).collect();
    for highest in [Default, Sheddable, Critical, Default] {
        change_a(&mut world, |a| a.highest_priority = highest);
        assert_eq!(a_now(&mut world).waiting_permits, 18);
    }
    for ticket in tickets.into_iter().rev() {
        assert!(world.allocator.cancel(world.now, ticket));
    }
    let left = a_now(&mut world);
    assert_eq!((left.waiting_permits, left.waiting_requests), (0, [0; 3]));
    assert_eq!(world.allocator.waiting(), 0);
}

#[test]
fn a_repeat_is_recognized_by_the_priority_it_names_not_by_the_one_it_is_served_at() {
    let mut world = full();
    let named = |priority| Ask { request_id: request_id("r"), priority, ..ask("a", 1) };
    let waits = world.ask(&named(None)).ticket();
    change_a(&mut world, |a| a.priority = Critical);
    assert_eq!(world.ask(&named(None)).ticket(), waits);
    assert_eq!(world.ask(&named(Some(Critical))).reason(), Reason::RequestIdReused);
    world.go(19_000);
    let lease = world.outcome(waits).lease();
    change_a(&mut world, |a| a.priority = Sheddable);
    assert_eq!(world.ask(&named(None)).lease(), lease);
    assert_eq!(world.ask(&named(Some(Critical))).reason(), Reason::RequestIdReused);
}
