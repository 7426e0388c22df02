//! The state of a replay: virtual time, what is due at each instant, and which requests wait.

use super::demand::Arrivals;
use super::ledger::InstantLedger;
use super::record::Record;
use super::script::Scenario;
use crate::allocator::Allocator;
use crate::bounds::Bounds;
use crate::facts::{Learned, PhaseInterval};
use crate::ids::{LimitId, TeamId};
use crate::permits::Permits;
use crate::policy::{Policy, PolicyError};
use crate::request::{LeaseId, Ticket};
use crate::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A request that waits, or a worker that thinks.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) demand: usize,
    pub(super) arrived: Timestamp,
}

/// An open lease of a team: whose demand, its id, what is left of it.
pub(super) struct OpenLease {
    pub(super) demand: usize,
    pub(super) id: LeaseId,
    pub(super) left: Permits,
    pub(super) returned: Permits,
}

/// What is due at an instant, in order: events before demand, each in file order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Event(usize),
    Demand(usize),
}

/// A scenario that is being played.
pub(super) struct Replay<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) policy: Policy,
    pub(super) allocator: Allocator,
    pub(super) due: BTreeMap<Timestamp, BTreeSet<Due>>,
    pub(super) thinking: BTreeMap<Timestamp, Vec<usize>>,
    pub(super) waiting: BTreeMap<Ticket, Request>,
    pub(super) held: BTreeMap<TeamId, VecDeque<OpenLease>>,
    pub(super) ledger: InstantLedger,
    pub(super) window: Option<u32>,
    pub(super) records: Vec<Record>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(scenario: &'a Scenario) -> Result<Self, PolicyError> {
        let (policy, learned) = (scenario.policy.clone(), learned(scenario));
        let limit = &scenario.policy.limits[scenario.policy.primary_limit()];
        let within = scenario.start_within.get(&limit.id).copied().unwrap_or_default();
        // It begins with the opening of the window before the first one.
        let begins = (scenario.origin - limit.window) + limit.margins.start + within;
        let mut replay = Self {
            scenario,
            policy: scenario.policy.clone(),
            allocator: Allocator::with_learned(policy, Bounds::NONE, &learned, 1, begins)?,
            due: BTreeMap::new(),
            thinking: BTreeMap::new(),
            waiting: BTreeMap::new(),
            held: BTreeMap::new(),
            ledger: InstantLedger::default(),
            window: None,
            records: Vec::new(),
        };
        for (at, event) in scenario.events.iter().enumerate() {
            replay.due.entry(event.at).or_default().insert(Due::Event(at));
        }
        for (at, demand) in scenario.demand.iter().enumerate() {
            for instant in replay.instants(&demand.shape) {
                replay.due.entry(instant).or_default().insert(Due::Demand(at));
            }
        }
        Ok(replay)
    }

    /// When demand of that shape comes by itself.
    fn instants(&self, shape: &Arrivals) -> Vec<Timestamp> {
        match shape {
            Arrivals::Backlog { from } | Arrivals::Workers { from, .. } => vec![*from],
            Arrivals::Once { at, .. } => vec![*at],
            Arrivals::PerWindow { windows, .. } => {
                let all = (0..self.scenario.windows).collect();
                let listed = windows.clone().unwrap_or(all);
                listed.into_iter().map(|k| self.start_of(k) - Span::from_ms(1)).collect()
            }
        }
    }

    pub(super) fn start_of(&self, window: u32) -> Timestamp {
        let length = self.scenario.policy.limits[self.scenario.policy.primary_limit()].window;
        self.scenario.origin + Span::from_ns(length.as_ns().saturating_mul(u64::from(window)))
    }

    pub(super) fn next_instant(&self) -> Option<Timestamp> {
        let due = self.due.first_key_value().map(|(at, _)| *at);
        let thinking = self.thinking.first_key_value().map(|(at, _)| *at);
        [due, thinking, self.allocator.next_deadline()].into_iter().flatten().min()
    }

    /// Starts a window where one is due: leases close with their window.
    pub(super) fn roll(&mut self, now: Timestamp) {
        let length = self.scenario.policy.limits[self.scenario.policy.primary_limit()].window;
        let into = now.since(self.scenario.origin).as_ns() / length.as_ns();
        let window = (now >= self.scenario.origin).then(|| u32::try_from(into).unwrap_or(u32::MAX));
        if window != self.window {
            self.window = window;
            self.held.clear();
        }
    }
}

/// What is known of the starts of windows, where that is less than policy says.
fn learned(scenario: &Scenario) -> BTreeMap<LimitId, Learned> {
    let limits = scenario.policy.limits.iter();
    let known = limits.filter_map(|limit| {
        let width = *scenario.start_within.get(&limit.id)?;
        let phase = Some(PhaseInterval { least: limit.phase, width });
        Some((limit.id.clone(), Learned { phase, ..Learned::default() }))
    });
    known.collect()
}
