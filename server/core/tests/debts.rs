//! What a team was granted out of turn, urgently or by its reservation, is paid back to its siblings, up to one window's share.

mod common;

use apportion_core::policy::{Policy, TeamPolicy};
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Ticket};
use common::*;

fn urgent(team: &str, n: u32) -> Ask {
    Ask { priority: Some(Priority::Critical), ..ask(team, n) }
}

/// The first window of a hundred is spent by somebody who does not come again.
fn spent(teams: Vec<TeamPolicy>) -> World {
    let plain = policy(100, [teams, vec![team("gone")]].concat());
    let mut world = World::new(Policy { largest_lease: Some(permits(100)), ..plain });
    world.ask(&ask("gone", 100)).lease();
    world
}

fn sums(world: &World, tickets: [&[Ticket]; 2]) -> (u32, u32) {
    (world.sum(tickets[0]), world.sum(tickets[1]))
}

/// Of `a` and `b`, `a` has five windows for itself while `b` waits in the priority below. Then both ask there for two.
fn after_five_urgent_windows(teams: Vec<TeamPolicy>) -> (u32, u32) {
    let mut world = spent(teams);
    let (urgent, b) = (world.flood(&urgent("a", 1), 500), world.flood(&ask("b", 1), 900));
    world.go(59_000);
    assert_eq!(sums(&world, [&urgent, &b]), (500, 0));
    let a = world.flood(&ask("a", 1), 900);
    world.go(79_000);
    sums(&world, [&a, &b])
}

#[test]
fn a_teams_urgent_service_is_paid_back_up_to_one_windows_share() {
    assert_eq!(after_five_urgent_windows(vec![team("a"), team("b")]), (75, 125));
}

#[test]
fn the_urgent_service_of_a_part_is_paid_back_up_to_one_windows_share() {
    let teams = vec![team("top"), part("a", "top"), part("b", "top")];
    assert_eq!(after_five_urgent_windows(teams), (75, 125));
}

#[test]
fn a_team_that_comes_after_a_reservation_competes_with_the_one_served_by_weight() {
    let reserved = TeamPolicy { reservation: permits(60), ..team("a") };
    let mut world = spent(vec![reserved, team("b"), team("c")]);
    world.flood(&ask("a", 60), 3);
    let b = world.flood(&ask("b", 1), 900);
    world.go(19_500);
    assert_eq!(world.sum(&b), 40);
    let c = world.flood(&ask("c", 1), 900);
    world.go(29_000);
    assert_eq!(sums(&world, [&b, &c]), (60, 20));
}

#[test]
fn where_only_debtors_fit_the_least_debt_comes_first() {
    let mut world = spent(vec![team("a"), team("b"), team("c")]);
    world.ask(&ask("c", 60)).ticket();
    let (a, b) = (world.flood(&urgent("a", 50), 1), world.flood(&urgent("b", 20), 1));
    let (more_of_a, more_of_b) = (world.flood(&ask("a", 1), 100), world.flood(&ask("b", 1), 100));
    world.go(19_000);
    assert_eq!(sums(&world, [&a, &b]), (50, 20));
    assert_eq!(sums(&world, [&more_of_a, &more_of_b]), (0, 30));
}
