//! Edge permits for every priority: what this window has left, and the next one would grant at its opening.

mod common;

use apportion_core::policy::{Policy, Share, TeamPolicy};
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Reason};
use common::*;

/// 100 permits in each 10 s, closed in the last second.
fn spare(teams: Vec<TeamPolicy>) -> Policy {
    Policy { spare_edge: true, ..policy(100, teams) }
}

fn in_priority(c: Priority, team: &str, n: u32) -> Ask {
    Ask { priority: Some(c), ..ask(team, n) }
}

/// `a` won `n` in DEFAULT and is expected to do so again; a fifth is held back for CRITICAL. It is half a second before the next window.
fn after_a_won(n: u32, change: impl FnOnce(&mut Policy)) -> World {
    let mut policy = spare(vec![team("a"), team("b")]);
    policy.holdback[Priority::Critical] = Share::from_percent(20);
    change(&mut policy);
    let mut world = World::new(policy);
    world.go(5_000);
    world.ask(&ask("a", n)).lease();
    world.go(9_500);
    world
}

#[test]
fn every_priority_is_granted_inside_the_guard_what_both_windows_have() {
    let mut world = World::new(spare(vec![team("a")]));
    world.go(9_500);
    for c in Priority::ALL {
        let lease = world.ask(&in_priority(c, "a", 5)).lease();
        assert_eq!((lease.granted_at, lease.ends_at), (at(9_500), at(19_500)));
    }
    world.go(10_000);
    assert_eq!(world.allocator.left(), permits(85));
}

#[test]
fn no_more_is_granted_than_this_window_has_left() {
    let mut world = World::new(spare(vec![team("a")]));
    world.ask(&ask("a", 95)).lease();
    world.go(9_500);
    let edge = world.flood(&ask("a", 1), 30);
    assert_eq!(world.sum(&edge), 5);
    world.go(10_000);
    assert_eq!(world.sum(&edge), 30);
}

#[test]
fn what_the_next_window_holds_back_is_not_taken() {
    let mut world = after_a_won(60, |_| ());
    let edge = world.flood(&ask("b", 1), 30);
    assert_eq!(world.sum(&edge), 20, "60 are expected of a, and 20 are held back");
    world.go(10_000);
    assert_eq!(world.sum(&edge), 20);
    world.ask(&ask("a", 59)).lease(); // b, who waits, is served by turns: 1
}

#[test]
fn a_priority_that_policy_names_takes_what_the_next_window_has_left() {
    let mut world = after_a_won(60, |policy| policy.edge[Priority::Default] = true);
    let edge = world.flood(&ask("b", 1), 30);
    assert_eq!(world.sum(&edge), 30);
}

#[test]
fn an_edge_permit_counts_as_granted_in_the_next_window_alone() {
    let mut world = after_a_won(40, |policy| policy.holdback = Default::default());
    let edge = world.flood(&ask("a", 1), 20);
    assert_eq!(world.sum(&edge), 20);
    world.go(10_000);
    let b = world.flood(&ask("b", 1), 100);
    assert_eq!(world.sum(&b), 60, "20 are charged, and 20 of the 40 that are expected of a are to come");
}

#[test]
fn a_returned_edge_permit_does_not_count_as_granted() {
    let mut world = after_a_won(40, |policy| policy.holdback = Default::default());
    let lease = world.ask(&ask("a", 20)).lease();
    world.settle(&lease, 0, 20).expect("a report that holds");
    world.go(10_000);
    let b = world.flood(&ask("b", 1), 100);
    assert_eq!(world.sum(&b), 60, "40 are expected of a");
}

/// What is expected of `a` and held back is the whole of the next window; a fifth of it is SHEDDABLE's floor.
fn with_a_floor() -> World {
    after_a_won(70, |policy| {
        policy.holdback[Priority::Critical] = Share::from_percent(30);
        policy.floors[Priority::Sheddable] = Share::from_percent(20);
    })
}

#[test]
fn the_floor_of_the_next_window_is_granted_at_the_edge_and_is_used_up_then() {
    let mut world = with_a_floor();
    let low = world.flood(&in_priority(Priority::Sheddable, "b", 1), 25);
    assert_eq!(world.sum(&low), 20);
    world.go(10_000);
    assert_eq!(world.sum(&low), 20);
}

#[test]
fn the_floors_of_the_next_window_are_left_to_waiting_lower_priorities() {
    let mut policy = spare(vec![team("a"), team("b")]);
    policy.floors[Priority::Sheddable] = Share::from_percent(10);
    let mut world = World::new(policy);
    world.change(|policy| policy.limits[0].permits = permits(50));
    world.ask(&in_priority(Priority::Sheddable, "b", 10)).lease();
    world.go(9_500);
    let (above, below) = (ask("a", 1), in_priority(Priority::Sheddable, "b", 1));
    let above: Vec<_> = (0..90).map(|_| world.submit(&above).ticket()).collect();
    let below = world.flood(&below, 20);
    assert_eq!((world.sum(&above), world.sum(&below)), (45, 5));
}

