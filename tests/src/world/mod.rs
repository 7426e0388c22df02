//! A simulated world for the ledger: nodes, a store, clients and a provider on virtual time, with faults, out of one seed.
//!
//! The world owns true time, the queue of events, the network and the faults. The nodes book with the core's own ledger.

pub mod client;
mod faults;
pub mod grants;
pub mod judge;
pub mod message;
mod network;
pub mod node;
pub mod plan;
pub mod random;
mod served;
pub mod shared;
pub mod store;

pub use plan::{Regime, Side};

use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::{ReadOutcome, ScanOutcome, Swap, SwapOutcome, Token, Version};
use apportion_core::permits::Permits;
use apportion_core::time::{Span, Timestamp};
use judge::Judge;
use message::{Attempt, Lease};
use node::Node;
use plan::{MS, Plan, START};
use random::Random;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::rc::Rc;
use store::{Store, StoredPolicy};

/// How many lines of the trace a failure shows.
const TRACE_TAIL: usize = 120;
/// How often a node looks around, in nanoseconds.
const TICK: u64 = 70 * MS;

/// What happens.
#[derive(Clone, Debug)]
enum Event {
    Tick(usize),
    SwapArrives { node: usize, life: u64, token: Token, swap: Swap, answered: bool },
    SwapDone { node: usize, life: u64, token: Token, outcome: SwapOutcome },
    ReadDone { node: usize, life: u64, token: Token, outcome: ReadOutcome },
    ScanDone { node: usize, life: u64, token: Token, outcome: ScanOutcome },
    Ask { client: usize },
    Request { node: usize, attempt: Attempt },
    Answer { node: usize, lease: Lease },
    Settle { node: usize, life: u64, request: u64, unused: Permits },
    Arrive { workspace: WorkspaceId },
    TakeOver { node: usize, shard: u16 },
    Learn { node: usize, rule: usize, budget: Permits, phase: Span },
    Policy { node: usize },
    Incarnation { node: usize },
    Restart { node: usize },
    Fault,
    Elect,
    Heal,
}

struct Entry {
    at: u64,
    order: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// What became of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The first rule that did not hold.
    pub broken: Option<String>,
    /// Permits granted.
    pub granted: u64,
    /// Permits that reached the provider.
    pub arrived: u64,
    /// The last lines of the trace, if it was kept.
    pub trace: Vec<String>,
}

/// One run.
struct World {
    plan: Rc<Plan>,
    now: u64,
    random: Random,
    queue: BinaryHeap<Reverse<Entry>>,
    order: u64,
    store: Store,
    store_down_until: u64,
    store_fails_until: Vec<u64>,
    nodes: Vec<Node>,
    /// Whom each node takes for the owner of each shard.
    heard: Vec<Vec<usize>>,
    down: Vec<bool>,
    paused_until: Vec<u64>,
    provider: Vec<(Permits, Span)>,
    judge: Judge,
    seen: BTreeSet<(usize, u64, u64)>,
    requests: u64,
    healed: bool,
    end: u64,
    trace: Option<VecDeque<String>>,
}

/// Runs the world of a seed.
pub fn run(seed: u64, regime: Regime, side: Side, traced: bool) -> Outcome {
    let mut world = World::new(seed, regime, side, traced);
    while let Some(Reverse(Entry { at, event, .. })) = world.queue.pop() {
        world.now = world.now.max(at);
        if world.now > world.end {
            break;
        }
        world.happen(event);
        if world.judge.broken.is_some() {
            break;
        }
    }
    if world.judge.broken.is_none() {
        world.judge.end(world.end);
    }
    Outcome {
        broken: world.judge.broken,
        granted: world.judge.granted,
        arrived: world.judge.arrived,
        trace: world.trace.map(Vec::from).unwrap_or_default(),
    }
}

