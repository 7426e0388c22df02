//! Caps at every level hold, whatever happens below.

mod common;

use apportion_core::policy::{Policy, TeamPolicy};
use apportion_core::request::{Ask, Reason};
use common::*;

fn capped(id: &str, cap: u32) -> TeamPolicy {
    TeamPolicy { cap: Some(permits(cap)), ..team(id) }
}

fn set_cap(policy: &mut Policy, id: &str, cap: Option<u32>) {
    let team = policy.teams.iter_mut().find(|team| team.id == team_id(id)).expect("a team");
    team.cap = cap.map(permits);
}

#[test]
fn no_team_gets_more_than_its_cap_and_others_get_the_rest() {
    let mut world = World::new(policy(100, vec![capped("a", 10), team("b")]));
    let (a, b) = (world.flood(&ask("a", 1), 50), world.flood(&ask("b", 1), 200));
    assert_eq!((world.sum(&a), world.sum(&b)), (10, 90));
    world.go(10_000);
    assert_eq!((world.sum(&a), world.sum(&b)), (20, 180));
}

#[test]
fn caps_hold_on_every_level() {
    let below = |id: &str, parent: &str, cap: u32| TeamPolicy { cap: Some(permits(cap)), ..part(id, parent) };
    let teams = vec![
        capped("top", 50),
        below("mid", "top", 40),
        below("low", "mid", 30),
        below("leaf", "low", 20),
        part("other", "low"),
        part("third", "mid"),
        part("fourth", "top"),
    ];
    let mut world = World::new(policy(100, teams));
    let mut got = Vec::new();
    for id in ["leaf", "other", "third", "fourth"] {
        let tickets = world.flood(&ask(id, 1), 100);
        got.push(world.sum(&tickets));
    }
    assert_eq!(got, [20, 10, 10, 10]);
}

#[test]
fn a_raised_cap_wakes_waiting_requests_and_a_lowered_one_takes_nothing_back() {
    let mut world = World::new(policy(100, vec![capped("a", 10), team("b")]));
    let a = world.flood(&ask("a", 1), 50);
    world.go(2_000);
    world.change(|policy| set_cap(policy, "a", Some(25)));
    assert_eq!(world.sum(&a), 25);
    world.change(|policy| set_cap(policy, "a", Some(5)));
    assert_eq!(world.sum(&a), 25);
    world.go(10_000);
    assert_eq!(world.sum(&a), 30);
    world.change(|policy| set_cap(policy, "a", None));
    assert_eq!(world.sum(&a), 50);
}

#[test]
fn a_return_makes_room_below_the_cap() {
    let mut world = World::new(policy(100, vec![capped("a", 10)]));
    let lease = world.ask(&ask("a", 10)).lease();
    let waits = world.ask(&ask("a", 4)).ticket();
    world.settle(&lease, 0, 3).expect("a report that holds");
    world.outcome(waits).ticket();
    world.settle(&lease, 0, 4).expect("a report that holds");
    world.outcome(waits).lease();
}

#[test]
fn a_cap_of_nothing_pauses_a_team_and_all_below() {
    let mut world = World::new(policy(100, vec![team("a"), part("a1", "a"), team("b")]));
    world.ask(&ask("b", 100)).lease();
    let waits = world.ask(&ask("a1", 5)).ticket();
    world.change(|policy| set_cap(policy, "a", Some(0)));
    let refusal = world.outcome(waits).refusal();
    assert_eq!((refusal.reason, refusal.retry_at), (Reason::TeamPaused, None));
    assert_eq!(world.ask(&ask("a1", 1)).reason(), Reason::TeamPaused);
    world.change(|policy| set_cap(policy, "a", None));
    world.go(19_000);
    world.ask(&ask("a1", 1)).lease();
}

#[test]
fn a_waiting_request_above_a_lowered_cap_is_refused_as_too_large() {
    let mut world = World::new(policy(100, vec![team("a"), team("b")]));
    world.ask(&ask("b", 100)).lease();
    let large = world.ask(&ask("a", 5)).ticket();
    let small = world.ask(&Ask { caller: caller_id("other"), ..ask("a", 4) }).ticket();
    world.change(|policy| set_cap(policy, "a", Some(4)));
    assert_eq!(world.outcome(large).reason(), Reason::TooLarge);
    assert_eq!(world.ask(&ask("a", 5)).reason(), Reason::TooLarge);
    world.go(10_000);
    world.outcome(small).lease();
}

#[test]
fn a_request_that_expires_at_its_teams_cap_is_refused_for_the_cap() {
    let mut world = World::new(policy(100, vec![capped("a", 10), team("b")]));
    world.ask(&ask("a", 10)).lease();
    let waits = world.ask(&Ask { deadline: at(11_000), ..ask("a", 6) }).ticket();
    let ahead = world.ask(&Ask { caller: caller_id("other"), deadline: at(11_000), ..ask("a", 6) }).ticket();
    world.go(11_000);
    let refused = [waits, ahead].into_iter().filter_map(|ticket| match world.outcome(ticket) {
        Reply::Refused(refusal) => Some((refusal.reason, refusal.retry_at)),
        _ => None,
    });
    assert_eq!(refused.collect::<Vec<_>>(), [(Reason::TeamCapReached, Some(at(20_000)))]);
}

#[test]
fn a_team_at_its_cap_earns_no_credit() {
    let mut world = World::new(policy(100, vec![capped("a", 10), team("b")]));
    let a = world.flood(&ask("a", 1), 900);
    let b = world.flood(&ask("b", 1), 900);
    world.go(3 * WINDOW_MS);
    let before = (world.sum(&a), world.sum(&b));
    world.change(|policy| set_cap(policy, "a", None));
    world.go(4 * WINDOW_MS);
    let (got_a, got_b) = (world.sum(&a) - before.0, world.sum(&b) - before.1);
    assert_eq!(got_a + got_b, 100);
    assert!((48..=52).contains(&got_a), "{got_a} after the cap, {got_b}");
}

#[test]
fn a_return_while_another_limit_paces_makes_no_room_below_the_cap_of_another_team() {
    let mut world = World::new(policy(40, vec![capped("a", 4), team("b")]));
    world.ask(&ask("a", 4)).lease();
    let b = world.ask(&ask("b", 30)).lease();
    // A limit with shorter windows paces from now on; the team moves, so that what it was granted is known of no window.
    world.change(|policy| {
        policy.limits.push(limit("short", 40, 5_000));
        policy.teams.push(team("parent"));
        policy.teams[0].parent = Some(team_id("parent"));
    });
    world.settle_by(&b, ("b", "only"), (0, 6), false).expect("a report that holds");
    world.change(|policy| policy.limits.retain(|limit| limit.id != limit_id("short")));
    world.ask(&ask("a", 1)).ticket();
}