#[test]
fn a_reservation_of_the_next_window_is_held_back_while_its_team_is_idle() {
    let reserved = |id| TeamPolicy { reservation: permits(30), protected: true, ..team(id) };
    let mut policy = spare(vec![reserved("a"), team("b"), team("c")]);
    policy.holdback[Priority::Critical] = Share::from_percent(10);
    let mut world = World::new(policy);
    world.ask(&ask("c", 50)).lease();
    world.go(9_500);
    let b = world.flood(&ask("b", 1), 60);
    assert_eq!(world.sum(&b), 10, "50 are expected of c, 30 are a's, and 10 are held back");
    let a = world.flood(&ask("a", 1), 30);
    assert_eq!(world.sum(&a), 30);
}

#[test]
fn a_reservation_is_served_at_the_edge_whatever_the_next_window_holds_back() {
    let reserved = TeamPolicy { reservation: permits(30), ..team("a") };
    let mut policy = spare(vec![reserved, team("c")]);
    policy.holdback[Priority::Critical] = Share::from_percent(20);
    let mut world = World::new(policy);
    world.go(5_000);
    world.ask(&ask("c", 60)).lease();
    world.go(9_500);
    let a = world.flood(&ask("a", 1), 40);
    assert_eq!(world.sum(&a), 30, "60 are expected of c, and 20 are held back");
}

#[test]
fn a_cap_holds_in_both_windows() {
    let capped = TeamPolicy { cap: Some(permits(10)), ..team("a") };
    let mut world = World::new(spare(vec![capped]));
    world.ask(&ask("a", 4)).lease();
    world.go(9_500);
    let edge = world.flood(&ask("a", 1), 20);
    assert_eq!(world.sum(&edge), 6);
    world.go(10_000);
    assert_eq!(world.sum(&edge), 10);
}

#[test]
fn policy_that_changes_inside_the_guard_counts_at_once() {
    let mut world = after_a_won(60, |_| ());
    let edge = world.flood(&ask("b", 1), 30);
    world.change(|policy| policy.holdback = Default::default());
    assert_eq!(world.sum(&edge), 30);
    let mut world = after_a_won(60, |_| ());
    let edge = world.flood(&ask("b", 1), 30);
    world.change(|policy| drop(policy.teams.remove(0)));
    assert_eq!(world.sum(&edge), 30);
}

#[test]
fn a_request_that_is_certain_to_get_no_edge_permit_is_refused_on_arrival() {
    let until = |ms, ask: Ask| Ask { deadline: at(ms), ..ask };
    let mut world = World::new(spare(vec![team("a")]));
    world.ask(&ask("a", 95)).lease();
    world.go(9_500);
    let refusal = world.ask(&until(9_900, ask("a", 6))).refusal();
    assert_eq!((refusal.reason, refusal.retry_at), (Reason::DeadlineTooShort, Some(at(10_000))));
    // Here only what is kept for others stands against it, and they may come.
    let mut world = after_a_won(60, |_| ());
    let waits = world.ask(&until(9_900, ask("b", 21))).ticket();
    world.ask(&ask("a", 10)).lease();
    world.go(9_901);
    assert_eq!(world.outcome(waits).reason(), Reason::WindowExhausted);
}

#[test]
fn a_first_block_of_the_next_window_is_booked_before_this_one_closes() {
    let mut world = World::new(spare(vec![team("a")]));
    world.go(7_900);
    world.ask(&ask("a", 1)).lease();
    assert!(world.mark("main", at(10_000)) == permits(0));
    world.go(8_000);
    world.ask(&ask("a", 1)).lease();
    assert!(world.mark("main", at(10_000)) > permits(0));
    world.go(9_500);
    world.books_late = true;
    world.ask(&ask("a", 1)).lease();
}

#[test]
fn of_two_limits_each_looks_at_its_own_next_window() {
    let mut policy = spare(vec![team("a"), team("b")]);
    policy.limits.push(limit("minute", 200, 60_000));
    policy.limits[1].phase = apportion_core::time::Span::from_ms(6_000);
    let mut world = World::new(policy);
    // The minute ends at 6 s and is closed from 5 s on, in the middle of a window of the other limit.
    world.ask(&ask("a", 50)).lease();
    world.go(5_500);
    let edge = world.flood(&ask("b", 1), 60);
    assert_eq!(world.sum(&edge), 50, "this window has as many left");
    world.go(6_000);
    assert_eq!(world.sum(&edge), 50);
    world.go(10_000);
    assert_eq!(world.sum(&edge), 60);
}

#[test]
fn what_an_edge_lease_gives_back_goes_to_no_window_that_was_not_charged_for_it() {
    let mut policy = spare(vec![team("a")]);
    policy.limits.push(limit("minute", 500, 60_000));
    let mut world = World::new(policy);
    world.go(9_500);
    let edge = world.ask(&ask("a", 40)).lease();
    // The minute is the primary limit now: its next window was not charged.
    world.change(|policy| policy.limits.retain(|limit| limit.id == limit_id("minute")));
    world.settle(&edge, 0, 40).expect("a true report");
    world.go(60_000);
    let next = world.flood(&ask("a", 10), 60);
    assert_eq!(world.sum(&next), 500);
}
