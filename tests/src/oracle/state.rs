//! The state of a replay, and where its windows lie.

use std::collections::{BTreeSet, VecDeque};

use apportion_core::permits::Permits;
use apportion_core::policy::Policy;
use apportion_core::scenario::{Arrivals, Event, Record, Scenario};
use apportion_core::time::{Span, Timestamp};

use super::request::{Due, Request};
use super::tree::{PRIORITIES, Tree};

/// Shares of a budget are counted in billionths.
pub(super) const BILLION: i128 = 1_000_000_000;
/// How long before the start of a window its requests arrive, in nanoseconds.
const BEFORE_START: i128 = 1_000_000;

/// What the scenario lists for an instant.
#[derive(Clone)]
pub(super) enum Happening {
    Event(Event),
    Demand(usize),
}

/// The expected demand of the next window: of each node and priority how much, and whether that is its whole share. Divided out of
/// a budget.
#[derive(Clone)]
pub(super) struct NextDemand {
    pub(super) budget: i128,
    pub(super) expected: Vec<([i128; PRIORITIES], [bool; PRIORITIES])>,
}

/// The state of a replay.
#[derive(Clone)]
pub(super) struct Oracle<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) policy: &'a Policy,
    pub(super) tree: Tree,
    pub(super) origin: i128,
    pub(super) length: i128,
    pub(super) guard: i128,
    /// How long after its first possible start a window opens.
    pub(super) opens_after: i128,
    /// What the next window expects, as divided at the edge of this one; none: not yet.
    pub(super) next_demand: Option<NextDemand>,
    pub(super) lease_max: i128,
    pub(super) holdback: [i128; PRIORITIES],
    pub(super) floor: [i128; PRIORITIES],
    pub(super) budget: i128,
    pub(super) next_budget: i128,
    /// The open window; before the first one −1, and nothing is left.
    pub(super) window: i128,
    pub(super) left: i128,
    pub(super) now: i128,
    /// Floors, in billionths of a permit.
    pub(super) credit: [i128; PRIORITIES],
    /// What was used of the floors, in permits.
    pub(super) used: [i128; PRIORITIES],
    pub(super) grants: u64,
    /// The largest request of this window.
    pub(super) largest: i128,
    pub(super) requests: Vec<Request>,
    /// Those with a deadline that arrived at this instant.
    pub(super) fresh: Vec<usize>,
    pub(super) deadlines: BTreeSet<Due>,
    /// Workers that are thinking.
    pub(super) thinking: BTreeSet<Due>,
    /// Orders what is due at one instant.
    pub(super) tick: u64,
    pub(super) timeline: VecDeque<(i128, Happening)>,
    pub(super) log: Vec<Record>,
}

impl<'a> Oracle<'a> {
    pub(super) fn new(scenario: &'a Scenario) -> Self {
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
            next_demand: None,
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

    pub(super) fn start_of(&self, window: i128) -> i128 {
        self.origin + window * self.length
    }

    pub(super) fn end(&self) -> i128 {
        self.start_of(self.window + 1)
    }

    /// When this window opened.
    pub(super) fn opened(&self) -> i128 {
        self.start_of(self.window) + self.opens_after
    }

    /// When the next window opens.
    pub(super) fn next_opening(&self) -> i128 {
        self.end() + self.opens_after
    }

    /// The window by the clock, whether it is open or not; before the first one 0.
    pub(super) fn by_clock(&self) -> u32 {
        let passed = (self.now - self.origin).div_euclid(self.length).max(0);
        u32::try_from(unsigned(passed)).expect("windows are few")
    }

    /// The last instant of this window at which a permit may be granted.
    pub(super) fn last_call(&self) -> i128 {
        self.end() - self.guard
    }

    pub(super) fn is_open(&self) -> bool {
        self.window >= 0 && self.now <= self.last_call()
    }

    pub(super) fn instant(&self) -> Timestamp {
        Timestamp::from_ns(unsigned(self.now))
    }

    pub(super) fn span_to(&self, later: i128) -> Span {
        Span::from_ns(unsigned(later - self.now))
    }
}

fn ns(at: Timestamp) -> i128 {
    i128::from(at.as_ns())
}

pub(super) fn unsigned(ns: i128) -> u64 {
    u64::try_from(ns).expect("an instant lies between 1970 and 2554")
}

pub(super) fn permits(n: i128) -> Permits {
    u32::try_from(n).ok().and_then(Permits::new).expect("permits are counted up to 2^28")
}
