//! Explanations: they agree with what a real request then gets, change nothing, and name the rule and what is kept for whom.

mod common;

use apportion_core::explanation::{Explanation, KeptPermits, Prospect, Purpose, Rule};
use apportion_core::policy::{Policy, Share, TeamPolicy};
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Outcome, Reason};
use apportion_core::time::{Span, Timestamp};
use common::random::Random;
use common::*;

const SEEDS: u64 = 400;
const STEPS: u64 = 40;
const TEAMS: [&str; 4] = ["a", "b", "c1", "c2"];

fn any_policy(random: &mut Random) -> Policy {
    let teams = ["a", "b", "c", "c1", "c2"].map(|id| TeamPolicy {
        parent: id.starts_with('c').then(|| team_id("c")).filter(|parent| *parent != team_id(id)),
        weight: random.pick(&[1, 3]),
        reservation: permits(random.pick(&[0, 0, 4])),
        cap: random.pick(&[None, None, Some(3), Some(12)]).map(permits),
        protected: random.one_in(3),
        priority: random.pick(&Priority::ALL),
        ..team(id)
    });
    let mut policy = policy(random.between(5, 40), teams.to_vec());
    if random.one_in(3) {
        policy.limits.push(limit("long", random.between(10, 90), 30_000));
    }
    for c in Priority::ALL {
        policy.holdback[c] = Share::from_percent(random.pick(&[0, 20]));
        policy.floors[c] = Share::from_percent(random.pick(&[0, 10]));
        policy.edge[c] = random.one_in(3);
    }
    policy.spare_edge = random.one_in(2);
    policy
}

fn any_ask(random: &mut Random, now: Timestamp) -> Ask {
    let wanted = random.between(1, 12);
    let wait = random.pick(&[50, 2_000, 10_000, 40_000, 100_000_000]);
    Ask {
        caller: caller_id(random.pick(&["x", "y"])),
        priority: random.pick(&[None, Some(Priority::Critical), Some(Priority::Sheddable)]),
        min_permits: permits(random.between(1, wanted)),
        deadline: now + Span::from_ms(wait),
        ..ask(random.pick(&TEAMS), wanted)
    }
}

/// Whatever happened before is over; nothing else happens from now on.
fn play(world: &mut World, ask: &Ask, until: Timestamp) -> (Timestamp, Outcome) {
    let ticket = match world.submit(ask) {
        Reply::Waits(ticket) => ticket,
        Reply::Refused(refusal) => return (world.now, Outcome::Refused(refusal)),
        Reply::Granted(lease) => return (world.now, Outcome::Granted(lease)),
    };
    world.decide();
    while !world.answers.contains_key(&ticket) {
        world.now = world.allocator.next_deadline().expect("something is due while a request waits");
        assert!(world.now <= until, "no answer by {until:?}");
        world.decide();
    }
    world.answers[&ticket].clone()
}

#[track_caller]
fn agrees(prospect: &Prospect, (at, outcome): &(Timestamp, Outcome), seed: u64) {
    let actual = match outcome {
        Outcome::Granted(lease) => Prospect::Granted { at: *at, permits: lease.permits },
        Outcome::Refused(refusal) => Prospect::Refused { at: *at, refusal: refusal.clone() },
    };
    assert_eq!(*prospect, actual, "seed {seed}");
}

/// What explanations said in all runs, so that no kind of it goes untested.
#[derive(Default)]
struct Seen {
    granted_at_once: u32,
    granted_later: u32,
    refused_on_arrival: u32,
    refused_later: u32,
    rules: std::collections::BTreeSet<String>,
}

impl Seen {
    fn note(&mut self, explanation: &Explanation) {
        let now = explanation.now;
        match &explanation.prospect {
            Prospect::Granted { at, .. } if *at == now => self.granted_at_once += 1,
            Prospect::Granted { .. } => self.granted_later += 1,
            Prospect::Refused { at, .. } if *at == now => self.refused_on_arrival += 1,
            Prospect::Refused { .. } => self.refused_later += 1,
            Prospect::Waits { .. } => {}
        }
        if let Some(obstacle) = &explanation.obstacle {
            self.rules.insert(format!("{:?}", obstacle.rule));
        }
    }
}

