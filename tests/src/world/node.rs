//! One node: the real ledger of the shard, a granting side, a queue, and the leases it remembers.
//!
//! Inputs carry the node's own clock; what it does to the world is pulled as acts. Knows no true time and no store.

use super::grants::{Ask, FirstCome, Granted, Grants, Policies, Wish};
use super::plan::{Plan, Side, timestamp};
use super::shared::Shared;
use apportion_core::facts::{Learned, PhaseInterval};
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::{
    BookRefusal, Guard, MarkKey, Shard, ShardEffect, ShardRecord, ShardReply, Statement, Token, Version,
    WantedBlock,
};
use apportion_core::mutant::{self, Mutant};
use apportion_core::permits::Permits;
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::Grid;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// Most requests that wait in one node.
const QUEUE_MAX: usize = 12;
/// How long a request waits, in nanoseconds.
const WAIT_MAX: u64 = 1_500_000_000;

/// One attempt of a client's request.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The request.
    pub request: u64,
    /// What is asked.
    pub ask: Ask,
    /// When the client sent it, by true time: only the client reads it.
    pub sent: u64,
}

/// What the client is told.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Its number in the node's life.
    pub id: (usize, u64, u64),
    /// The attempt it answers.
    pub attempt: Attempt,
    /// How long the node kept the attempt.
    pub held: u64,
    /// How long it lives from the answer on.
    pub valid_for: u64,
}

/// What a node does to the world.
#[derive(Clone, Debug)]
pub enum Act {
    /// Writes.
    Cas(Token, Option<Version>, Box<ShardRecord>, Vec<Guard>),
    /// Reads.
    Read(Token),
    /// Answers a client.
    Answer(Lease),
    /// Permits were granted.
    Granted(Vec<MarkKey>, Permits, bool),
    /// Permits came back in time.
    Returned(Vec<MarkKey>, Permits, bool),
    /// Anything else a shard says: for the trace.
    Said(ShardEffect),
}

#[derive(Clone, Debug)]
struct Given {
    granted: Granted,
    ask: Ask,
    tenure: u64,
    settled: bool,
    first_life: u64,
}

/// One node.
pub struct Node {
    place: usize,
    /// Its name.
    pub id: NodeId,
    /// Rises with each crash.
    pub life: u64,
    /// How wrong its clock is, in nanoseconds.
    pub clock_offset: i64,
    /// The ledger.
    pub shard: Shard,
    policies: Policies,
    plan: Rc<Plan>,
    grids: Vec<Grid>,
    grants: Box<dyn Grants>,
    queue: VecDeque<(Attempt, Timestamp)>,
    asked: BTreeSet<MarkKey>,
    given: BTreeMap<u64, Given>,
    tenure: u64,
    /// How often windows came to lie elsewhere in this tenure: who booked in the former ones is somebody else then.
    lays: u64,
    acts: Vec<Act>,
}

impl Node {
    /// A node that serves nothing yet.
    pub fn new(place: usize, plan: Rc<Plan>, life: u64, nonce: u128) -> Self {
        let id = NodeId::new(&format!("node-{place}")).expect("a name");
        Self {
            place,
            id: id.clone(),
            life,
            clock_offset: 0,
            shard: Shard::new(id, nonce, plan.horizon),
            policies: Policies::new(),
            grids: plan.rules.iter().map(|rule| rule.grid).collect(),
            grants: match plan.side {
                Side::FirstCome => Box::new(FirstCome::new(Rc::clone(&plan))),
                Side::Shared => Box::new(Shared::new(Rc::clone(&plan))),
            },
            plan,
            queue: VecDeque::new(),
            asked: BTreeSet::new(),
            given: BTreeMap::new(),
            tenure: 0,
            lays: 0,
            acts: Vec::new(),
        }
    }

    /// The version of the policy of a workspace that it knows.
    pub fn policy_version(&self, workspace: &WorkspaceId) -> Option<Version> {
        self.policies.get(workspace).map(|(version, ..)| *version)
    }

    /// Reads the policies again; windows that were spent may no longer be.
    pub fn read_policies(&mut self, now: Timestamp, policies: Policies) {
        self.grants.policies(now, &policies);
        self.policies = policies;
        self.asked.clear();
    }

    /// What its clock shows at a true time.
    pub fn clock(&self, true_ns: u64) -> Timestamp {
        timestamp(true_ns.saturating_add_signed(self.clock_offset))
    }

    /// Follows the shard's effects, serves who waits, and says what it does.
    pub fn act(&mut self, now: Timestamp) -> Vec<Act> {
        self.follow(now);
        if self.shard.is_serving() {
            self.serve(now);
            match self.grants.wishes() {
                None => self.book(now),
                Some(wishes) => wishes.into_iter().for_each(|wish| self.fulfil(now, wish)),
            }
            self.follow(now);
        }
        std::mem::take(&mut self.acts)
    }

