//! A second allocator: the rules of allocation as plain scans over plain state, slow and clear. The production
//! allocator is held against its event log. It knows one limit, one caller for each team, and requests that take
//! all of what they ask for or nothing.
//!
//! Instants are whole nanoseconds, tags have 32 fractional bits, everything else is exact. What the next window would grant at
//! its opening it finds out by opening that window on a copy of everything.

mod decide;
mod edge;
mod expect;
mod happen;
mod held;
mod queue;
mod tags;
mod tree;

use apportion_core::permits::Permits;
use apportion_core::policy::Policy;
use apportion_core::scenario::{Arrivals, Event, Record, Scenario};
use apportion_core::time::{Span, Timestamp};
use edge::Ahead;
use queue::{Later, Request};
use std::collections::{BTreeSet, VecDeque};
use tree::Tree;

/// How many priorities there are.
const PRIORITIES: usize = 3;
/// Shares of a budget are counted in billionths.
const BILLION: i128 = 1_000_000_000;
/// Requests of a shape per window come so long before its start, in ns.
const BEFORE_START: i128 = 1_000_000;

/// Replays a scenario by the rules, and returns the event log.
///
/// # Panics
/// Where the scenario uses what the oracle does not know.
pub fn replay(scenario: &Scenario) -> Vec<Record> {
    Oracle::new(scenario).run()
}

/// Something of the scenario that happens at an instant.
#[derive(Clone)]
enum Happening {
    Event(Event),
    Demand(usize),
}

/// The state of a replay.
#[derive(Clone)]
struct Oracle<'a> {
    scenario: &'a Scenario,
    policy: &'a Policy,
    tree: Tree,
    origin: i128,
    length: i128,
    guard: i128,
    /// How long after its first possible start a window opens.
    opens_after: i128,
    /// What the next window expects, as divided at its edge; none: not yet.
    ahead: Option<Ahead>,
    lease_max: i128,
    holdback: [i128; PRIORITIES],
    floor: [i128; PRIORITIES],
    budget: i128,
    next_budget: i128,
    /// The open window; before the first one −1, and nothing is left.
    window: i128,
    left: i128,
    now: i128,
    /// Floors in billionths of a permit, and what was used of them in permits.
    credit: [i128; PRIORITIES],
    used: [i128; PRIORITIES],
    grants: u64,
    /// The largest request of this window.
    largest: i128,
    requests: Vec<Request>,
    /// Those with a deadline that came at this instant.
    fresh: Vec<usize>,
    deadlines: BTreeSet<Later>,
    thinking: BTreeSet<Later>,
    tick: u64,
    timeline: VecDeque<(i128, Happening)>,
    log: Vec<Record>,
}