fn explain(world: &World, ask: &Ask, seed: u64) -> Explanation {
    let before = format!("{:?}", world.allocator);
    let explanation = world.allocator.explain(world.now, ask);
    assert_eq!(before, format!("{:?}", world.allocator), "seed {seed}: an explanation changed something");
    explanation
}

/// How many runs: fewer with `APPORTION_SEEDS` set.
#[allow(clippy::disallowed_methods, reason = "a test has surroundings")]
fn seeds() -> u64 {
    let fewer = std::env::var("APPORTION_SEEDS").map(|seeds| seeds.parse().expect("a whole number"));
    SEEDS.min(fewer.unwrap_or(SEEDS))
}

#[test]
fn an_explanation_agrees_with_what_a_real_request_then_gets_and_changes_nothing() {
    let mut seen = Seen::default();
    let seeds = seeds();
    for seed in 0..seeds {
        let mut random = Random(seed);
        let mut world = World::new(any_policy(&mut random));
        for _ in 0..random.below(STEPS) {
            if random.one_in(4) {
                let ms = u64::from(random.between(1, 6_000));
                world.go((world.now.since(at(0)) + Span::from_ms(ms)).as_ns() / 1_000_000);
            } else {
                let ask = any_ask(&mut random, world.now);
                world.ask(&ask);
            }
        }
        let ask = any_ask(&mut random, world.now);
        let explanation = explain(&world, &ask, seed);
        seen.note(&explanation);
        let (now, patient) = (world.now, Ask { deadline: Timestamp::MAX, ..ask.clone() });
        let copied = world.allocator.clone();
        let marks = world.marks.clone();
        agrees(&explanation.prospect, &play(&mut world, &ask, ask.deadline), seed);
        (world.allocator, world.marks, world.now) = (copied, marks, now);
        world.answers.clear();
        match &explanation.prospect_without_deadline {
            Prospect::Waits { .. } => {}
            prospect => agrees(prospect, &play(&mut world, &patient, Timestamp::MAX), seed),
        }
        let is_at_once = matches!(explanation.prospect, Prospect::Granted { at, .. } if at == now);
        assert_eq!(explanation.obstacle.is_none(), is_at_once, "seed {seed}: {explanation:?}");
    }
    assert!(seen.granted_at_once > 0 && seen.granted_later > 0, "{}", seeds);
    assert!(seeds < SEEDS || (seen.refused_on_arrival > 0 && seen.refused_later > 0));
    for rule in ["Refused", "Cap", "Edge", "Budget", "Kept"] {
        assert!(seeds < SEEDS || seen.rules.contains(rule), "no run met {rule}: {:?}", seen.rules);
    }
}

#[test]
fn what_is_granted_at_once_has_no_obstacle() {
    let world = World::new(policy(10, vec![team("a")]));
    let explanation = world.allocator.explain(at(0), &ask("a", 3));
    assert_eq!(explanation.prospect, Prospect::Granted { at: at(0), permits: permits(3) });
    assert_eq!((explanation.obstacle, explanation.earliest), (None, None));
    assert_eq!(explanation.available, permits(10));
    assert_eq!(explanation.priority, Some(Priority::Default));
}

#[test]
fn an_empty_window_is_named_with_the_next_one() {
    let mut world = World::new(policy(10, vec![team("a")]));
    world.ask(&ask("a", 10)).lease();
    let short = Ask { deadline: at(5_000), ..ask("a", 1) };
    let explanation = world.allocator.explain(at(0), &short);
    let obstacle = explanation.obstacle.expect("nothing is left");
    assert_eq!((obstacle.rule, obstacle.reason), (Rule::Budget, Reason::DeadlineTooShort));
    assert_eq!(obstacle.limit, Some(limit_id("main")));
    assert_eq!(explanation.earliest, Some(at(WINDOW_MS)));
    assert!(matches!(explanation.prospect, Prospect::Refused { at: when, .. } if when == at(0)));
    let later = Prospect::Granted { at: at(WINDOW_MS), permits: permits(1) };
    assert_eq!(explanation.prospect_without_deadline, later);
}

