//! Plays a scenario through the allocator on virtual time.
//!
//! At one instant: windows roll, then events in file order, then demand in file order, then workers that come back, then
//! decisions. Blocks are booked at once: the store of a replay answers immediately and never fails.

use super::{Change, Demand, Record, Scenario, Shape, Verdict};
use crate::allocator::{Allocator, Effect, Submitted};
use crate::bounds::Bounds;
use crate::facts::{Learnt, PhaseInterval};
use crate::ids::{LimitId, TeamId};
use crate::observation::{Observation, Reset};
use crate::permits::Permits;
use crate::policy::{LimitPolicy, Policy, PolicyError};
use crate::priority::Priority;
use crate::request::{Answer, Ask, Lease, LeaseId, Outcome, Reason, Refusal, Ticket, Usage};
use crate::time::{Span, Timestamp};
use crate::window::Grid;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A request that waits, or a worker that thinks.
#[derive(Clone, Copy)]
struct Request {
    demand: usize,
    arrived: Timestamp,
}

/// An open lease of a team: whose demand, its id, what is left of it.
struct Held {
    demand: usize,
    id: LeaseId,
    left: Permits,
    returned: Permits,
}

/// What is due at an instant, in order: events before demand, each in file order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Event(usize),
    Demand(usize),
}

struct Replay<'a> {
    scenario: &'a Scenario,
    policy: Policy,
    allocator: Allocator,
    due: BTreeMap<Timestamp, BTreeSet<Due>>,
    thinking: BTreeMap<Timestamp, Vec<usize>>,
    waiting: BTreeMap<Ticket, Request>,
    held: BTreeMap<TeamId, VecDeque<Held>>,
    marks: BTreeMap<(LimitId, Timestamp), Permits>,
    window: Option<u32>,
    records: Vec<Record>,
}

/// Plays a scenario to the end of its last window and returns what happened, in order of time.
///
/// # Errors
/// What [`Policy::check`] says of the scenario's policy, or of one that an event makes.
pub fn replay(scenario: &Scenario) -> Result<Vec<Record>, PolicyError> {
    let mut replay = Replay::new(scenario)?;
    replay.run()?;
    Ok(replay.records)
}

