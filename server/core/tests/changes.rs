//! The policy changes at any instant: in force from the next decision on, budgets from the next window.

mod common;

use apportion_core::allocator::Effect;
use apportion_core::policy::PolicyError;
use apportion_core::request::{Ask, Reason};
use apportion_core::time::Span;
use common::*;

/// Two teams with endless backlogs, at the start of the second window.
fn contest() -> (World, Vec<apportion_core::request::Ticket>, Vec<apportion_core::request::Ticket>) {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    let (a, b) = (world.flood(&ask("a", 1), 900), world.flood(&ask("b", 1), 900));
    world.go(19_000);
    (world, a, b)
}

#[test]
fn a_weight_counts_from_the_next_decision_on() {
    let (mut world, a, b) = contest();
    let before = (world.sum(&a), world.sum(&b));
    world.change(|policy| policy.teams[0].weight = 3);
    world.go(59_000);
    let (a, b) = (world.sum(&a) - before.0, world.sum(&b) - before.1);
    assert_eq!(a + b, 400);
    // A window's part may be paid back first: a had the first window to itself.
    assert!((200..=304).contains(&a), "{a} : {b}");
}

#[test]
fn a_reservation_is_served_first_from_the_next_decision_on() {
    let (mut world, a, _) = contest();
    world.change(|policy| policy.teams[0].reservation = permits(80));
    let before = world.sum(&a);
    world.go(29_000);
    assert!(world.sum(&a) - before >= 80);
}

#[test]
fn a_budget_counts_from_the_next_window_on() {
    let (mut world, a, b) = contest();
    world.go(20_000);
    let before = world.sum(&a) + world.sum(&b);
    world.change(|policy| policy.limits[0].permits = permits(150));
    world.go(29_000);
    assert_eq!(world.sum(&a) + world.sum(&b), before);
    world.go(39_000);
    assert_eq!(world.sum(&a) + world.sum(&b), before + 150);
    world.change(|policy| policy.limits[0].permits = permits(100));
    world.go(49_000);
    assert_eq!(world.sum(&a) + world.sum(&b), before + 250);
}

#[test]
fn a_lowered_budget_cuts_what_was_booked_ahead() {
    let (mut world, a, b) = contest();
    world.go(19_500);
    world.change(|policy| policy.limits[0].permits = permits(3));
    world.change(|policy| policy.largest_lease = Some(permits(3)));
    let before = world.sum(&a) + world.sum(&b);
    world.go(29_000);
    assert_eq!(world.sum(&a) + world.sum(&b), before + 3);
}

#[test]
fn a_new_team_competes_at_once() {
    let (mut world, ..) = contest();
    world.change(|policy| policy.teams.push(team("c")));
    let c = world.flood(&ask("c", 1), 900);
    world.go(29_000);
    assert!((32..=35).contains(&world.sum(&c)), "{}", world.sum(&c));
}

#[test]
fn requests_of_a_removed_team_are_refused_and_its_leases_close() {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    let lease = world.ask(&ask("a", 100)).lease();
    let (gone, stays) = (world.ask(&ask("a", 1)).ticket(), world.ask(&ask("b", 1)).ticket());
    world.change(|policy| policy.teams.retain(|team| team.id != team_id("a")));
    let refusal = world.outcome(gone).refusal();
    assert_eq!((refusal.reason, refusal.retry_at), (Reason::UnknownTeam, None));
    assert_eq!(world.ask(&ask("a", 1)).reason(), Reason::UnknownTeam);
    let settled = world.settle(&lease, 0, 100).expect("a lease that has ended");
    assert!(settled.accepted.is_zero() && !settled.is_open);
    world.outcome(stays).ticket();
    world.go(19_000);
    world.outcome(stays).lease();
}