/// Runs the world of a seed; where a rule does not hold, runs it again with a trace and panics with its tail.
pub fn check(seed: u64, regime: Regime, side: Side) -> Outcome {
    let outcome = run(seed, regime, side, false);
    if let Some(broken) = &outcome.broken {
        let trace = run(seed, regime, side, true).trace.join("\n");
        panic!("{trace}\nseed {seed}, {regime:?}, {side:?}: {broken}");
    }
    outcome
}

impl World {
    fn new(seed: u64, regime: Regime, side: Side, traced: bool) -> Self {
        let mut random = Random::new(seed);
        let plan = Rc::new(Plan::new(&mut random, regime, side));
        let policies = plan.workspaces.iter().map(|workspace| {
            let budgets = plan.rules_of(workspace).map(|(_, rule)| rule.budget).collect();
            (workspace.clone(), StoredPolicy { version: Version(1), budgets, changes: Vec::new() })
        });
        let policies: BTreeMap<_, _> = policies.collect();
        let mut world = Self {
            now: START,
            queue: BinaryHeap::new(),
            order: 0,
            store: Store::new(random.wide(), policies, plan.shards),
            store_down_until: 0,
            store_fails_until: vec![0; plan.nodes],
            nodes: (0..plan.nodes).map(|n| Node::new(n, Rc::clone(&plan), 0, random.wide())).collect(),
            heard: vec![vec![0; usize::from(plan.shards)]; plan.nodes],
            down: vec![false; plan.nodes],
            paused_until: vec![0; plan.nodes],
            provider: plan.rules.iter().map(|rule| (rule.budget, rule.grid.phase())).collect(),
            judge: Judge::new(Rc::clone(&plan)),
            seen: BTreeSet::new(),
            requests: 0,
            healed: false,
            end: u64::MAX,
            trace: traced.then(VecDeque::new),
            random,
            plan,
        };
        world.say(|world| format!("{:?}", world.plan));
        for node in 0..world.nodes.len() {
            world.set_clock(node);
            world.read_policies(node);
            world.after(TICK, Event::Tick(node));
        }
        let clients = 2 * world.plan.workspaces.len() + 1;
        (0..clients).for_each(|client| world.after(MS, Event::Ask { client }));
        for shard in 0..world.plan.shards {
            let node = usize::from(shard) % world.nodes.len();
            world.after(0, Event::TakeOver { node, shard });
        }
        world.after(500 * MS, Event::Fault);
        world.after(300 * MS, Event::Elect);
        world.after(world.plan.heal_at - START, Event::Heal);
        world
    }

    fn after(&mut self, delay: u64, event: Event) {
        self.order += 1;
        self.queue.push(Reverse(Entry { at: self.now + delay, order: self.order, event }));
    }

    fn say(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.trace.is_none() {
            return;
        }
        let line = format!("{} ms: {}", (self.now - START) / MS, line(self));
        if let Some(trace) = &mut self.trace {
            trace.push_back(line);
            trace.drain(..trace.len().saturating_sub(TRACE_TAIL));
        }
    }

    /// How long a message is on its way.
    fn travel(&mut self) -> u64 {
        match self.random.between(0, 99) {
            0..4 if !self.healed => self.random.between(100, 1_500) * MS,
            0..15 => self.random.between(5, 60) * MS,
            _ => self.random.between(MS / 5, 5 * MS),
        }
    }

    /// The node an event is for, where it needs one that runs.
    fn addressee(event: &Event) -> Option<usize> {
        match event {
            Event::Tick(node)
            | Event::SwapDone { node, .. }
            | Event::ReadDone { node, .. }
            | Event::ScanDone { node, .. }
            | Event::Request { node, .. }
            | Event::Settle { node, .. }
            | Event::TakeOver { node, .. }
            | Event::Learn { node, .. }
            | Event::Policy { node, .. }
            | Event::Incarnation { node } => Some(*node),
            _ => None,
        }
    }

    fn happen(&mut self, event: Event) {
        let Some(node) = Self::addressee(&event) else { return self.happen_outside(event) };
        if self.paused_until[node] > self.now {
            return self.after(self.paused_until[node] - self.now, event);
        }
        if let Event::Tick(_) = event {
            self.after(TICK, event.clone());
        }
        if !self.down[node] {
            self.happen_at(node, event);
            self.act(node);
        }
    }

