//! Callers share their team's part equally, and each is served first come, first served.

mod common;

use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Ticket};
use common::*;

fn of(team: &str, caller: &str, n: u32) -> Ask {
    Ask { caller: caller_id(caller), ..ask(team, n) }
}

fn spent(budget: u32) -> World {
    let mut world = World::new(policy(budget, vec![team("a"), team("b"), team("c")]));
    world.ask(&of("c", "spends", budget)).lease();
    world
}

#[test]
fn callers_of_a_team_get_the_same() {
    let mut world = spent(90);
    let tickets: Vec<_> = ["x", "y", "z"].map(|caller| world.flood(&of("a", caller, 1), 100)).into();
    world.go(19_000);
    let sums: Vec<u32> = tickets.iter().map(|tickets| world.sum(tickets)).collect();
    assert_eq!(sums, [30, 30, 30]);
}

#[test]
fn callers_with_large_and_with_small_requests_get_the_same() {
    let mut world = spent(100);
    let large = world.flood(&of("a", "large", 10), 50);
    let small = world.flood(&of("a", "small", 1), 400);
    world.go(39_000);
    let (large, small) = (world.sum(&large), world.sum(&small));
    assert_eq!(large + small, 300);
    assert!(large.abs_diff(small) <= 20, "{large} : {small}");
}

#[test]
fn more_callers_do_not_get_more() {
    let mut world = spent(100);
    let mut many = Vec::new();
    for caller in 0..50 {
        many.extend(world.flood(&of("a", &format!("c{caller}"), 1), 20));
    }
    let one = world.flood(&of("b", "only", 1), 900);
    world.go(19_000);
    assert_eq!(world.sum(&many) + world.sum(&one), 100);
    assert!(world.sum(&many).abs_diff(world.sum(&one)) <= 2, "{} : {}", world.sum(&many), world.sum(&one));
}

#[test]
fn a_caller_that_floods_does_not_starve_another() {
    let mut world = spent(10);
    let flood = world.flood(&of("a", "flood", 1), 900);
    let modest = world.ask(&of("a", "modest", 1)).ticket();
    world.go(19_000);
    world.outcome(modest).lease();
    assert_eq!(world.sum(&flood), 9);
}

#[test]
fn a_caller_is_served_in_the_order_of_arrival() {
    let mut world = spent(10);
    let sizes = [3, 1, 2, 9, 1, 1, 4, 1];
    let tickets: Vec<Ticket> = sizes.map(|n| world.ask(&of("a", "x", n)).ticket()).into();
    for window in 1..8 {
        world.go(window * WINDOW_MS + 9_000);
    }
    assert_eq!(world.granted[1..], tickets);
}

#[test]
fn a_late_caller_has_no_credit() {
    let mut world = spent(100);
    let early = world.flood(&of("a", "early", 1), 900);
    world.go(39_000);
    let before = world.sum(&early);
    let late = world.flood(&of("a", "late", 1), 900);
    world.go(49_000);
    let (early, late) = (world.sum(&early) - before, world.sum(&late));
    assert_eq!(early + late, 100);
    assert!(early.abs_diff(late) <= 2, "{early} : {late}");
}

#[test]
fn a_head_that_does_not_fit_delays_no_other() {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    world.ask(&of("a", "x", 95)).lease();
    let large = world.ask(&of("a", "x", 10)).ticket();
    world.ask(&of("a", "y", 5)).lease();
    world.outcome(large).ticket();
    world.go(10_000);
    world.outcome(large).lease();
}

fn ones(caller: &str) -> Ask {
    of("a", caller, 1)
}

/// Nothing is kept for whoever spent the first window.
fn spent_by_a_team_that_is_gone(budget: u32) -> World {
    let mut world = spent(budget);
    world.change(|policy| policy.teams.retain(|team| team.id != team_id("c")));
    world
}

#[test]
fn a_callers_urgent_service_is_paid_back_up_to_one_window() {
    let mut world = spent(100);
    let urgent = Ask { priority: Some(Priority::Critical), ..ones("x") };
    let (urgent, y) = (world.flood(&urgent, 300), world.flood(&ones("y"), 900));
    world.go(39_000);
    assert_eq!((world.sum(&urgent), world.sum(&y)), (300, 0));
    let x = world.flood(&ones("x"), 900);
    world.go(59_000);
    assert_eq!((world.sum(&x), world.sum(&y)), (50, 150));
}

#[test]
fn a_callers_service_no_longer_counts_once_its_team_is_idle() {
    let mut world = spent_by_a_team_that_is_gone(100);
    world.ask(&of("a", "x", 70)).ticket();
    world.ask(&of("a", "y", 30)).ticket();
    world.go(15_000);
    assert_eq!(world.allocator.waiting(), 0);
    let (x, y) = (world.flood(&ones("x"), 200), world.flood(&ones("y"), 200));
    world.go(29_000);
    assert_eq!((world.sum(&x), world.sum(&y)), (50, 50));
}

#[test]
fn a_caller_may_be_granted_again_what_it_returned() {
    let mut world = spent_by_a_team_that_is_gone(100);
    let large = world.ask(&of("a", "x", 60)).ticket();
    let (y, x) = (world.flood(&ones("y"), 200), world.flood(&ones("x"), 200));
    world.go(12_000);
    assert_eq!((world.sum(&y), world.sum(&x)), (40, 0));
    let lease = world.outcome(large).lease();
    world.settle_by(&lease, ("a", "x"), (0, 60), true).expect("a report that holds");
    assert_eq!((world.sum(&y), world.sum(&x)), (50, 50));
}

#[test]
fn among_equals_the_last_served_comes_last_even_if_it_was_uncontended() {
    let mut world = spent_by_a_team_that_is_gone(3);
    world.ask(&ones("x")).ticket();
    world.ask(&ones("y")).ticket();
    world.go(10_000);
    world.ask(&ones("x")).lease();
    let waiting = [ones("x"), ones("y")].map(|one| world.ask(&one).ticket());
    world.go(20_000);
    assert_eq!(world.granted[4..], [waiting[1], waiting[0]]);
}
