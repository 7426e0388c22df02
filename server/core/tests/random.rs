//! Random runs with every kind of input, including nonsense: nothing is ever above a budget, a cap or a confirmed block, and
//! every request is answered exactly once or still waits.

mod common;

use apportion_core::allocator::{Allocator, Effect, Submitted};
use apportion_core::bounds::Bounds;
use apportion_core::ids::{CallerId, TeamId};
use apportion_core::ledger::{Marks, Raise};
use apportion_core::observation::Observation;
use apportion_core::permits::Permits;
use apportion_core::policy::{Policy, Share, TeamPolicy};
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, Lease, LeaseId, Outcome, Ticket, Usage};
use apportion_core::time::{Span, Timestamp};
use common::judge::Judge;
use common::random::Random;
use common::*;
use std::collections::BTreeMap;

/// Runs, or fewer with `APPORTION_SEEDS` set.
const SEEDS: u64 = 30_000;
const STEPS: u64 = 150;
const TEAMS: [&str; 6] = ["a", "b", "a1", "a2", "b1", "a1x"];
const CALLERS: [&str; 3] = ["x", "y", "z"];

struct Run {
    random: Random,
    allocator: Allocator,
    judge: Judge,
    now: Timestamp,
    waiting: BTreeMap<Ticket, (TeamId, CallerId, Option<Priority>)>,
    leases: Vec<(Lease, TeamId, CallerId)>,
    /// Leases of previous allocators.
    granted: u64,
    life: u64,
    bounds: Bounds,
    unbooked: Vec<Effect>,
    marks: Marks,
    books_late: bool,
}

fn any_policy(random: &mut Random) -> Policy {
    let mut policy = policy(random.between(1, 60), Vec::new());
    if random.one_in(3) {
        policy.limits.push(limit("long", random.between(1, 150), 30_000));
        policy.limits[1].phase = Span::from_ms(random.pick(&[0, 3_000, 25_000]));
    }
    for limit in &mut policy.limits {
        let (start, guard) = random.pick(&[(0, 0), (0, 850), (100, 850), (100, 2_000)]);
        limit.margins.start = Span::from_ms(start);
        limit.margins.guard = Span::from_ms(guard);
        limit.margins.life = Span::from_ms(random.pick(&[0, 250])).min(limit.margins.guard);
    }
    change(random, &mut policy);
    policy
}

/// Draws everything again that may change at any instant.
fn change(random: &mut Random, policy: &mut Policy) {
    let any_share = |random: &mut Random| Share::from_percent(random.pick(&[0, 0, 5, 20]));
    for c in Priority::ALL {
        policy.holdback[c] = any_share(random);
        policy.floors[c] = any_share(random);
        policy.edge[c] = random.one_in(3);
    }
    policy.spare_edge = random.one_in(2);
    policy.largest_lease = random.pick(&[None, Some(permits(5)), Some(Permits::MAX)]);
    for limit in &mut policy.limits {
        if random.one_in(3) {
            limit.permits = permits(random.between(1, 80));
        }
    }
    let parents = [None, None, Some("a"), Some("a"), Some("b"), Some("a1")];
    policy.teams.clear();
    for (id, parent) in TEAMS.into_iter().zip(parents) {
        let has_parent =
            parent.is_none_or(|parent| policy.teams.iter().any(|team| team.id == team_id(parent)));
        if !has_parent || random.one_in(12) {
            continue;
        }
        policy.teams.push(TeamPolicy {
            parent: parent.map(team_id),
            weight: random.pick(&[1, 1, 3, 10_000]),
            reservation: permits(random.pick(&[0, 0, 5, 1_000])),
            cap: random.pick(&[None, None, None, None, Some(3), Some(20), Some(20), Some(0)]).map(permits),
            protected: random.one_in(3),
            priority: random.pick(&Priority::ALL),
            highest_priority: random.pick(&Priority::ALL),
            ..team(id)
        });
    }
}