#[test]
fn what_is_kept_is_named_with_its_purpose() {
    let mut policy = policy(100, vec![team("a"), team("b")]);
    policy.holdback[Priority::Critical] = Share::from_percent(20);
    let mut world = World::new(policy);
    world.ask(&ask("b", 30)).lease();
    world.go(WINDOW_MS);
    let explanation = world.allocator.explain(world.now, &ask("a", 70));
    let kept = &explanation.limits[0].kept;
    let holdback = KeptPermits { purpose: Purpose::Holdback(Priority::Critical), permits: 20 };
    let expected = Purpose::ExpectedDemand(team_id("b"), Priority::Default);
    assert_eq!(*kept, [holdback, KeptPermits { purpose: expected, permits: 30 }]);
    assert_eq!(explanation.available, permits(50));
    let obstacle = explanation.obstacle.expect("too much is kept");
    assert_eq!((obstacle.rule, obstacle.reason), (Rule::Kept, Reason::WindowExhausted));
    assert!(matches!(explanation.prospect, Prospect::Granted { at: when, .. } if when > world.now));
}

#[test]
fn a_cap_and_the_room_under_it_are_named() {
    let capped = TeamPolicy { cap: Some(permits(5)), ..team("a") };
    let mut world = World::new(policy(100, vec![capped]));
    world.ask(&ask("a", 4)).lease();
    let explanation = world.allocator.explain(at(0), &ask("a", 2));
    assert_eq!(
        explanation.obstacle.map(|it| (it.rule, it.reason)),
        Some((Rule::Cap, Reason::TeamCapReached))
    );
    assert_eq!(explanation.path[0].room, Some(permits(1)));
    assert_eq!(explanation.available, permits(1));
}

#[test]
fn the_guard_is_an_edge() {
    let mut world = World::new(policy(10, vec![team("a")]));
    world.go(WINDOW_MS - GUARD_MS / 2);
    let explanation = world.allocator.explain(world.now, &ask("a", 1));
    assert_eq!(explanation.obstacle.map(|it| it.rule), Some(Rule::Edge));
    assert!(!explanation.limits[0].is_open);
    assert_eq!(explanation.prospect, Prospect::Granted { at: at(WINDOW_MS), permits: permits(1) });
}

#[test]
fn a_refusal_that_is_final_has_no_later_prospect() {
    let world = World::new(policy(10, vec![team("a")]));
    let explanation = world.allocator.explain(at(0), &ask("nobody", 1));
    assert_eq!(
        explanation.obstacle.map(|it| (it.rule, it.reason)),
        Some((Rule::Refused, Reason::UnknownTeam))
    );
    assert_eq!(explanation.prospect, explanation.prospect_without_deadline);
    assert!(explanation.limits.is_empty() && explanation.priority.is_none());
}

#[test]
fn a_request_behind_others_of_its_caller_waits_for_them() {
    let mut world = World::new(policy(10, vec![team("a")]));
    world.ask(&ask("a", 8)).lease();
    world.ask(&ask("a", 5)).ticket();
    let explanation = world.allocator.explain(at(0), &ask("a", 1));
    assert_eq!(explanation.obstacle.map(|it| it.rule), Some(Rule::CallerQueue));
    assert_eq!((explanation.waiting.requests, explanation.waiting.permits), (1, 5));
}

#[test]
fn a_lost_store_is_named() {
    let mut world = World::new(policy(10, vec![team("a")]));
    world.allocator.set_store_lost(true);
    let explanation = world.allocator.explain(at(0), &ask("a", 1));
    assert_eq!(explanation.obstacle.map(|it| (it.rule, it.reason)), Some((Rule::Store, Reason::StoreLost)));
}

#[test]
fn a_prospect_that_lies_too_far_ahead_is_a_wait_of_at_least_so_long() {
    let mut world = World::new(policy(1, vec![team("a")]));
    for caller in ["p", "q", "r", "s", "t"] {
        world.flood(&Ask { caller: caller_id(caller), ..ask("a", 1) }, 900);
    }
    // The last of its caller's requests, and callers take turns: 4500 windows pass.
    let last = Ask { caller: caller_id("t"), ..ask("a", 1) };
    let explanation = world.allocator.explain(at(0), &last);
    let Prospect::Waits { until } = explanation.prospect else { panic!("{:?}", explanation.prospect) };
    assert!(until > at(1_000 * WINDOW_MS), "{until:?}");
}