impl<'a> Oracle<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let policy = &scenario.policy;
        assert_eq!(policy.limits.len(), 1, "the oracle knows one limit");
        let limit = &policy.limits[0];
        let within = scenario.start_within.get(&limit.id).copied().unwrap_or(Span::ZERO);
        let budget = i128::from(limit.permits.get());
        let mut oracle = Self {
            scenario,
            policy,
            tree: Tree::new(policy),
            origin: ns(scenario.origin),
            length: i128::from(limit.window.as_ns()),
            guard: i128::from(limit.margins.guard.as_ns()),
            opens_after: i128::from((limit.margins.start + within).as_ns()),
            ahead: None,
            lease_max: i128::from(policy.largest().get()),
            holdback: policy.holdback.0.map(|share| i128::from(share.billionths())),
            floor: policy.floors.0.map(|share| i128::from(share.billionths())),
            budget,
            next_budget: budget,
            window: -1,
            left: 0,
            now: 0,
            credit: [0; PRIORITIES],
            used: [0; PRIORITIES],
            grants: 0,
            largest: 1,
            requests: Vec::new(),
            fresh: Vec::new(),
            deadlines: BTreeSet::new(),
            thinking: BTreeSet::new(),
            tick: 0,
            timeline: VecDeque::new(),
            log: Vec::new(),
        };
        oracle.timeline = oracle.plan();
        oracle
    }

    /// Everything that the scenario lists, in order: at one instant events first, then demand.
    fn plan(&self) -> VecDeque<(i128, Happening)> {
        let mut plan: Vec<_> =
            self.scenario.events.iter().map(|e| (ns(e.at), Happening::Event(e.clone()))).collect();
        for (k, demand) in self.scenario.demand.iter().enumerate() {
            match &demand.shape {
                Arrivals::Backlog { from: at }
                | Arrivals::Once { at, .. }
                | Arrivals::Workers { from: at, .. } => {
                    plan.push((ns(*at), Happening::Demand(k)));
                }
                Arrivals::PerWindow { windows, .. } => {
                    let all = || (0..self.scenario.windows).collect();
                    for window in windows.clone().unwrap_or_else(all) {
                        let at = self.start_of(i128::from(window)) - BEFORE_START;
                        plan.push((at, Happening::Demand(k)));
                    }
                }
            }
        }
        plan.sort_by_key(|(at, what)| (*at, matches!(what, Happening::Demand(_))));
        plan.into()
    }

    fn start_of(&self, window: i128) -> i128 {
        self.origin + window * self.length
    }

    fn end(&self) -> i128 {
        self.start_of(self.window + 1)
    }

    /// When this window opened.
    fn opened(&self) -> i128 {
        self.start_of(self.window) + self.opens_after
    }

    /// When the next one does.
    fn next_opening(&self) -> i128 {
        self.end() + self.opens_after
    }

    /// The window by the clock, whether it is open or not; before the first one 0.
    fn by_clock(&self) -> u32 {
        let passed = (self.now - self.origin).div_euclid(self.length).max(0);
        u32::try_from(unsigned(passed)).expect("windows are few")
    }

    /// The last instant of this window at which a permit may be granted.
    fn last_call(&self) -> i128 {
        self.end() - self.guard
    }

    fn open(&self) -> bool {
        self.window >= 0 && self.now <= self.last_call()
    }

    fn run(mut self) -> Vec<Record> {
        let finish = self.start_of(i128::from(self.scenario.windows));
        loop {
            self.now = self.next_instant();
            if self.now >= finish {
                return self.log;
            }
            if self.now == self.next_opening() {
                self.roll();
            }
            self.happen();
            self.ask_again();
            self.pump();
            let refused = self.refuse();
            if self.expire() || refused {
                self.pump(); // their places in the queues are free now
            }
        }
    }

    fn next_instant(&self) -> i128 {
        let listed = self.timeline.front().map(|(at, _)| *at);
        let deadline = self.deadlines.first().map(|later| later.at);
        let thought = self.thinking.first().map(|later| later.at);
        let somebody = self.tree.children[tree::ROOT].iter().any(|&v| self.tree.nodes[v].waits_anywhere());
        let waiting = self.window >= 0 && self.left > 0 && somebody;
        let step = if waiting { self.next_step(self.now) } else { None };
        [listed, deadline, thought, step].into_iter().flatten().fold(self.next_opening(), i128::min)
    }

    fn happen(&mut self) {
        while self.timeline.front().is_some_and(|(at, _)| *at == self.now) {
            match self.timeline.pop_front() {
                Some((_, Happening::Event(event))) => self.change(&event.what),
                Some((_, Happening::Demand(k))) => self.arrive(k),
                None => {}
            }
        }
    }

    fn instant(&self) -> Timestamp {
        Timestamp::from_ns(unsigned(self.now))
    }

    fn span_to(&self, later: i128) -> Span {
        Span::from_ns(unsigned(later - self.now))
    }
}

fn ns(at: Timestamp) -> i128 {
    i128::from(at.as_ns())
}

fn unsigned(ns: i128) -> u64 {
    u64::try_from(ns).expect("an instant lies between 1970 and 2554")
}

fn permits(n: i128) -> Permits {
    u32::try_from(n).ok().and_then(Permits::new).expect("permits are counted up to 2^28")
}
