//! One run: workers, the allocator, the provider and the other consumer, driven by a queue of events.

use std::collections::BTreeMap;

use apportion_core::allocator::{Allocator, Effect, Submitted};
use apportion_core::bounds::Bounds;
use apportion_core::observation::{Observation, Reset};
use apportion_core::permits::Permits;
use apportion_core::priority::Priority;
use apportion_core::request::{Answer, Ask, LeaseId, Outcome, Ticket, Usage as Settlement};
use apportion_core::time::{Span, Timestamp};

use super::policy::{at, caller_id, limit_id, permits, policy, team_id};
use super::provider::{LIMIT, Provider, START, Usage, WINDOW};
use super::traffic::Traffic;
use super::workers::{Habits, Worker};
use crate::random::Random;

/// The pause of a worker after a refusal.
const PAUSE: u64 = 25_000;
/// How long a request of a worker may wait.
const MAX_WAIT: u64 = 3_000_000;

#[derive(Clone, Debug)]
enum Event {
    /// A request of the other consumer arrives at the provider.
    External,
    /// A worker requests a lease.
    Acquire(usize),
    /// A worker's request arrives at the provider.
    Arrive(usize),
    /// A worker's report arrives at the allocator.
    Report(usize),
    /// The allocator's deadline.
    Wake,
}

/// Workers, the allocator, the provider and the other consumer.
#[derive(Debug)]
pub struct Simulation {
    random: Random,
    traffic: Traffic,
    habits: Habits,
    allocator: Allocator,
    now: u64,
    events: BTreeMap<(u64, u64), Event>,
    /// Orders events of one instant.
    last_number: u64,
    /// When the allocator is called at the latest.
    wakes_at: Option<u64>,
    waiting: BTreeMap<Ticket, usize>,
    workers: Vec<Worker>,
    marks: BTreeMap<Timestamp, Permits>,
    provider: Provider,
}

impl Simulation {
    /// A run in which the other consumer starts with window `first_external`; with a holdback of a fifth, or with none.
    pub fn new(
        seed: u64,
        first_external: u64,
        has_holdback: bool,
        traffic: impl Fn(&mut Random) -> Traffic,
    ) -> Self {
        let mut random = Random::new(seed);
        let traffic = traffic(&mut random);
        let habits = Habits::any(&mut random);
        let workers = usize::try_from(random.from_to(1, 24)).expect("few");
        let mut simulation = Self {
            allocator: Allocator::new(policy(has_holdback), Bounds::DEFAULT, at(START)).expect("a policy"),
            random,
            traffic,
            habits,
            now: START,
            events: BTreeMap::new(),
            last_number: 0,
            wakes_at: None,
            waiting: BTreeMap::new(),
            workers: vec![Worker::default(); workers],
            marks: BTreeMap::new(),
            provider: Provider::default(),
        };
        for worker in 0..workers {
            let delay = simulation.up_to(50_000);
            simulation.schedule(delay, Event::Acquire(worker));
        }
        let first = simulation.traffic.next(START + WINDOW * first_external, START, &mut simulation.random);
        simulation.schedule_at(first, Event::External);
        simulation
    }

    /// Runs that many windows, and returns what the provider counted in each.
    pub fn run(mut self, windows: u64) -> Vec<Usage> {
        let end = START + WINDOW * windows;
        while let Some(((at, _), event)) = self.events.pop_first() {
            if at >= end {
                break;
            }
            self.now = at;
            self.handle(event);
        }
        self.provider.first_windows(windows)
    }

    fn up_to(&mut self, most: u64) -> u64 {
        self.random.any() % (most + 1)
    }

    fn schedule_at(&mut self, at: u64, event: Event) {
        self.last_number += 1;
        self.events.insert((at, self.last_number), event);
    }