#[test]
fn a_team_that_gets_parts_has_no_callers_any_more() {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    world.ask(&ask("b", 100)).lease();
    let waits = world.ask(&ask("a", 1)).ticket();
    world.change(|policy| policy.teams.push(part("a1", "a")));
    assert_eq!(world.outcome(waits).reason(), Reason::TeamHasParts);
    assert_eq!(world.ask(&ask("a", 1)).reason(), Reason::TeamHasParts);
    world.go(19_000);
    world.ask(&ask("a1", 1)).lease();
}

#[test]
fn a_team_that_loses_its_parts_has_callers_again() {
    let mut world = World::new(policy(100, vec![team("a"), part("a1", "a")]));
    world.ask(&ask("a1", 10)).lease();
    world.change(|policy| policy.teams.retain(|team| team.parent.is_none()));
    assert_eq!(world.ask(&ask("a", 90)).lease().permits, permits(90));
    assert_eq!(world.allocator.left(), permits(0));
}

#[test]
fn a_policy_that_breaks_a_rule_changes_nothing() {
    let mut world = World::new(policy(100, vec![team("a")]));
    let waits = world.flood(&ask("a", 60), 2)[1];
    let mut broken = world.allocator.policy().clone();
    broken.teams.push(team("a"));
    let error = world.allocator.set_policy(world.now, broken).expect_err("a team twice");
    assert!(matches!(error, PolicyError::Duplicate { .. }), "{error}");
    assert_eq!(world.allocator.policy().teams.len(), 1);
    world.go(19_000);
    world.outcome(waits).lease();
}

#[test]
fn a_window_that_started_under_a_lower_budget_keeps_to_it_though_the_change_arrives_late() {
    for (since, sum) in [(9_999, 30), (10_000, 100)] {
        let mut world = World::new(policy(100, vec![team("a")]));
        world.ask(&ask("a", 100)).lease();
        let waiting = world.flood(&ask("a", 1), 300);
        world.books_late = true;
        world.go(10_500);
        let mut lower = world.allocator.policy().clone();
        lower.limits[0].permits = permits(30);
        world.allocator.set_policy_since(world.now, at(since), lower).expect("a policy that holds");
        world.books_late = false;
        world.decide();
        assert_eq!(world.sum(&waiting), sum, "in force since {since}");
    }
}

#[test]
fn a_block_that_is_not_booked_yet_keeps_to_the_policy_of_its_window() {
    let mut world = World::new(policy(100, vec![team("a")]));
    world.ask(&ask("a", 100)).lease();
    world.flood(&ask("a", 1), 300);
    world.books_late = true;
    world.now = at(9_500);
    world.allocator.decide(world.now);
    let mut lower = world.allocator.policy().clone();
    lower.limits[0].permits = permits(30);
    world.allocator.set_policy(world.now, lower).expect("a policy that holds");
    let budgets: Vec<_> = std::iter::from_fn(|| world.allocator.next_effect())
        .filter_map(|effect| match effect {
            Effect::Book { budget, window, .. } => Some((window.start.earliest, budget)),
            _ => None,
        })
        .collect();
    assert_eq!(budgets, [(at(10_000), permits(30))]);
}

#[test]
fn what_is_held_back_for_a_team_goes_with_it() {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    world.ask(&ask("a", 80)).lease();
    world.go(10_000);
    let waits = world.ask(&ask("b", 100)).ticket();
    world.outcome(waits).ticket();
    world.change(|policy| policy.teams.retain(|team| team.id != team_id("a")));
    assert_eq!(world.outcome(waits).lease().granted_at, at(10_000));
}

#[test]
fn windows_on_another_phase_start_with_the_leases_that_may_be_used_in_them() {
    for (is_used_up, granted_at) in [(true, 4_000), (false, 14_000)] {
        let mut world = World::new(policy(100, vec![team("a")]));
        let lease = world.ask(&ask("a", 100)).lease();
        world.go(1_000);
        if is_used_up {
            world.settle_by(&lease, ("a", "only"), (100, 0), true).expect("a report that holds");
        }
        let waits = world.ask(&ask("a", 1)).ticket();
        world.change(|policy| policy.limits[0].phase = Span::from_ms(4_000));
        world.go(20_000);
        assert_eq!(world.outcome(waits).lease().granted_at, at(granted_at));
    }
}