impl<'a> Replay<'a> {
    fn new(scenario: &'a Scenario) -> Result<Self, PolicyError> {
        let (policy, learnt) = (scenario.policy.clone(), learnt(scenario));
        let limit = &scenario.policy.limits[scenario.policy.primary_limit()];
        let within = scenario.start_within.get(&limit.id).copied().unwrap_or_default();
        // It begins with the opening of the window before the first one.
        let begins = (scenario.origin - limit.window) + limit.margins.start + within;
        let mut replay = Self {
            scenario,
            policy: scenario.policy.clone(),
            allocator: Allocator::with_learned(policy, Bounds::NONE, &learnt, 1, begins)?,
            due: BTreeMap::new(),
            thinking: BTreeMap::new(),
            waiting: BTreeMap::new(),
            held: BTreeMap::new(),
            marks: BTreeMap::new(),
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
    fn instants(&self, shape: &Shape) -> Vec<Timestamp> {
        match shape {
            Shape::Backlog { from } | Shape::Workers { from, .. } => vec![*from],
            Shape::Once { at, .. } => vec![*at],
            Shape::PerWindow { windows, .. } => {
                let all = (0..self.scenario.windows).collect();
                let listed = windows.clone().unwrap_or(all);
                listed.into_iter().map(|k| self.start_of(k) - Span::from_ms(1)).collect()
            }
        }
    }

    fn start_of(&self, window: u32) -> Timestamp {
        let length = self.scenario.policy.limits[self.scenario.policy.primary_limit()].window;
        self.scenario.origin + Span::from_ns(length.as_ns().saturating_mul(u64::from(window)))
    }

    fn run(&mut self) -> Result<(), PolicyError> {
        let end = self.start_of(self.scenario.windows);
        while let Some(now) = self.next_instant().filter(|&now| now < end) {
            self.roll(now);
            self.allocator.advance(now);
            self.collect(now);
            for due in self.due.remove(&now).unwrap_or_default() {
                match due {
                    Due::Event(at) => self.happen(now, at)?,
                    Due::Demand(at) => self.come(now, at),
                }
            }
            for demand in self.thinking.remove(&now).unwrap_or_default() {
                self.ask(now, demand);
            }
            self.decide(now);
        }
        Ok(())
    }

    fn next_instant(&self) -> Option<Timestamp> {
        let due = self.due.first_key_value().map(|(at, _)| *at);
        let thinking = self.thinking.first_key_value().map(|(at, _)| *at);
        [due, thinking, self.allocator.next_deadline()].into_iter().flatten().min()
    }

    /// Leases close with their window, and marks of windows long gone are forgotten.
    fn roll(&mut self, now: Timestamp) {
        let length = self.scenario.policy.limits[self.scenario.policy.primary_limit()].window;
        let into = now.since(self.scenario.origin).as_ns() / length.as_ns();
        let window = (now >= self.scenario.origin).then(|| u32::try_from(into).unwrap_or(u32::MAX));
        if window != self.window {
            self.window = window;
            self.held.clear();
        }
    }

    /// Decides until nothing is left to do at this instant: every block asked for is booked at once.
    fn decide(&mut self, now: Timestamp) {
        loop {
            self.allocator.decide(now);
            let answered = self.collect(now);
            let booked = self.book();
            if !answered && !booked {
                return;
            }
        }
    }

    fn book(&mut self) -> bool {
        let mut booked = false;
        while let Some(effect) = self.allocator.next_effect() {
            if let Effect::State(statement) = &effect {
                self.allocator.stated(statement.life, statement.number);
            }
            let Effect::Book { limit, series, window, permits, budget, .. } = effect else { continue };
            let window_start = window.start.earliest;
            // Before the scenario starts every window is used up.
            let spent = if window_start < self.scenario.origin { budget } else { Permits::ZERO };
            let mark = self.marks.entry((limit.clone(), window_start)).or_insert(spent);
            let (from, to) = (*mark, (*mark + permits).min(budget.max(*mark)));
            *mark = to;
            self.allocator.booked(series, window_start, from, to);
            booked = true;
        }
        booked
    }

    fn collect(&mut self, now: Timestamp) -> bool {
        let mut answered = false;
        while let Some(Answer { ticket, outcome }) = self.allocator.next_answer() {
            answered = true;
            let Some(request) = self.waiting.remove(&ticket) else { continue };
            match outcome {
                Outcome::Granted(lease) => self.granted(now, request, &lease),
                Outcome::Refused(refusal) => self.refused(now, request.demand, &refusal),
            }
        }
        answered
    }

    fn granted(&mut self, now: Timestamp, request: Request, lease: &Lease) {
        let demand = &self.scenario.demand[request.demand];
        self.records.push(Record::Grant {
            at: now,
            team: demand.team.clone(),
            caller: demand.caller.clone(),
            priority: lease.priority,
            permits: lease.permits,
            window: self.window.unwrap_or(0),
            edge: lease.ends_at > lease.window_ends_at,
            waited: now.since(request.arrived),
            tag: demand.tag.clone(),
        });
        let held =
            Held { demand: request.demand, id: lease.id, left: lease.permits, returned: Permits::ZERO };
        self.held.entry(demand.team.clone()).or_default().push_back(held);
        match demand.shape {
            Shape::Backlog { .. } => {
                self.ask(now, request.demand);
            }
            Shape::Workers { think, .. } => {
                self.thinking.entry(now + think).or_default().push(request.demand);
            }
            Shape::Once { .. } | Shape::PerWindow { .. } => {}
        }
    }

    fn refused(&mut self, now: Timestamp, demand: usize, refusal: &Refusal) {
        let asked = &self.scenario.demand[demand];
        let reason = match refusal.reason {
            reason if reason.is_final() => Verdict::Invalid,
            Reason::DeadlineTooShort => Verdict::Deadline,
            _ => Verdict::Expired,
        };
        self.records.push(Record::Reject {
            at: now,
            team: asked.team.clone(),
            caller: asked.caller.clone(),
            priority: asked.priority.unwrap_or(Priority::Default),
            permits: asked.permits,
            reason,
            detail: refusal.reason,
            retry_after: refusal.retry_at.map(|at| at.since(now)),
            tag: asked.tag.clone(),
        });
    }

    /// Demand of a shape comes for the first time, or for one more window.
    fn come(&mut self, now: Timestamp, at: usize) {
        let count = match self.scenario.demand[at].shape {
            Shape::Backlog { .. } => self.scenario.backlog(),
            Shape::Once { count, .. } | Shape::PerWindow { count, .. } | Shape::Workers { count, .. } => {
                count
            }
        };
        let is_backlog = matches!(self.scenario.demand[at].shape, Shape::Backlog { .. });
        for _ in 0..count {
            if !self.ask(now, at) && is_backlog {
                return; // what can never be granted is refused once, not a thousand times
            }
        }
    }

    /// One request. Returns whether it was taken in.
    fn ask(&mut self, now: Timestamp, at: usize) -> bool {
        let Demand { team, caller, priority, permits, min_permits, max_wait, .. } = &self.scenario.demand[at];
        let ask = Ask {
            team: team.clone(),
            caller: caller.clone(),
            priority: *priority,
            permits: *permits,
            min_permits: *min_permits,
            deadline: max_wait.map_or(Timestamp::MAX, |wait| now + wait),
            request_id: None,
        };
        match self.allocator.submit(now, &ask) {
            Ok(Submitted::Waits(ticket)) => {
                self.waiting.insert(ticket, Request { demand: at, arrived: now });
                true
            }
            Ok(Submitted::Repeats(_)) => true,
            Err(refusal) => {
                self.refused(now, at, &refusal);
                false
            }
        }
    }

    fn happen(&mut self, now: Timestamp, at: usize) -> Result<(), PolicyError> {
        match &self.scenario.events[at].what {
            Change::Return { team, permits } => self.give_back(now, team, *permits),
            Change::Upstream { limit, remaining, permits, throttled } => {
                let known = self.policy.limits.iter().find(|known| known.id == *limit);
                let Some(LimitPolicy { window, phase, .. }) = known else { return Ok(()) };
                let end = Grid::new(*window, *phase).at(now).end.earliest;
                let observation = Observation {
                    reset: Some(Reset { at: end, within: Span::ZERO }),
                    remaining: *remaining,
                    permits: *permits,
                    throttled: *throttled,
                    ..Observation::new(limit.clone())
                };
                self.allocator.observe(now, &observation);
            }
            Change::Cancel { tag } => {
                let demand = &self.scenario.demand;
                let tagged = |request: &Request| demand[request.demand].tag.as_ref() == Some(tag);
                let tickets =
                    self.waiting.iter().filter(|(_, request)| tagged(request)).map(|(ticket, _)| *ticket);
                for ticket in tickets.collect::<Vec<_>>() {
                    self.allocator.cancel(now, ticket);
                    self.waiting.remove(&ticket);
                }
            }
            change => {
                amend(&mut self.policy, change);
                self.allocator.set_policy(now, self.policy.clone())?;
                self.collect(now);
            }
        }
        Ok(())
    }

    /// Permits of a team's oldest open leases come back.
    fn give_back(&mut self, now: Timestamp, team: &TeamId, permits: Permits) {
        let mut left = permits;
        let held = self.held.entry(team.clone()).or_default();
        while let Some(lease) = held.front_mut().filter(|_| !left.is_zero()) {
            let n = lease.left.min(left);
            lease.returned += n;
            lease.left -= n;
            let caller = &self.scenario.demand[lease.demand].caller;
            let settled = self.allocator.settle(
                now,
                lease.id,
                (team, caller),
                Usage { used: Permits::ZERO, returned: lease.returned, is_final: false },
            );
            left -= settled.map_or(Permits::ZERO, |settled| settled.accepted);
            if lease.left.is_zero() {
                held.pop_front();
            }
        }
        self.records.push(Record::Return {
            at: now,
            team: team.clone(),
            permits,
            accepted: permits.less(left),
            window: self.window.unwrap_or(0),
        });
    }
}

/// What is known of the starts of windows, where that is less than policy says.
fn learnt(scenario: &Scenario) -> BTreeMap<LimitId, Learnt> {
    let limits = scenario.policy.limits.iter();
    let known = limits.filter_map(|limit| {
        let spread = *scenario.start_within.get(&limit.id)?;
        let phase = Some(PhaseInterval { least: limit.phase, spread });
        Some((limit.id.clone(), Learnt { phase, ..Learnt::default() }))
    });
    known.collect()
}

/// What an event makes of a policy.
fn amend(policy: &mut Policy, change: &Change) {
    match change {
        Change::SetTeam { id, weight, reservation, cap, priority, highest_priority } => {
            if let Some(team) = policy.teams.iter_mut().find(|team| team.id == *id) {
                team.weight = weight.unwrap_or(team.weight);
                team.reservation = reservation.unwrap_or(team.reservation);
                team.cap = cap.unwrap_or(team.cap);
                team.priority = priority.unwrap_or(team.priority);
                team.highest_priority = highest_priority.unwrap_or(team.highest_priority);
            }
        }
        Change::AddTeam(team) => policy.teams.push(team.clone()),
        Change::RemoveTeam { id } => policy.teams.retain(|team| team.id != *id),
        Change::SetBudget { limit, permits } => {
            if let Some(limit) = policy.limits.iter_mut().find(|known| known.id == *limit) {
                limit.permits = *permits;
            }
        }
        Change::Return { .. } | Change::Upstream { .. } | Change::Cancel { .. } => {}
    }
}
