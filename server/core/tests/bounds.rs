//! Every bound is reached, gives its own reason, and leaves no trace.

mod common;

use apportion_core::bounds::Bounds;
use apportion_core::policy::{Policy, PolicyError};
use apportion_core::request::{Ask, Reason};
use common::*;

/// A world whose window is used up, so that everything waits.
fn full(bounds: Bounds) -> World {
    let mut world = World::within(policy(10, vec![team("a"), team("b")]), bounds);
    world.ask(&Ask { caller: caller_id("spends"), ..ask("b", 10) }).lease();
    world
}

fn of(caller: &str) -> Ask {
    Ask { caller: caller_id(caller), ..ask("a", 1) }
}

/// The request beyond the bound is refused so, and everything before is served as if it had never come.
fn refuses(mut world: World, before: &[Ask], beyond: &Ask, reason: Reason) {
    let waiting: Vec<_> = before.iter().map(|ask| world.ask(ask).ticket()).collect();
    let (left, count, next) =
        (world.allocator.left(), world.allocator.waiting(), world.allocator.next_deadline());
    for _ in 0..3 {
        let refusal = world.ask(beyond).refusal();
        assert_eq!(refusal.reason, reason);
        assert_eq!(refusal.retry_at, Some(at(WINDOW_MS)));
    }
    assert_eq!(
        (world.allocator.left(), world.allocator.waiting(), world.allocator.next_deadline()),
        (left, count, next)
    );
    world.go(WINDOW_MS);
    for ticket in waiting {
        world.outcome(ticket).lease();
    }
    world.ask(beyond).lease();
}

#[test]
fn a_caller_has_so_many_waiting_requests() {
    let world = full(Bounds { waiting_per_caller: 2, ..Bounds::DEFAULT });
    refuses(world, &[of("x"), of("x"), of("y")], &of("x"), Reason::CallerQueueFull);
}

#[test]
fn a_team_has_so_many_waiting_requests() {
    let world = full(Bounds { waiting_per_team: 2, ..Bounds::DEFAULT });
    refuses(world, &[of("x"), of("y"), ask("b", 1)], &of("z"), Reason::TeamQueueFull);
}

#[test]
fn a_workspace_has_so_many_waiting_requests() {
    let world = full(Bounds { waiting: 2, ..Bounds::DEFAULT });
    refuses(world, &[of("x"), ask("b", 1)], &of("y"), Reason::WorkspaceQueueFull);
}

#[test]
fn a_team_has_so_many_callers() {
    let world = full(Bounds { callers_per_team: 2, ..Bounds::DEFAULT });
    let mut world = world;
    world.ask(&of("x")).ticket();
    world.ask(&of("y")).ticket();
    for _ in 0..3 {
        assert_eq!(world.ask(&of("z")).reason(), Reason::TooManyCallers);
    }
    world.ask(&of("x")).ticket();
    assert_eq!(world.allocator.waiting(), 3);
    // Two windows later nobody has seen x and y: there is room for another one.
    world.go(4 * WINDOW_MS);
    world.ask(&of("z")).lease();
}

#[test]
fn of_more_request_ids_than_are_remembered_the_oldest_answers_are_forgotten() {
    let named = |id: &str| Ask { request_id: request_id(id), ..ask("a", 1) };
    let mut world =
        World::within(policy(10, vec![team("a"), team("b")]), Bounds { request_ids: 2, ..Bounds::DEFAULT });
    let first = world.ask(&named("r")).lease();
    let second = world.ask(&named("s")).lease();
    let third = world.ask(&named("t")).lease();
    assert_eq!([world.ask(&named("s")).lease(), world.ask(&named("t")).lease()], [second, third]);
    let again = world.ask(&named("r")).lease();
    assert_ne!(again, first, "it was forgotten, so this is another request");
    assert_eq!(world.allocator.left(), permits(6));
    // Answers whose lease has ended go first.
    world.go(WINDOW_MS);
    let u = world.ask(&named("u")).lease();
    world.ask(&named("v")).lease();
    assert_eq!(world.ask(&named("u")).lease(), u);
}

#[test]
fn what_waits_under_a_request_id_is_never_forgotten() {
    let named = |id: &str| Ask { request_id: request_id(id), ..ask("a", 1) };
    let mut world =
        World::within(policy(10, vec![team("a"), team("b")]), Bounds { request_ids: 2, ..Bounds::DEFAULT });
    world.ask(&named("r")).lease();
    world.ask(&ask("b", 9)).lease();
    let waits = [world.ask(&named("s")).ticket(), world.ask(&named("t")).ticket()];
    for _ in 0..3 {
        assert_eq!(world.ask(&named("u")).reason(), Reason::TooManyRequestIds);
    }
    assert_eq!([world.ask(&named("s")).ticket(), world.ask(&named("t")).ticket()], waits);
    world.ask(&ask("a", 1)).ticket();
    assert_eq!(world.allocator.waiting(), 3);
}