#[test]
fn an_added_limit_counts_open_leases_and_what_comes_back_of_them() {
    let mut policy = policy(1_000, vec![team("a")]);
    policy.limits = vec![limit("minute", 1_000, 60_000)];
    let mut world = World::new(policy);
    world.go(5_000);
    let lease = world.ask(&ask("a", 100)).lease();
    world.go(7_000);
    world.change(|policy| policy.limits.push(limit("main", 100, WINDOW_MS)));
    world.go(12_000);
    let waits = world.ask(&ask("a", 40)).ticket();
    world.go(13_000);
    world.outcome(waits).ticket();
    assert_eq!(world.settle(&lease, 10, 30).expect("a report that holds").accepted, permits(30));
    world.outcome(waits).ticket();
    assert_eq!(world.settle(&lease, 10, 45).expect("a report that holds").accepted, permits(15));
    world.outcome(waits).lease();
    let rest = world.flood(&ask("a", 1), 100);
    assert_eq!(world.sum(&rest), 5, "45 came back");
    world.go(25_000);
    assert_eq!(world.sum(&rest), 50, "55 may be used until the minute ends");
}

#[test]
fn a_cap_is_a_windows_whatever_becomes_of_the_team() {
    let parents = |parent: Option<&str>| {
        let mut capped = team("a");
        capped.cap = Some(permits(10));
        capped.parent = parent.map(team_id);
        vec![team("left"), team("right"), part("left-other", "left"), part("right-other", "right"), capped]
    };
    let mut world = World::new(policy(100, parents(Some("left"))));
    world.ask(&ask("a", 10)).lease();
    for teams in [parents(Some("right")), vec![team("other")], parents(None)] {
        world.change(|policy| policy.teams = teams);
        if world.allocator.policy().teams.len() > 1 {
            world.flood(&ask("a", 1), 3).into_iter().for_each(|ticket| {
                world.outcome(ticket).ticket();
                world.allocator.cancel(world.now, ticket);
            });
        }
    }
    world.go(10_000);
    world.ask(&ask("a", 10)).lease();
}

#[test]
fn a_cap_holds_in_the_longer_window_that_a_removed_limit_leaves() {
    let mut capped = team("a");
    capped.cap = Some(permits(5));
    let mut policy = policy(100, vec![capped, team("b")]);
    policy.limits.push(limit("minute", 500, 60_000));
    let mut world = World::new(policy);
    for start in [0, 10_000, 20_000] {
        world.go(start);
        world.ask(&ask("a", 3)).lease();
        world.ask(&ask("b", 10)).lease();
    }
    world.change(|policy| policy.limits.retain(|limit| limit.id == limit_id("minute")));
    let waits = world.ask(&ask("a", 1)).ticket();
    world.ask(&ask("b", 10)).lease();
    world.go(59_999);
    world.outcome(waits).ticket();
    world.go(60_000);
    world.outcome(waits).lease();
}

#[test]
fn a_request_that_expires_in_the_first_window_of_a_changed_limit_is_refused_for_the_change() {
    let mut world = World::new(policy(100, vec![team("a")]));
    world.ask(&ask("a", 100)).lease();
    world.change(|policy| policy.limits[0].window = Span::from_ms(20_000));
    let waits = world.ask(&Ask { deadline: at(500), ..ask("a", 1) });
    world.go(1_000);
    let refusal = match waits {
        Reply::Waits(ticket) => world.outcome(ticket).refusal(),
        reply => reply.refusal(),
    };
    assert_eq!(refusal.retry_at, Some(at(20_000)));
}