/// The priority of a request under a policy.
fn served_at(policy: &Policy, team: &TeamId, asked: Option<Priority>) -> Priority {
    let settings = |id: &TeamId| policy.teams.iter().find(|team| team.id == *id).expect("a team");
    let own = settings(team);
    let path = std::iter::successors(Some(own), |team| team.parent.as_ref().map(settings));
    path.map(|team| team.highest_priority).fold(asked.unwrap_or(own.priority), Priority::max)
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let bounds = Bounds {
            waiting_per_caller: 8,
            waiting_per_team: 12,
            waiting: 20,
            callers_per_team: 2,
            request_ids: 6,
            removed_at_once: 1,
        };
        let bounds = if random.one_in(2) { bounds } else { Bounds::DEFAULT };
        let policy = any_policy(&mut random);
        let now = at(0);
        Self {
            books_late: random.one_in(2),
            allocator: Allocator::new(policy, bounds, now).expect("a policy that holds"),
            random,
            judge: Judge::default(),
            now,
            waiting: BTreeMap::new(),
            leases: Vec::new(),
            granted: 0,
            life: 1,
            bounds,
            unbooked: Vec::new(),
            marks: first_marks(),
        }
    }

    fn step(&mut self) {
        match self.random.below(24) {
            0..10 => self.ask(),
            10..13 => self.now = self.now + Span::from_ms(self.random.pick(&[0, 1, 300, 1_000, 4_000])),
            13..15 => self.now = self.allocator.next_deadline().unwrap_or(self.now).max(self.now),
            15..18 => self.settle(),
            18 => self.cancel(),
            19 => self.change(),
            20 => self.observe(),
            21 => self.allocator.set_store_lost(self.random.one_in(3)),
            22 if self.random.one_in(6) => self.reopen(),
            22 => self.now = self.now + Span::from_ms(u64::from(self.random.between(9_000, 100_000))),
            _ => self.allocator.decide(self.now - Span::from_ms(5_000)),
        }
        self.judge.look(self.allocator.policy(), self.now);
        self.collect();
        self.allocator.decide(self.now);
        self.collect();
        self.book();
        assert_eq!(self.allocator.waiting(), self.waiting.len());
        let next = self.allocator.next_deadline();
        assert!(next.is_none_or(|next| next > self.now), "{next:?} at {:?}", self.now);
    }

    fn ask(&mut self) {
        let random = &mut self.random;
        let most = random.pick(&[0, 1, 1, 1, 2, 2, 3, 4, 7, 30, Permits::MAX.get()]);
        let least = if random.one_in(2) { most } else { random.between(0, most.min(9)) };
        let wait = random.pick(&[0, 1, 2_000, 15_000, 45_000]);
        let deadline = if random.one_in(2) { Timestamp::MAX } else { self.now + Span::from_ms(wait) };
        let ask = Ask {
            team: team_id(random.pick(&["a", "b", "a2", "a2", "b1", "b1", "a1x", "a1", "nobody"])),
            caller: caller_id(random.pick(&CALLERS)),
            priority: random.pick(&[
                None,
                Some(Priority::Critical),
                Some(Priority::Default),
                Some(Priority::Sheddable),
            ]),
            permits: permits(most),
            min_permits: permits(least),
            deadline: if random.one_in(9) { Timestamp::ZERO } else { deadline },
            request_id: random.pick(&[None, Some("r"), Some("s")]).and_then(request_id),
        };
        let waiting = self.allocator.waiting();
        match self.allocator.submit(self.now, &ask) {
            Ok(Submitted::Waits(ticket)) => {
                let former =
                    self.waiting.insert(ticket, (ask.team.clone(), ask.caller.clone(), ask.priority));
                assert!(former.is_none_or(
                    |former| former == (ask.team, ask.caller, ask.priority) && ask.request_id.is_some()
                ));
            }
            Ok(Submitted::Repeats(lease)) => {
                assert!(self.leases.iter().any(|(known, ..)| *known == lease), "{lease:?} was never granted");
            }
            Err(_) => assert!(self.allocator.waiting() <= waiting),
        }
    }

    fn settle(&mut self) {
        let random = &mut self.random;
        let (used, returned) = (random.between(0, 4), random.between(0, 8));
        let (lease, team, caller) = match self.leases.len() {
            0 => return,
            n => self.leases[n - 1 - usize::try_from(random.below(n.min(4) as u64)).expect("small")].clone(),
        };
        let id = if random.one_in(9) { LeaseId(random.next()) } else { lease.id };
        let caller = if random.one_in(6) { caller_id(random.pick(&CALLERS)) } else { caller };
        let is_final = random.one_in(4);
        let settled = self.allocator.settle(
            self.now,
            id,
            (&team, &caller),
            Usage { used: permits(used), returned: permits(returned), is_final },
        );
        if let Ok(settled) = settled {
            assert!(settled.accepted <= settled.returned && settled.returned <= lease.permits);
            self.judge.back(id, settled.accepted);
        }
    }

    fn cancel(&mut self) {
        let ticket = self.waiting.keys().next().copied().filter(|_| !self.random.one_in(3));
        let ticket = ticket.unwrap_or(Ticket(self.random.next()));
        let waited = self.allocator.cancel(self.now, ticket);
        self.collect();
        assert_eq!(self.waiting.remove(&ticket).is_some(), waited);
    }

    fn change(&mut self) {
        let old = self.allocator.policy().clone();
        let mut new = old.clone();
        change(&mut self.random, &mut new);
        self.allocator.decide(self.now);
        self.collect();
        self.judge.look(&old, self.now);
        self.judge.change(&old, &new);
        self.allocator.set_policy(self.now, new).expect("a policy that holds");
    }

    fn observe(&mut self) {
        let random = &mut self.random;
        let any = |random: &mut Random| {
            random.pick(&[None, None, Some(0), Some(7), Some(500), Some(500)]).map(permits)
        };
        let observation = Observation {
            lease: self.leases.last().map(|(lease, ..)| lease.id).filter(|_| random.one_in(2)),
            // What two leases agree on becomes the budget, so that it must not be above what policy says.
            permits: random.pick(&[None, Some(0), Some(1)]).map(permits),
            remaining: any(random),
            throttled: random.one_in(30),
            retry_at: random.one_in(8).then(|| self.now + Span::from_ms(3_000)),
            ..Observation::new(limit_id(random.pick(&["main", "long", "other"])))
        };
        self.allocator.observe(self.now, &observation);
    }

    /// The workspace gets another allocator, which takes over what was booked. Nothing comes back of leases of the last one.
    fn reopen(&mut self) {
        self.life += 1;
        let (policy, nothing) = (self.allocator.policy().clone(), BTreeMap::new());
        self.allocator = Allocator::with_learned(policy, self.bounds, &nothing, self.life, self.now)
            .expect("a policy that holds");
        self.unbooked.clear();
        self.waiting.clear();
        self.granted += self.leases.len() as u64;
        self.leases.clear();
        self.judge.reopen(self.allocator.policy(), self.now);
    }

    fn book(&mut self) {
        while let Some(effect) = self.allocator.next_effect() {
            self.unbooked.push(effect);
        }
        if self.books_late && !self.random.one_in(3) {
            return;
        }
        for effect in std::mem::take(&mut self.unbooked) {
            if let Effect::State(statement) = &effect {
                self.marks.state(statement);
                self.allocator.stated(statement.life, statement.number);
            }
            let Effect::Book { limit, series, window, permits, budget, .. } = effect else { continue };
            let key = mark_key(&limit, window.start.earliest);
            let window_start = key.window_start;
            let Ok(Raise { from, to, .. }) = self.marks.raise(&key, &window, permits, budget, series) else {
                self.allocator.window_spent(series, window_start);
                continue;
            };
            let policy = self.allocator.policy().limits.iter().find(|known| known.id == limit);
            self.judge.confirmed(policy.expect("a limit"), window_start, to.less(from));
            self.allocator.booked(series, window_start, from, to);
        }
        self.allocator.decide(self.now);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(answer) = self.allocator.next_answer() {
            let (team, caller, asked) =
                self.waiting.remove(&answer.ticket).expect("an answer to a request that waits");
            if let Outcome::Granted(lease) = answer.outcome {
                assert_eq!(lease.priority, served_at(self.allocator.policy(), &team, asked));
                self.judge.grant(self.allocator.policy(), &team, &lease, self.now);
                self.leases.push((lease, team, caller));
            }
        }
    }
}

/// Runs one seed, and says which it was where something breaks. Returns how many leases were granted, how many of them
/// across an edge, and how many permits came back.
fn play(seed: u64) -> [u64; 3] {
    let result = std::panic::catch_unwind(|| {
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        [run.granted + run.leases.len() as u64, run.judge.edges, run.judge.returned]
    });
    result.unwrap_or_else(|_| panic!("seed {seed}"))
}

/// How many runs: fewer with `APPORTION_SEEDS` set.
#[allow(clippy::disallowed_methods, reason = "a test has surroundings")]
fn seeds() -> u64 {
    let fewer = std::env::var("APPORTION_SEEDS").map(|seeds| seeds.parse().expect("a whole number"));
    SEEDS.min(fewer.unwrap_or(SEEDS))
}

#[test]
fn nothing_is_ever_above_a_budget_a_cap_or_a_confirmed_block() {
    let seeds = seeds();
    let sums = (0..seeds).map(play).fold([0; 3], |sums, one| [0, 1, 2].map(|at| sums[at] + one[at]));
    assert!(
        sums[0] > 6 * seeds && sums[1] > seeds / 5 && sums[2] > seeds / 2,
        "too little happened: {sums:?}"
    );
}
