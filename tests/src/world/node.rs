//! One node: the real ledger of its shards, a granting side, a queue, and the leases it remembers.
//!
//! Inputs carry the node's own clock; what it does to the world is pulled as acts. Knows no true time and no store.

use super::grants::{Ask, FirstCome, Granted, Grants, Policies, Wish};
use super::message::{Act, Attempt, Lease};
use super::plan::{Plan, Side, timestamp};
use super::shared::Shared;
use apportion_core::facts::{Learned, PhaseInterval};
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::{
    BookRefusal, Host, HostEffect, LearnedLimits, LostWhy, MarkKey, ShardInput, ShardReply, Statement,
    Version, WantedBlock,
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
    pub host: Host,
    policies: Policies,
    plan: Rc<Plan>,
    grids: Vec<Grid>,
    grants: Box<dyn Grants>,
    queue: VecDeque<(Attempt, Timestamp)>,
    asked: BTreeSet<MarkKey>,
    given: BTreeMap<u64, Given>,
    /// How often each shard was taken over and lost.
    tenures: Vec<u64>,
    /// Shards that were handed over, and are granted from all the same where that rule is broken.
    deposed: BTreeSet<u16>,
    /// How often windows came to lie elsewhere: who booked in the former ones is somebody else then.
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
            host: Host::new(id, plan.shards, nonce, plan.horizon),
            policies: Policies::new(),
            grids: plan.rules.iter().map(|rule| rule.grid).collect(),
            grants: match plan.side {
                Side::FirstCome => Box::new(FirstCome::new(Rc::clone(&plan))),
                Side::Shared => Box::new(Shared::new(Rc::clone(&plan))),
            },
            tenures: vec![0; usize::from(plan.shards)],
            deposed: BTreeSet::new(),
            plan,
            queue: VecDeque::new(),
            asked: BTreeSet::new(),
            given: BTreeMap::new(),
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

    /// Follows the host's effects, serves who waits, and says what it does.
    pub fn act(&mut self, now: Timestamp) -> Vec<Act> {
        self.follow(now);
        for workspace in self.grants.wind_back(now) {
            self.host.open(now, self.plan.shard_of(&workspace), &workspace);
        }
        self.serve(now);
        match self.grants.wishes() {
            None => self.book(now),
            Some(wishes) => wishes.into_iter().for_each(|wish| self.fulfil(now, wish)),
        }
        self.follow(now);
        std::mem::take(&mut self.acts)
    }

    /// Whether it serves a workspace, as far as it knows.
    pub fn serves(&self, workspace: &WorkspaceId) -> bool {
        self.host.is_serving(self.plan.shard_of(workspace))
    }

    fn tenure(&self, workspace: &WorkspaceId) -> u64 {
        self.tenures[usize::from(self.plan.shard_of(workspace))]
    }

    fn may_grant(&self, attempt: &Attempt) -> bool {
        let shard = self.plan.shard_of(&attempt.ask.workspace);
        self.host.is_serving(shard) || (attempt.forwarded && self.deposed.contains(&shard))
    }

    /// Takes a request. A repeat is answered with the same lease while that lives. Whether it was for this node.
    pub fn request(&mut self, now: Timestamp, attempt: Attempt) -> bool {
        let is_served = self.may_grant(&attempt);
        if self.given.contains_key(&attempt.request) {
            self.answer_again(now, attempt, now);
        } else if is_served && self.queue.len() < QUEUE_MAX {
            self.queue.push_back((attempt, now));
        } else {
            return is_served;
        }
        true
    }

    /// Takes back what a client did not use: once, while the shard is still served, before the guard.
    pub fn settle(&mut self, now: Timestamp, request: u64, unused: Permits) {
        let Some(given) = self.given.get(&request).cloned() else { return };
        let workspace = &given.ask.workspace;
        let void =
            given.settled || given.tenure != self.tenure(workspace) || now > given.granted.returns_until;
        self.given.entry(request).and_modify(|given| given.settled = true);
        if !void && self.serves(workspace) {
            let taken = self.grants.give_back(now, request, &given.granted, &given.ask, unused);
            self.acts.push(Act::Returned(given.granted.keys.clone(), taken, given.ask.capped));
        }
    }

    /// Gives a shard away.
    pub fn hand_over(&mut self, now: Timestamp, shard: u16, to: NodeId) {
        let of = |workspace: &WorkspaceId| self.plan.shard_of(workspace) == shard;
        let granted = self.grants.granted(&of, &|key| self.host.booked(shard, key));
        self.host.hand_over(now, shard, to, granted);
        if self.plan.side == Side::Shared {
            // Their allocators decide nothing more. The small model decides only what it is asked for.
            let plan = Rc::clone(&self.plan);
            plan.workspaces_of(shard).for_each(|workspace| self.grants.lost(workspace));
        }
    }

    fn tell(&mut self, now: Timestamp, input: ShardInput) {
        self.host.apply(now, self.plan.shard_of(input.workspace()), input);
    }

    /// The provider named its budget and where its windows lie: acted on at once, and written.
    pub fn learn(&mut self, now: Timestamp, place: usize, budget: Permits, phase: Span) {
        let rule = self.plan.rules[place].clone();
        let permits = (budget < rule.budget).then_some(budget);
        if self.serves(&rule.workspace) && !self.grants.observe(now, place, permits, phase) {
            self.lay(place, phase);
            let phase = Some(PhaseInterval { least: phase, width: Span::ZERO });
            let learned = Learned { permits, phase, ..Learned::default() };
            self.tell(now, ShardInput::Learn { workspace: rule.workspace, limit: rule.limit, learned });
        }
    }

    /// The provider said that the window of now is exhausted.
    pub fn throttled(&mut self, now: Timestamp, place: usize) {
        let rule = self.plan.rules[place].clone();
        let window = self.grids[place].at(now);
        self.grants.throttled(now, place);
        self.tell(now, ShardInput::Exhausted { key: rule.key(&window), window, budget: rule.budget });
    }

    /// Moves the windows of a limit.
    fn lay(&mut self, rule: usize, phase: Span) {
        self.lays += 1;
        self.grids[rule] = Grid::new(self.grids[rule].length(), phase);
        self.grants.lay(rule, self.grids[rule]);
    }

    /// Serves a workspace from now on, over what was learned of it.
    fn open(&mut self, now: Timestamp, workspace: &WorkspaceId, life: u64, learned: &LearnedLimits) {
        self.asked.retain(|key| key.workspace != *workspace);
        for (place, rule) in Rc::clone(&self.plan).rules_of(workspace) {
            let phase = learned.get(&rule.limit).and_then(|learned| learned.phase);
            self.lay(place, phase.map_or(rule.grid.phase(), |phase| phase.least));
        }
        self.grants.opened(now, workspace, life, learned);
    }

    fn follow(&mut self, now: Timestamp) {
        let plan = Rc::clone(&self.plan);
        while let Some(effect) = self.host.poll() {
            match effect {
                HostEffect::Swap { token, swap } => {
                    self.acts.push(Act::Swap(token, swap));
                    continue;
                }
                HostEffect::Read { token } => {
                    self.acts.push(Act::Read(token));
                    continue;
                }
                HostEffect::Scan { token, after } => {
                    self.acts.push(Act::Scan(token, after));
                    continue;
                }
                HostEffect::Owned { shard, .. } => {
                    self.deposed.remove(&shard);
                    self.tenures[usize::from(shard)] += 1;
                }
                HostEffect::OpenAll { shard, life, ref learned, .. } => {
                    for workspace in plan.workspaces_of(shard) {
                        let nothing = LearnedLimits::new();
                        self.open(now, workspace, life, learned.get(workspace).unwrap_or(&nothing));
                    }
                }
                HostEffect::Open { ref workspace, life, ref learned, .. } => {
                    self.open(now, workspace, life, learned);
                }
                HostEffect::Reply { ref workspace, reply } => self.replied(workspace, reply),
                HostEffect::Lost { shard, ref why } => self.lost(shard, why),
            }
            self.acts.push(Act::Said(effect));
        }
    }

    fn lost(&mut self, shard: u16, why: &LostWhy) {
        let is_deposed = matches!(why, LostWhy::HandedOver { .. });
        if is_deposed && mutant::active(Mutant::DeposedGrantsForwarded) {
            self.deposed.insert(shard);
            return;
        }
        let plan = Rc::clone(&self.plan);
        let is_of = |workspace: &WorkspaceId| plan.shard_of(workspace) == shard;
        self.tenures[usize::from(shard)] += 1;
        plan.workspaces_of(shard).for_each(|workspace| self.grants.lost(workspace));
        self.queue.retain(|(attempt, _)| !is_of(&attempt.ask.workspace));
        self.asked.retain(|key| !is_of(&key.workspace));
    }

    fn replied(&mut self, workspace: &WorkspaceId, reply: ShardReply) {
        // The small model has one life for each place where windows lie, and asks once; an allocator knows its own.
        if self.plan.side == Side::FirstCome {
            match reply {
                ShardReply::Booked { series, window_start, .. } => {
                    self.asked.remove(&self.plan.key_of(series, window_start));
                    if series.life != self.booking_life(workspace) {
                        return;
                    }
                }
                // A spent window stays so until the policy changes: asking again is in vain.
                ShardReply::Refused { why: BookRefusal::Spent, .. }
                | ShardReply::Stated { .. }
                | ShardReply::StoreLost(_) => {}
                ShardReply::Refused { series, window_start, .. } => {
                    self.asked.remove(&self.plan.key_of(series, window_start));
                }
            }
        }
        self.grants.replied(workspace, reply);
    }

    fn serve(&mut self, now: Timestamp) {
        let waits = self.queue.iter().filter(|(attempt, _)| !self.given.contains_key(&attempt.request));
        for (attempt, received) in waits {
            let deadline = *received + Span::from_ns(WAIT_MAX);
            self.grants.submit(now, attempt.request, &attempt.ask, deadline);
        }
        self.grants.decide(now);
        for (attempt, received) in std::mem::take(&mut self.queue) {
            if !self.may_grant(&attempt) {
                self.queue.push_back((attempt, received));
            } else if self.given.contains_key(&attempt.request) {
                self.answer_again(now, attempt, received);
            } else if let Some(granted) = self.grants.grant(now, attempt.request, &attempt.ask) {
                let ask = attempt.ask.clone();
                self.acts.push(Act::Granted(granted.keys.clone(), ask.permits, ask.capped));
                let first_life = granted.ends.since(now).as_ns();
                let tenure = self.tenure(&ask.workspace);
                let given = Given { granted, ask, tenure, settled: false, first_life };
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
                let (policy_version, ahead) = (*policy_version, plan.margins.guard);
                let want =
                    WantedBlock { workspace, limit, window, permits, budget, ahead, policy_version, series };
                self.tell(now, ShardInput::Want(want));
            }
            Wish::State { workspace, statement } => {
                self.tell(now, ShardInput::State { workspace, statement });
            }
            Wish::Learn { rule: place, learned } => {
                let rule = &plan.rules[place];
                self.lay(place, learned.phase.map_or(rule.grid.phase(), |phase| phase.least));
                let (workspace, limit) = (rule.workspace.clone(), rule.limit.clone());
                self.tell(now, ShardInput::Learn { workspace, limit, learned });
            }
        }
    }

    /// Says where the windows of a workspace lie, and nothing of what was granted where they lay before: the ledger reckons with
    /// all that was booked there.
    fn state(&mut self, now: Timestamp, workspace: &WorkspaceId) {
        let life = self.booking_life(workspace);
        let rules = self.plan.rules_of(workspace);
        let shape = rules.map(|(place, rule)| (rule.limit.clone(), self.grids[place])).collect();
        let (number, is_urgent, former) = (1, false, Vec::new());
        let statement = Statement { at: now, life, number, is_urgent, shape, former };
        self.tell(now, ShardInput::State { workspace: workspace.clone(), statement });
    }

    /// The life that books in the windows of now.
    fn booking_life(&self, workspace: &WorkspaceId) -> u64 {
        let epoch = self.host.claim(self.plan.shard_of(workspace)).map_or(0, |claim| claim.epoch);
        (epoch << 20) | self.lays
    }

    /// Asks for blocks: of the windows of now for who waits, and a first one of the windows about to start.
    fn book(&mut self, now: Timestamp) {
        let plan = Rc::clone(&self.plan);
        for (place, rule) in plan.rules.iter().enumerate() {
            if !self.serves(&rule.workspace) {
                continue;
            }
            let Some((version, budgets, _)) = self.policies.get(&rule.workspace) else { continue };
            let (version, budget) = (*version, budgets[rule.place]);
            let waiting = self.queue.iter().filter(|(attempt, _)| attempt.ask.workspace == rule.workspace);
            let waiting: Permits = waiting.map(|(attempt, _)| attempt.ask.permits).sum();
            let window = self.grids[place].at(now);
            let least = Permits::clamped(u64::from(budget) / 6).max(Permits::ONE);
            let free = self.grants.free(&rule.key(&window));
            self.state(now, &rule.workspace);
            let series = Plan::series(self.booking_life(&rule.workspace), place);
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
                    let want = WantedBlock {
                        workspace,
                        limit,
                        window,
                        permits,
                        budget,
                        ahead,
                        policy_version,
                        series,
                    };
                    self.tell(now, ShardInput::Want(want));
                }
            }
        }
    }
}