#[test]
fn no_request_is_refused_for_its_id_at_fifty_thousand_calls_a_second() {
    let spare = Policy { spare_edge: true, ..policy(100_000_000, vec![team("a")]) };
    let mut world = World::new(spare);
    for ms in 0..21_000 {
        world.now = at(ms);
        for n in 0..50 {
            world.ask(&Ask { request_id: request_id(&format!("{ms}-{n}")), ..ask("a", 1) }).lease();
        }
        world.answers.clear();
        world.granted.clear();
    }
}

#[test]
fn a_bound_of_nothing_refuses_everything() {
    let reason = |bounds| World::within(policy(10, vec![team("a")]), bounds).ask(&of("x")).reason();
    assert_eq!(reason(Bounds { waiting_per_caller: 0, ..Bounds::DEFAULT }), Reason::CallerQueueFull);
    assert_eq!(reason(Bounds { waiting_per_team: 0, ..Bounds::DEFAULT }), Reason::TeamQueueFull);
    assert_eq!(reason(Bounds { waiting: 0, ..Bounds::DEFAULT }), Reason::WorkspaceQueueFull);
    assert_eq!(reason(Bounds { callers_per_team: 0, ..Bounds::DEFAULT }), Reason::TooManyCallers);
}

#[test]
fn what_can_never_be_granted_is_refused_as_such() {
    let mut world = World::new(policy(10, vec![team("a"), part("a1", "a")]));
    let zero = Ask { min_permits: permits(0), ..ask("a1", 1) };
    assert_eq!(world.ask(&zero).reason(), Reason::Malformed);
    let least = Ask { min_permits: permits(2), ..ask("a1", 1) };
    assert_eq!(world.ask(&least).reason(), Reason::Malformed);
    assert_eq!(world.ask(&ask("a1", 0)).reason(), Reason::Malformed);
    assert_eq!(world.ask(&ask("nobody", 1)).reason(), Reason::UnknownTeam);
    assert_eq!(world.ask(&ask("a", 1)).reason(), Reason::TeamHasParts);
    let huge = world.ask(&ask("a1", 11)).refusal();
    assert_eq!((huge.reason, huge.retry_at), (Reason::TooLarge, None));
    assert_eq!(world.allocator.waiting(), 0);
    world.ask(&ask("a1", 10)).lease();
}

#[test]
fn a_workspace_has_so_many_callers() {
    let bounds = Bounds { callers_per_team: 2, ..Bounds::DEFAULT };
    let teams = (0..=Bounds::TEAMS_FULL).map(|n| team(&format!("t{n}")));
    let mut world = World::within(policy(10, teams.collect()), bounds);
    world.ask(&Ask { caller: caller_id("spends"), ..ask("t0", 10) }).lease();
    world.ask(&ask("t0", 1)).ticket();
    for n in 1..Bounds::TEAMS_FULL {
        for caller in ["x", "y"] {
            world.ask(&Ask { caller: caller_id(caller), ..ask(&format!("t{n}"), 1) }).ticket();
        }
    }
    let beyond = ask(&format!("t{}", Bounds::TEAMS_FULL), 1);
    assert_eq!(world.ask(&beyond).reason(), Reason::TooManyCallers);
    world.go(4 * WINDOW_MS);
    world.ask(&beyond).lease();
}

#[test]
fn a_removed_team_with_many_callers_refuses_each_and_leaves_nothing() {
    let mut world = World::within(policy(10, vec![team("a"), team("b")]), Bounds::DEFAULT);
    world.ask(&Ask { caller: caller_id("spends"), ..ask("b", 10) }).lease();
    let named = |n: usize| Ask { request_id: request_id("r"), ..of(&format!("c{n}")) };
    let waiting: Vec<_> = (0..5_000).map(|n| world.ask(&named(n)).ticket()).collect();
    world.change(|policy| policy.teams.retain(|of| of.id == team_id("b")));
    world.go(500);
    for ticket in waiting {
        assert_eq!(world.outcome(ticket).reason(), Reason::UnknownTeam);
    }
    assert_eq!(world.allocator.waiting(), 0);
    world.change(|policy| policy.teams.push(team("a")));
    world.go(2 * WINDOW_MS);
    assert_eq!(world.ask(&named(1)).lease().permits, permits(1));
}

#[test]
fn a_policy_has_so_many_teams_and_so_many_limits() {
    let teams = |count: usize| (0..count).map(|n| team(&format!("t{n}"))).collect();
    let limits = |count: usize| Policy {
        limits: (0..count).map(|n| limit(&format!("l{n}"), 10, WINDOW_MS)).collect(),
        ..policy(10, vec![team("a")])
    };
    for (most, held) in [(1_024, policy(10, teams(1_024))), (8, limits(8))] {
        assert_eq!(held.check(), Ok(()), "{most}");
    }
    for (beyond, refused) in [(1_025, policy(10, teams(1_025))), (9, limits(9))] {
        let told = refused.check();
        let Err(PolicyError::TooMany { count, .. } | PolicyError::TooManyTeams { count, .. }) = told else {
            panic!("{told:?}")
        };
        assert_eq!(count, beyond);
    }
}