    /// An event that a running node takes.
    fn happen_at(&mut self, place: usize, event: Event) {
        if !matches!(event, Event::Tick(_)) {
            self.say(|_| format!("{event:?}"));
        }
        let node = &mut self.nodes[place];
        let now = node.clock(self.now);
        match event {
            Event::Tick(_) => node.host.advance(now),
            Event::SwapDone { life, token, outcome, .. } if life == node.life => {
                node.host.swap_done(now, &token, outcome);
            }
            Event::ReadDone { life, token, outcome, .. } if life == node.life => {
                node.host.read_done(now, &token, outcome);
            }
            Event::ScanDone { life, token, outcome, .. } if life == node.life => {
                node.host.scan_done(now, &token, outcome);
            }
            Event::Request { attempt, .. } => self.request(place, attempt),
            Event::Settle { life, request, unused, .. } if life == node.life => {
                node.settle(now, request, unused);
            }
            Event::TakeOver { shard, .. } => node.host.take_over(shard),
            Event::Learn { rule, budget, phase, .. } => node.learn(now, rule, budget, phase),
            Event::Policy { .. } => self.read_policies(place),
            Event::Incarnation { .. } => self.restart_over_a_restored_store(place),
            _ => {}
        }
    }

    /// An event outside the nodes.
    fn happen_outside(&mut self, event: Event) {
        match event {
            Event::SwapArrives { node, life, token, swap, answered } => {
                let mut outcome = self.commit(swap);
                if matches!(outcome, SwapOutcome::Done(_)) && self.now < self.store_fails_until[node] {
                    outcome = SwapOutcome::Failed;
                }
                self.say(|_| format!("the store answers node {node} {token:?}: {outcome:?}"));
                if answered {
                    let travel = self.travel();
                    self.after(travel, Event::SwapDone { node, life, token, outcome });
                }
            }
            Event::Ask { client } => self.ask(client),
            Event::Answer { node, lease } => self.answered(node, lease),
            Event::Arrive { workspace } => self.arrive(&workspace),
            Event::Restart { node } => self.down[node] = false,
            Event::Fault => self.fault(),
            Event::Elect => self.elect(),
            Event::Heal => self.heal(),
            _ => {}
        }
    }

    /// Writes at the store; the judge learns what is durable.
    fn commit(&mut self, swap: Swap) -> SwapOutcome {
        let outcome = self.store.swap(swap);
        if matches!(outcome, SwapOutcome::Done(_)) {
            self.note_budgets(false);
        }
        outcome
    }

    /// Tells the judge which budgets are in force: the policy's, or a smaller one that was learned durably. Only a
    /// restored store may forget what was learned.
    fn note_budgets(&mut self, restored: bool) {
        let plan = Rc::clone(&self.plan);
        for (place, rule) in plan.rules.iter().enumerate() {
            let policy = self.store.policies[&rule.workspace].budgets[rule.place];
            let marks = self.store.marks().find(|marks| marks.workspace == rule.workspace);
            let learned = marks.and_then(|marks| marks.learned.get(&rule.limit));
            self.judge.in_force(self.now, place, policy, learned, restored);
        }
    }

    fn read_policies(&mut self, place: usize) {
        let policies = self.store.policies.iter();
        let node = &self.nodes[place];
        let policies = policies.map(|(workspace, policy)| {
            // The policy that the node knew was in force until the first change after it.
            let known = node.policy_version(workspace);
            let change = policy.changes.iter().find(|(version, _)| Some(*version) > known);
            let since = change.map_or(Timestamp::MAX, |(_, at)| *at);
            (workspace.clone(), (policy.version, policy.budgets.clone(), since))
        });
        let (now, policies) = (node.clock(self.now), policies.collect());
        self.nodes[place].read_policies(now, policies);
    }
}
