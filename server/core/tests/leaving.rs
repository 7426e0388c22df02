//! The requests of a removed team are refused a few at a time, and no other team notices.

mod common;

use apportion_core::bounds::Bounds;
use apportion_core::policy::Policy;
use apportion_core::request::{Ask, Reason, Ticket};
use apportion_core::time::Timestamp;
use common::random::Random;
use common::*;

fn of(team: &str, caller: &str) -> Ask {
    Ask { caller: caller_id(caller), ..ask(team, 1) }
}

fn remove(policy: &mut Policy, id: &str) {
    policy.teams.retain(|team| team.id != team_id(id));
}

/// Everything is granted; ten callers of `b` wait, each with a request of its own id.
fn crowded(at_once: u32) -> (World, Vec<Ticket>) {
    let bounds = Bounds { removed_at_once: at_once, callers_per_team: 10, ..Bounds::DEFAULT };
    let mut world = World::within(policy(10, vec![team("a"), team("b")]), bounds);
    world.ask(&ask("a", 10)).lease();
    let callers = (0..10).map(|n| Ask { request_id: request_id("first"), ..of("b", &format!("c{n}")) });
    let waiting = callers.map(|ask| world.ask(&ask).ticket()).collect();
    (world, waiting)
}

fn gone(world: &World, tickets: &[Ticket]) -> Vec<usize> {
    let is_gone = |(at, ticket)| {
        let reply = world.outcome(ticket);
        (!matches!(reply, Reply::Waits(_)))
            .then(|| assert_eq!(reply.reason(), Reason::UnknownTeam))
            .map(|()| at)
    };
    tickets.iter().copied().enumerate().filter_map(is_gone).collect()
}

#[test]
fn who_waits_at_a_removed_team_is_refused_a_piece_at_a_time_in_order() {
    let (mut world, waiting) = crowded(3);
    world.change(|policy| remove(policy, "b"));
    assert_eq!(gone(&world, &waiting), [0, 1, 2], "the first piece at once");
    assert_eq!(world.ask(&of("b", "c9")).reason(), Reason::UnknownTeam, "nobody joins them");
    assert_eq!(gone(&world, &waiting), [0, 1, 2], "a call brings no other piece before its time");
    assert_eq!(world.allocator.next_deadline(), Some(at(2)));
    world.go(2);
    assert_eq!(gone(&world, &waiting), [0, 1, 2, 3, 4, 5]);
    world.go(6);
    assert_eq!(gone(&world, &waiting).len(), 10);
    world.go(60);
    assert_eq!(
        (world.allocator.waiting(), world.allocator.next_deadline()),
        (0, None),
        "nothing is left of it"
    );
}

#[test]
fn a_request_of_a_removed_team_may_still_be_withdrawn_or_expire() {
    let (mut world, waiting) = crowded(1);
    let brief = world.ask(&Ask { deadline: at(10_001), ..of("b", "c9") }).ticket();
    world.go(9_999);
    world.change(|policy| remove(policy, "b"));
    assert!(world.allocator.cancel(world.now, waiting[9]) && !world.allocator.cancel(world.now, waiting[9]));
    world.go(10_001);
    assert_eq!(world.outcome(brief).reason(), Reason::UnknownTeam);
    world.go(10_100);
    assert_eq!(gone(&world, &waiting), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!((world.allocator.waiting(), world.allocator.next_deadline()), (0, None));
}

#[test]
fn a_team_created_again_is_independent_of_the_removed_one() {
    let (mut world, old) = crowded(1);
    let teams = world.allocator.policy().teams.clone();
    world.change(|policy| remove(policy, "b"));
    world.change(|policy| policy.teams = teams);
    let again = Ask { request_id: request_id("first"), ..of("b", "c9") };
    let new = world.ask(&again).ticket();
    assert!(!old.contains(&new), "an id of the former team is known no longer");
    world.go(12_000);
    world.outcome(new).lease();
    assert_eq!(gone(&world, &old).len(), 10);
    for n in 0..9 {
        assert!(
            !matches!(world.ask(&of("b", &format!("c{n}"))), Reply::Refused(_)),
            "there is room for callers"
        );
    }
}

/// What a run of chance grants, and when, where removed teams leave in pieces of that size. None comes back and each has one caller:
/// places that are used again later decide between equals.
fn granted(seed: u64, removed_at_once: u32) -> Vec<(usize, Timestamp)> {
    let mut random = Random(seed);
    let ids: Vec<String> = (0..30).map(|n| format!("t{n}")).collect();
    let teams = ids.iter().map(|id| team(id)).collect();
    let bounds = Bounds { removed_at_once, ..Bounds::NONE };
    let mut world = World::within(policy(20, teams), bounds);
    let mut tickets = Vec::new();
    for _ in 0..200 {
        let id = &ids[usize::try_from(random.below(30)).expect("a place")];
        match random.below(8) {
            0 => world.change(|policy| remove(policy, id)),
            1 => {
                let ms = random.pick(&[0, 1, 5, 400, 3_000]);
                let now = world.now.since(at(0)).as_ns() / 1_000_000;
                world.go(now + ms);
            }
            _ => {
                let wait = random.pick(&[3, 2_000, 20_000]);
                let deadline = world.now + apportion_core::time::Span::from_ms(wait);
                let permits = permits(random.between(1, 5));
                let ask = Ask { deadline, permits, min_permits: permits, ..ask(id, 1) };
                let reply = world.submit(&ask);
                world.decide();
                tickets.push(if let Reply::Waits(ticket) = reply { Some(ticket) } else { None });
            }
        }
    }
    world.go(200_000);
    assert_eq!(world.allocator.waiting(), 0, "everybody has an answer");
    let place = |ticket| tickets.iter().position(|known| *known == Some(ticket)).expect("it was asked");
    world.granted.iter().map(|&ticket| (place(ticket), world.answers[&ticket].0)).collect()
}

#[test]
fn whoever_stays_is_granted_the_same_however_many_leave_at_once() {
    for seed in 0..200 {
        assert_eq!(granted(seed, 1), granted(seed, u32::MAX), "seed {seed}");
    }
}