    fn schedule(&mut self, delay: u64, event: Event) {
        self.schedule_at(self.now + delay, event);
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::External => {
                self.provider.count_external(self.now);
                let next = self.traffic.next(self.now, START, &mut self.random);
                return self.schedule_at(next, Event::External);
            }
            Event::Acquire(worker) => self.acquire(worker),
            Event::Arrive(worker) => return self.arrive(worker),
            Event::Report(worker) => self.report(worker),
            Event::Wake => {
                if self.wakes_at != Some(self.now) {
                    return;
                }
            }
        }
        self.decide();
    }

    fn acquire(&mut self, worker: usize) {
        let ask = Ask {
            team: team_id(),
            caller: caller_id(worker),
            priority: Some(Priority::Default),
            permits: permits(self.habits.permits),
            min_permits: permits(self.habits.min_permits),
            deadline: at(self.now + MAX_WAIT),
            request_id: None,
        };
        match self.allocator.submit(at(self.now), &ask) {
            Ok(Submitted::Waits(ticket)) => {
                self.waiting.insert(ticket, worker);
            }
            _ => self.schedule(PAUSE, Event::Acquire(worker)),
        }
    }

    fn decide(&mut self) {
        loop {
            self.allocator.decide(at(self.now));
            while let Some(Answer { ticket, outcome }) = self.allocator.next_answer() {
                let worker = self.waiting.remove(&ticket).expect("it waits");
                self.answer(worker, outcome);
            }
            if !self.carry_out_effects() {
                break;
            }
        }
        self.schedule_wake();
    }

    /// Books at once what the allocator asks for; whether anything was booked.
    fn carry_out_effects(&mut self) -> bool {
        let mut has_booked = false;
        while let Some(effect) = self.allocator.next_effect() {
            if let Effect::State(statement) = &effect {
                self.allocator.stated(statement.life, statement.number);
            }
            let Effect::Book { series, window, permits, budget, .. } = effect else { continue };
            let mark = self.marks.entry(window.start.earliest).or_default();
            let (from, to) = (*mark, (*mark + permits).min(budget.max(*mark)));
            *mark = to;
            self.allocator.booked(series, window.start.earliest, from, to);
            has_booked = true;
        }
        has_booked
    }

    fn schedule_wake(&mut self) {
        let Some(deadline) = self.allocator.next_deadline() else { return };
        let next = deadline.as_ns().div_ceil(1_000).max(self.now + 1);
        let is_scheduled = self.wakes_at.is_some_and(|wake| (self.now + 1..=next).contains(&wake));
        if !is_scheduled {
            self.wakes_at = Some(next);
            self.schedule_at(next, Event::Wake);
        }
    }

    fn answer(&mut self, worker: usize, outcome: Outcome) {
        match outcome {
            Outcome::Granted(lease) => {
                self.workers[worker] = Worker { lease: Some(lease), ..Worker::default() };
                let delay = self.up_to(self.habits.request_delay);
                self.schedule(delay, Event::Arrive(worker));
            }
            Outcome::Refused(_) => self.schedule(PAUSE, Event::Acquire(worker)),
        }
    }

    fn arrive(&mut self, worker: usize) {
        let lease = self.workers[worker].lease.expect("a lease");
        let is_accepted = self.provider.accepts_own(self.now);
        let remaining = Some(permits(self.provider.left(self.now)));
        let reset = Some(Reset { at: at(self.now - self.now % WINDOW + WINDOW), within: Span::from_secs(1) });
        let observation = Observation {
            lease: Some(LeaseId(lease.id.0)),
            permits: Some(permits(LIMIT)),
            remaining,
            reset,
            throttled: !is_accepted,
            ..Observation::new(limit_id())
        };
        self.workers[worker].observations.push(observation);
        self.workers[worker].used += 1;
        let delay = self.up_to(self.habits.request_delay);
        let has_more = self.workers[worker].used < u64::from(lease.permits);
        if is_accepted && has_more && at(self.now + delay) < lease.ends_at {
            self.schedule(delay, Event::Arrive(worker));
        } else {
            let delay = self.up_to(self.habits.report_delay);
            self.schedule(delay, Event::Report(worker));
        }
    }

    fn report(&mut self, worker: usize) {
        let Worker { lease, used, observations } = std::mem::take(&mut self.workers[worker]);
        let lease = lease.expect("a lease");
        let unused = permits(u64::from(lease.permits) - used);
        let by = (&team_id(), &caller_id(worker));
        let usage = Settlement { used: permits(used), returned: unused, is_final: true };
        let settled = self.allocator.settle(at(self.now), lease.id, by, usage);
        settled.expect("a true report");
        for observation in &observations {
            self.allocator.observe(at(self.now), observation);
        }
        let rest = self.up_to(self.habits.rest);
        self.schedule(rest, Event::Acquire(worker));
    }
}
