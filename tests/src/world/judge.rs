//! Judges a run: what was granted of each window (C1), what arrived at the provider by true time (C2), caps, service.
//!
//! Sees everything, tells nobody. The budget of a window is the largest that was in force while it could be booked.

use super::plan::{MS, Plan, Regime, timestamp};
use apportion_core::facts::Learned;
use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::MarkKey;
use apportion_core::permits::Permits;
use apportion_core::time::Span;
use apportion_core::window::Grid;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What is known of one window.
#[derive(Clone, Debug, Default)]
struct Sum {
    granted: u64,
    capped: u64,
}

/// The judge of one run.
#[derive(Clone, Debug)]
pub struct Judge {
    plan: Rc<Plan>,
    sums: BTreeMap<(usize, u64), Sum>,
    arrivals: BTreeMap<(usize, u64), u64>,
    in_force: Vec<Vec<(u64, Permits)>>,
    learned: Vec<Option<Permits>>,
    grids: Vec<Grid>,
    judged_from: Vec<u64>,
    last_served: BTreeMap<WorkspaceId, u64>,
    /// The first rule that did not hold.
    pub broken: Option<String>,
    /// Permits granted in the whole run.
    pub granted: u64,
    /// Permits that arrived in the whole run.
    pub arrived: u64,
}

impl Judge {
    /// A judge who has seen nothing.
    pub fn new(plan: Rc<Plan>) -> Self {
        let in_force: Vec<_> = plan.rules.iter().map(|rule| vec![(0, rule.budget)]).collect();
        Self {
            sums: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            learned: vec![None; in_force.len()],
            grids: plan.rules.iter().map(|rule| rule.grid).collect(),
            judged_from: vec![0; in_force.len()],
            in_force,
            last_served: BTreeMap::new(),
            broken: None,
            granted: 0,
            arrived: 0,
            plan,
        }
    }

    /// The provider's windows lie elsewhere. The arrivals of its windows that start before that is learned durably, and for a
    /// window's length more, are not judged; what is granted of each is.
    pub fn shifted(&mut self, rule: usize, phase: Span) {
        self.grids[rule] = Grid::new(self.grids[rule].length(), phase);
        self.judged_from[rule] = u64::MAX;
    }

    /// The policy's budget, and what was learned, as they are durable now. What was learned stays in force until a
    /// restored store forgets it, whatever the record says.
    pub fn in_force(
        &mut self,
        now: u64,
        rule: usize,
        policy: Permits,
        learned: Option<&Learned>,
        restored: bool,
    ) {
        let permits = learned.and_then(|learned| learned.permits);
        let known = &mut self.learned[rule];
        *known = if restored { permits } else { permits.or(*known) };
        let budget = policy.min(known.unwrap_or(Permits::MAX));
        if self.in_force[rule].last().is_some_and(|(_, last)| *last != budget) {
            self.in_force[rule].push((now, budget));
        }
        let at_first = self.plan.rules[rule].grid.phase();
        let phase = learned.and_then(|learned| learned.phase).map_or(at_first, |phase| phase.least);
        if phase != self.grids[rule].phase() {
            self.judged_from[rule] = u64::MAX;
        } else if self.judged_from[rule] == u64::MAX {
            // Leases that were granted before may be used for a window's length.
            self.judged_from[rule] = now + self.grids[rule].length().as_ns();
        }
    }

    /// The largest budget in force while the window that starts at `start` could be booked, so far.
    fn allowed(&self, rule: usize, start: u64) -> u64 {
        let history = &self.in_force[rule];
        let horizon = &self.plan.horizon;
        let early = horizon.runway.as_ns() + 2 * horizon.clock_error.as_ns() + MS;
        let from = match self.plan.regime {
            Regime::Within => start.saturating_sub(early),
            Regime::Wrong => 0,
        };
        let until = start + self.plan.rules[rule].grid.length().as_ns() + early;
        let ends = history.iter().skip(1).map(|(at, _)| *at).chain([u64::MAX]);
        let during = history
            .iter()
            .zip(ends)
            .filter(|((at, _), end)| *end >= from && (*at <= until || self.plan.regime == Regime::Wrong));
        during.map(|((_, budget), _)| u64::from(*budget)).max().unwrap_or(0)
    }

    /// Permits of a window were granted.
    pub fn grant(&mut self, now: u64, key: &MarkKey, permits: Permits, capped: bool) {
        let rule = self.plan.rule_of(key);
        let start = key.window_start.as_ns();
        let allowed = self.allowed(rule, start);
        let sum = self.sums.entry((rule, start)).or_default();
        sum.granted += u64::from(permits);
        sum.capped += if capped { u64::from(permits) } else { 0 };
        self.granted += u64::from(permits);
        self.last_served.insert(key.workspace.clone(), now);
        let (granted, capped) = (sum.granted, sum.capped);
        let (cap, caps) = (self.plan.rules[rule].cap, self.plan.rules[rule].caps);
        if granted > allowed {
            self.fail(format!("C1: {granted} permits of {key:?} granted, {allowed} allowed"));
        }
        if caps && capped > u64::from(cap) {
            self.fail(format!("cap: {capped} permits of {key:?} granted to the team of at most {cap}"));
        }
    }

    /// Permits of a window came back unused, in time.
    pub fn give_back(&mut self, key: &MarkKey, permits: Permits, capped: bool) {
        let rule = self.plan.rule_of(key);
        let sum = self.sums.entry((rule, key.window_start.as_ns())).or_default();
        sum.granted -= u64::from(permits);
        sum.capped -= if capped { u64::from(permits) } else { 0 };
    }

    /// A request reached the provider, which counts it by its own clock.
    pub fn arrive(&mut self, now: u64, workspace: &WorkspaceId) {
        self.arrived += 1;
        if self.plan.regime == Regime::Wrong {
            return;
        }
        let plan = Rc::clone(&self.plan);
        for (rule, limit) in plan.rules_of(workspace) {
            let start = self.grids[rule].at(timestamp(now)).start.earliest.as_ns();
            let allowed = self.allowed(rule, start);
            let arrived = self.arrivals.entry((rule, start)).or_default();
            *arrived += 1;
            let arrived = *arrived;
            if arrived > allowed && start >= self.judged_from[rule] {
                self.fail(format!(
                    "C2: {arrived} arrivals in window {start} of {limit:?}, {allowed} allowed"
                ));
            }
        }
    }

    /// The run is over: every workspace must have been served lately.
    pub fn end(&mut self, now: u64) {
        for workspace in self.plan.workspaces.clone() {
            let last = self.last_served.get(&workspace).copied().unwrap_or(0);
            if now - last.min(now) > self.plan.served_within {
                self.fail(format!("heal: {workspace} was last served at {last}, it is {now}"));
            }
        }
    }

    fn fail(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }
}
