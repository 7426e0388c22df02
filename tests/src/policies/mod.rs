//! A simulated world in which policy changes: limits of every shape come, go and are renamed, teams move, workspaces are made
//! again, and the server crashes right before, in and after it, out of one seed.
//!
//! One server at a time, with the core's own ledger and allocator; clocks are right. The judge knows leases only: no marks, no
//! blocks, no accounts.

mod change;
mod fixed;
mod judge;
mod mood;
mod server;
mod store;

pub use mood::Mood;

use crate::world::random::Random;
use apportion_core::policy::Policy;
use apportion_core::time::{Span, Timestamp};
use judge::Judge;
use server::Server;
use store::Store;

/// When every world starts.
const START: Timestamp = Timestamp::from_ns(1_000_000_000_000_000);
/// How long one is played.
const PLAYED: Span = Span::from_secs(150);

/// What became of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first rule that did not hold.
    pub broken: Option<String>,
    /// Permits granted.
    pub granted: u64,
    /// Changes of policy.
    pub changes: u64,
    /// What happened, if it was kept.
    pub trace: Vec<String>,
}

struct World {
    mood: Mood,
    now: Timestamp,
    random: Random,
    store: Store,
    server: Option<Server>,
    starts_at: Timestamp,
    lives: u64,
    judge: Judge,
    changes: u64,
    names: u64,
    trace: Option<Vec<String>>,
}

/// Plays the world of a seed.
pub fn run(seed: u64, mood: Mood, traced: bool) -> Outcome {
    let mut random = Random::new(seed);
    let policy = change::first(&mut random, mood);
    let mut world = World {
        mood,
        now: START,
        store: Store::new(policy.clone()),
        server: None,
        starts_at: START,
        lives: 0,
        judge: Judge::new(mood, policy),
        changes: 0,
        names: 0,
        trace: traced.then(Vec::new),
        random,
    };
    while world.now < START + PLAYED && world.judge.broken.is_none() {
        world.step();
    }
    Outcome {
        broken: world.judge.broken,
        granted: world.judge.granted,
        changes: world.changes,
        trace: world.trace.unwrap_or_default(),
    }
}

/// Plays the world of a seed; where a rule does not hold, plays it again and panics with what happened last.
pub fn check(seed: u64, mood: Mood) -> Outcome {
    let outcome = run(seed, mood, false);
    if let Some(broken) = &outcome.broken {
        let trace = run(seed, mood, true).trace;
        let last = trace.len().saturating_sub(120);
        panic!("{}\nseed {seed}, {mood:?}: {broken}", trace[last..].join("\n"));
    }
    outcome
}

impl World {
    fn step(&mut self) {
        let most = if self.mood == Mood::Calm { 60 } else { 250 };
        self.now = self.now + Span::from_ms(self.random.between(1, most));
        if self.server.is_none() && self.now >= self.starts_at {
            self.start();
        }
        self.happen();
        self.act();
    }

    fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let since = self.now.since(START).as_ns() / 1_000_000;
            trace.push(format!("{since} ms: {}", line()));
        }
    }

    fn start(&mut self) {
        self.lives += 1;
        let nonce = self.random.wide();
        self.say(|| "the server starts".into());
        self.server = Some(Server::start(self.now, self.lives, nonce, &mut self.store));
    }

    fn happen(&mut self) {
        let stormy = self.mood == Mood::Stormy;
        match self.random.between(0, 999) {
            0..25 => self.change(),
            25..35 if stormy => self.crash(),
            35..45 if stormy => self.store.fails = 1 + self.random.place(3),
            45..50 if stormy => self.with(|server, now, random, _| server.throttled(now, random)),
            50..56 if stormy => self.with(|server, now, random, _| server.learn_a_phase(now, random)),
            56..59 if stormy => {
                self.say(|| "the clock got a new anchor".into());
                self.with(|server, _, _, _| server.reanchor());
            }
            59..64 if stormy => self.make_again(),
            _ => {}
        }
        let asks = if stormy { self.random.between(0, 3) } else { 2 };
        for _ in 0..asks {
            self.with(|server, now, random, _| server.ask(now, random));
        }
        let settles = self.judge.settle(self.now, &mut self.random);
        for report in settles {
            self.with(|server, now, _, _| server.settle(now, &report));
        }
        let taken_back = self.server.as_mut().map(Server::taken_back).unwrap_or_default();
        taken_back.into_iter().for_each(|(lease, n)| self.judge.taken_back(lease, n));
    }

    fn with(&mut self, act: impl FnOnce(&mut Server, Timestamp, &mut Random, &mut Store)) {
        if let Some(server) = &mut self.server {
            act(server, self.now, &mut self.random, &mut self.store);
        }
    }

    /// Carries out what the server asks for, and shows the judge what was granted.
    fn act(&mut self) {
        let Some(server) = &mut self.server else { return };
        server.act(self.now, &mut self.store, &mut self.random);
        let grants = server.grants();
        let windows = server.windows(self.now);
        for lease in grants {
            self.say(|| format!("granted {lease:?}"));
            self.judge.grant(self.now, lease, &windows);
        }
        let opens = self.server.as_mut().and_then(|server| server.opens(self.now));
        self.judge.look(self.now, opens);
    }

    /// Policy changes: durable first, then in force. A crash may come in between.
    fn change(&mut self) {
        self.changes += 1;
        self.names += 1;
        let mut policy = self.store.policy.clone();
        change::any(&mut policy, self.names, self.mood, &mut self.random);
        if policy.check().is_err() {
            return;
        }
        self.put(policy);
    }

    fn put(&mut self, policy: Policy) {
        self.say(|| format!("policy {:?}, teams {:?}", policy.limits, policy.teams));
        let crashes = self.mood == Mood::Stormy && self.random.percent(15);
        self.store.put(policy.clone());
        if crashes {
            return self.crash();
        }
        let known = policy.clone();
        self.with(|server, now, _, store| server.set_policy(now, known, store));
        self.judge.policy(self.now, policy);
    }

    /// The workspace is deleted and made again, maybe under other limits.
    fn make_again(&mut self) {
        let mut policy = self.store.policy.clone();
        if self.random.percent(50) {
            self.names += 1;
            change::any(&mut policy, self.names, self.mood, &mut self.random);
        }
        policy.created_at = self.now;
        if policy.check().is_err() {
            return;
        }
        self.say(|| "the workspace is made again".into());
        self.store.put(policy.clone());
        self.judge.policy(self.now, policy);
        self.judge.forget_what_waits();
        self.with(|server, now, _, _| {
            server.forget(now);
            server.reopen(now);
        });
    }

    fn crash(&mut self) {
        self.say(|| "the server crashes".into());
        self.server = None;
        self.store.crash();
        self.judge.policy(self.now, self.store.policy.clone());
        self.judge.forget_what_waits();
        self.starts_at = self.now + Span::from_ms(self.random.between(5, 1_500));
    }
}