    /// Takes a request. A repeat is answered with the same lease while that lives.
    pub fn request(&mut self, now: Timestamp, attempt: Attempt) {
        if self.given.contains_key(&attempt.request) {
            self.answer_again(now, attempt, now);
        } else if self.shard.is_serving() && self.queue.len() < QUEUE_MAX {
            self.queue.push_back((attempt, now));
        }
    }

    /// Takes back what a client did not use: once, while the shard is still served, before the guard.
    pub fn settle(&mut self, now: Timestamp, request: u64, unused: Permits) {
        let Some(given) = self.given.get_mut(&request) else { return };
        let void = given.settled || given.tenure != self.tenure || now > given.granted.returns_until;
        given.settled = true;
        if !void && self.shard.is_serving() {
            let taken = self.grants.give_back(now, request, &given.granted, &given.ask, unused);
            self.acts.push(Act::Returned(given.granted.keys.clone(), taken, given.ask.capped));
        }
    }

    /// Gives the shard away.
    pub fn hand_over(&mut self, now: Timestamp, to: NodeId) {
        let granted = self.grants.granted(&|key| self.shard.booked(key));
        self.shard.hand_over(now, to, &granted);
    }

    /// The provider named its budget and where its windows lie: acted on at once, and written.
    pub fn learn(&mut self, now: Timestamp, rule: usize, budget: Permits, phase: Span) {
        let permits = (budget < self.plan.rules[rule].budget).then_some(budget);
        if self.shard.is_serving() && !self.grants.observe(now, rule, permits, phase) {
            self.lay(rule, phase);
            let rule = &self.plan.rules[rule];
            let phase = Some(PhaseInterval { least: phase, width: Span::ZERO });
            let learned = Learned { permits, phase, ..Learned::default() };
            self.shard.learn(now, rule.workspace.clone(), rule.limit.clone(), learned);
        }
    }

    /// The provider said that the window of now is exhausted.
    pub fn throttled(&mut self, now: Timestamp, place: usize) {
        let rule = &self.plan.rules[place];
        let window = self.grids[place].at(now);
        self.grants.throttled(now, place);
        self.shard.exhausted(now, rule.key(&window), &window, rule.budget);
    }

    /// Moves the windows of a limit.
    fn lay(&mut self, rule: usize, phase: Span) {
        self.lays += 1;
        self.grids[rule] = Grid::new(self.grids[rule].length(), phase);
        self.grants.lay(rule, self.grids[rule]);
    }

    /// Serves the shard from now on, over what its record says.
    fn own(&mut self, now: Timestamp) {
        self.tenure += 1;
        self.asked.clear();
        let record = self.shard.record().expect("the record of an owner").clone();
        for (place, rule) in Rc::clone(&self.plan).rules.iter().enumerate() {
            let learned = record.learned.get(&(rule.workspace.clone(), rule.limit.clone()));
            self.lay(
                place,
                learned.and_then(|learned| learned.phase).map_or(rule.grid.phase(), |phase| phase.least),
            );
        }
        self.grants.owned(now, &record);
    }

    fn follow(&mut self, now: Timestamp) {
        while let Some(effect) = self.shard.poll() {
            match effect {
                ShardEffect::Cas { token, expected, new, guards } => {
                    self.acts.push(Act::Cas(token, expected, new, guards));
                    continue;
                }
                ShardEffect::Read { token } => {
                    self.acts.push(Act::Read(token));
                    continue;
                }
                ShardEffect::Owned { .. } => self.own(now),
                ShardEffect::Reply { ref workspace, reply } => self.replied(workspace, reply),
                ShardEffect::Lost { .. } => {
                    self.tenure += 1;
                    self.grants.lost(now);
                    self.queue.clear();
                    self.asked.clear();
                }
                ShardEffect::StoreLost => self.grants.set_store_lost(true),
                ShardEffect::StoreBack => self.grants.set_store_lost(false),
            }
            self.acts.push(Act::Said(effect));
        }
    }

    fn replied(&mut self, workspace: &WorkspaceId, reply: ShardReply) {
        // The small model has one life for each place where windows lie, and asks once; an allocator knows its own.
        if self.plan.side == Side::FirstCome {
            match reply {
                ShardReply::Booked { series, window_start, .. } => {
                    self.asked.remove(&self.plan.key_of(series, window_start));
                    if series.life != self.booking_life() {
                        return;
                    }
                }
                // A spent window stays so until the policy changes: asking again is in vain.
                ShardReply::Refused { why: BookRefusal::Spent, .. } | ShardReply::Stated { .. } => {}
                ShardReply::Refused { series, window_start, .. } => {
                    self.asked.remove(&self.plan.key_of(series, window_start));
                }
            }
        }
        self.grants.replied(workspace, reply);
    }

    fn serve(&mut self, now: Timestamp) {
        let record = self.shard.record().expect("the record of an owner");
        self.grants.wind_back(now, record);
        let waits = self.queue.iter().filter(|(attempt, _)| !self.given.contains_key(&attempt.request));
        for (attempt, received) in waits {
            let deadline = *received + Span::from_ns(WAIT_MAX);
            self.grants.submit(now, attempt.request, &attempt.ask, deadline);
        }
        self.grants.decide(now);
        for (attempt, received) in std::mem::take(&mut self.queue) {
            if self.given.contains_key(&attempt.request) {
                self.answer_again(now, attempt, received);
            } else if let Some(granted) = self.grants.grant(now, attempt.request, &attempt.ask) {
                let ask = attempt.ask.clone();
                self.acts.push(Act::Granted(granted.keys.clone(), ask.permits, ask.capped));
                let first_life = granted.ends.since(now).as_ns();
                let given = Given { granted, ask, tenure: self.tenure, settled: false, first_life };
                self.given.insert(attempt.request, given);
                self.answer_again(now, attempt, received);
            } else if now.since(received) < Span::from_ns(WAIT_MAX) {
                self.queue.push_back((attempt, received));
            } else {
                self.grants.withdraw(now, attempt.request, &attempt.ask);
            }
        }
    }

    fn answer_again(&mut self, now: Timestamp, attempt: Attempt, received: Timestamp) {
        let given = &self.given[&attempt.request];
        let old_life = mutant::active(Mutant::RetryWithOldLife);
        if now <= given.granted.ends || old_life {
            let left = given.granted.ends.since(now).as_ns();
            let valid_for = if old_life { given.first_life } else { left };
            let held = now.since(received).as_ns();
            let id = (self.place, self.life, attempt.request);
            self.acts.push(Act::Answer(Lease { id, attempt, held, valid_for }));
        }
    }

    /// Carries out what the granting side asks for.
    fn fulfil(&mut self, now: Timestamp, wish: Wish) {
        let plan = Rc::clone(&self.plan);
        match wish {
            Wish::Block { rule, series, window, permits, budget } => {
                let rule = &plan.rules[rule];
                let Some((policy_version, ..)) = self.policies.get(&rule.workspace) else { return };
                let (workspace, limit) = (rule.workspace.clone(), rule.limit.clone());
                let policy_version = *policy_version;
                let (workspace, limit, ahead) = (workspace, limit, plan.margins.guard);
                self.shard.want(
                    now,
                    WantedBlock { workspace, limit, window, permits, budget, ahead, policy_version, series },
                );
            }
            Wish::State { workspace, statement } => self.shard.state(now, workspace, statement),
            Wish::Learn { rule: place, learned } => {
                let rule = &plan.rules[place];
                self.lay(place, learned.phase.map_or(rule.grid.phase(), |phase| phase.least));
                self.shard.learn(now, rule.workspace.clone(), rule.limit.clone(), learned);
            }
        }
    }

    /// Says where the windows of a workspace lie, and nothing of what was granted where they lay before: the ledger reckons with
    /// all that was booked there.
    fn state(&mut self, now: Timestamp, workspace: &WorkspaceId) {
        let life = self.booking_life();
        let rules = self.plan.rules_of(workspace);
        let shape = rules.map(|(place, rule)| (rule.limit.clone(), self.grids[place])).collect();
        let (number, is_urgent, former) = (1, false, Vec::new());
        let statement = Statement { at: now, life, number, is_urgent, shape, former };
        self.shard.state(now, workspace.clone(), statement);
    }

    /// The life that books in the windows of now.
    fn booking_life(&self) -> u64 {
        let epoch = self.shard.record().map_or(0, |record| record.epoch);
        (epoch << 20) | self.lays
    }

    /// Asks for blocks: of the windows of now for who waits, and a first one of the windows about to start.
    fn book(&mut self, now: Timestamp) {
        let plan = Rc::clone(&self.plan);
        for (place, rule) in plan.rules.iter().enumerate() {
            let Some((version, budgets, _)) = self.policies.get(&rule.workspace) else { continue };
            let (version, budget) = (*version, budgets[rule.place]);
            let waiting = self.queue.iter().filter(|(attempt, _)| attempt.ask.workspace == rule.workspace);
            let waiting: Permits = waiting.map(|(attempt, _)| attempt.ask.permits).sum();
            let window = self.grids[place].at(now);
            let least = Permits::clamped(u64::from(budget) / 6).max(Permits::ONE);
            let free = self.grants.free(&rule.key(&window));
            self.state(now, &rule.workspace);
            let series = Plan::series(self.booking_life(), place);
            let mut wants = Vec::new();
            if waiting > free.unwrap_or_default() && now <= window.closes(&plan.margins) {
                wants.push((window, waiting.less(free.unwrap_or_default()).max(least)));
            }
            let next = self.grids[place].next(&window);
            if now + plan.horizon.runway >= next.start.earliest
                && self.grants.free(&rule.key(&next)).is_none()
            {
                wants.push((next, least));
            }
            for (window, permits) in wants {
                if self.asked.insert(rule.key(&window)) {
                    let (workspace, limit) = (rule.workspace.clone(), rule.limit.clone());
                    let (ahead, policy_version) = (plan.margins.guard, version);
                    self.shard.want(
                        now,
                        WantedBlock {
                            workspace,
                            limit,
                            window,
                            permits,
                            budget,
                            ahead,
                            policy_version,
                            series,
                        },
                    );
                }
            }
        }
    }
}
