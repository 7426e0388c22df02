//! A provider that somebody else calls too, and workers that share what is left: one allocator on virtual time.

use std::collections::BTreeMap;

use apportion_core::allocator::{Allocator, Effect, Submitted};
use apportion_core::bounds::Bounds;
use apportion_core::ids::{CallerId, LimitId, TeamId};
use apportion_core::observation::{Observation, Reset};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, Share, TeamPolicy};
use apportion_core::priority::{PerPriority, Priority};
use apportion_core::request::{Answer, Ask, Lease, LeaseId, Outcome, Ticket, Usage};
use apportion_core::time::{Span, Timestamp};

use crate::random::Random;

mod habit;

pub use habit::Neighbour;

/// The provider's budget of a window.
pub const LIMIT: u64 = 166;
/// The length of a window, in microseconds.
pub(crate) const WINDOW: u64 = 10_000_000;
/// A window starts here, in microseconds since the epoch.
const START: u64 = 3_600_000_000 * 24;

/// What the provider counted in a window.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    /// Requests of the workers that got through.
    pub ours: u64,
    /// Requests of the workers that were throttled.
    pub ours_throttled: u64,
    /// Requests of the other consumer that got through.
    pub theirs: u64,
    /// Requests of the other consumer that were throttled.
    pub theirs_throttled: u64,
}

#[derive(Clone, Debug)]
enum Event {
    /// The other consumer's request arrives.
    Other,
    /// A worker asks.
    Asks(usize),
    /// A worker's request arrives at the provider.
    Arrives(usize),
    /// A worker's report arrives at the allocator.
    Reports(usize),
    /// Only time passes.
    Wakes,
}

/// What a worker is at.
#[derive(Clone, Debug, Default)]
struct Work {
    lease: Option<Lease>,
    used: u64,
    heard: Vec<Observation>,
}

/// How the workers of a run behave, in microseconds.
#[derive(Clone, Debug)]
struct Habits {
    permits: u64,
    least: u64,
    /// From a decision to the provider.
    way: u64,
    /// From the provider to the report.
    back: u64,
    rest: u64,
}

impl Habits {
    fn any(random: &mut Random) -> Self {
        let most = random.from_to(1, 4);
        Self {
            permits: u64::from(most),
            least: u64::from(random.from_to(1, most)),
            way: random.one_of(&[1_000, 10_000, 100_000]),
            back: random.one_of(&[1_000, 50_000, 300_000, 1_000_000]),
            rest: random.one_of(&[0, 0, 20_000, 500_000]),
        }
    }
}

/// Workers, the allocator, the provider and the other consumer.
#[derive(Debug)]
pub struct Town {
    random: Random,
    neighbour: Neighbour,
    habits: Habits,
    allocator: Allocator,
    now: u64,
    events: BTreeMap<(u64, u64), Event>,
    number: u64,
    /// When the allocator is called at the latest.
    wakes: Option<u64>,
    waits: BTreeMap<Ticket, usize>,
    workers: Vec<Work>,
    marks: BTreeMap<Timestamp, Permits>,
    counted: BTreeMap<u64, Counted>,
}

fn permits(n: u64) -> Permits {
    Permits::clamped(n)
}

fn at(us: u64) -> Timestamp {
    Timestamp::ZERO + Span::from_ns(us * 1_000)
}

fn limit_id() -> LimitId {
    LimitId::new("main").expect("a name")
}

fn team_id() -> TeamId {
    TeamId::new("team").expect("a name")
}

fn caller_id(worker: usize) -> CallerId {
    CallerId::new(&format!("worker-{worker}")).expect("a name")
}

fn policy(holdback: bool) -> Policy {
    let limit = LimitPolicy {
        id: limit_id(),
        permits: permits(LIMIT),
        window: Span::from_ns(WINDOW * 1_000),
        phase: Span::ZERO,
        margins: Margins::DEFAULT,
    };
    let held = if holdback { Share::from_percent(20) } else { Share::default() };
    Policy {
        holdback: PerPriority([held, Share::default(), Share::default()]),
        external_use_memory: 3,
        ..Policy::plain(limit, vec![TeamPolicy::new(team_id())])
    }
}

impl Town {
    /// A town in which the other consumer comes with the window of that number; with a holdback of a fifth or without.
    pub fn new(seed: u64, come: u64, holdback: bool, neighbour: impl Fn(&mut Random) -> Neighbour) -> Self {
        let mut random = Random::new(seed);
        let neighbour = neighbour(&mut random);
        let habits = Habits::any(&mut random);
        let workers = usize::try_from(random.from_to(1, 24)).expect("few");
        let mut town = Self {
            allocator: Allocator::new(policy(holdback), Bounds::DEFAULT, at(START)).expect("a policy"),
            random,
            neighbour,
            habits,
            now: START,
            events: BTreeMap::new(),
            number: 0,
            wakes: None,
            waits: BTreeMap::new(),
            workers: vec![Work::default(); workers],
            marks: BTreeMap::new(),
            counted: BTreeMap::new(),
        };
        for worker in 0..workers {
            let into = town.upto(50_000);
            town.after(into, Event::Asks(worker));
        }
        let first = town.neighbour.next(START + WINDOW * come, START, &mut town.random);
        town.put(first, Event::Other);
        town
    }

    fn upto(&mut self, most: u64) -> u64 {
        self.random.any() % (most + 1)
    }

    fn put(&mut self, at: u64, event: Event) {
        self.number += 1;
        self.events.insert((at, self.number), event);
    }

    fn after(&mut self, us: u64, event: Event) {
        self.put(self.now + us, event);
    }

    /// Lets so many windows pass, and returns what the provider counted in each.
    pub fn run(mut self, windows: u64) -> Vec<Counted> {
        let end = START + WINDOW * windows;
        while let Some(((at, _), event)) = self.events.pop_first() {
            if at >= end {
                break;
            }
            self.now = at;
            self.happen(event);
        }
        (0..windows).map(|k| self.counted.get(&(START + WINDOW * k)).copied().unwrap_or_default()).collect()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Other => {
                let fits = self.left() > 0;
                let window = self.window();
                let count = if fits { &mut window.theirs } else { &mut window.theirs_throttled };
                *count += 1;
                let next = self.neighbour.next(self.now, START, &mut self.random);
                return self.put(next, Event::Other);
            }
            Event::Asks(worker) => self.ask(worker),
            Event::Arrives(worker) => return self.arrive(worker),
            Event::Reports(worker) => self.report(worker),
            Event::Wakes => {
                if self.wakes != Some(self.now) {
                    return;
                }
            }
        }
        self.decide();
    }

    fn window(&mut self) -> &mut Counted {
        self.counted.entry(self.now - self.now % WINDOW).or_default()
    }

    fn left(&mut self) -> u64 {
        let Counted { ours, ours_throttled, theirs, theirs_throttled } = *self.window();
        LIMIT.saturating_sub(ours + ours_throttled + theirs + theirs_throttled)
    }

    fn ask(&mut self, worker: usize) {
        let ask = Ask {
            team: team_id(),
            caller: caller_id(worker),
            priority: Some(Priority::Default),
            permits: permits(self.habits.permits),
            min_permits: permits(self.habits.least),
            deadline: at(self.now + 3_000_000),
            request_id: None,
        };
        match self.allocator.submit(at(self.now), &ask) {
            Ok(Submitted::Waits(ticket)) => {
                self.waits.insert(ticket, worker);
            }
            _ => self.after(25_000, Event::Asks(worker)),
        }
    }

    fn decide(&mut self) {
        loop {
            self.allocator.decide(at(self.now));
            while let Some(Answer { ticket, outcome }) = self.allocator.next_answer() {
                let worker = self.waits.remove(&ticket).expect("it waits");
                self.answered(worker, outcome);
            }
            let mut booked = false;
            while let Some(effect) = self.allocator.next_effect() {
                if let Effect::State(statement) = &effect {
                    self.allocator.stated(statement.life, statement.number);
                }
                let Effect::Book { series, window, permits, budget, .. } = effect else { continue };
                let mark = self.marks.entry(window.start.earliest).or_default();
                let (from, to) = (*mark, (*mark + permits).min(budget.max(*mark)));
                *mark = to;
                self.allocator.booked(series, window.start.earliest, from, to);
                booked = true;
            }
            if !booked {
                break;
            }
        }
        let next = self.allocator.next_deadline().map(|next| next.as_ns().div_ceil(1_000).max(self.now + 1));
        if let Some(next) =
            next.filter(|next| !self.wakes.is_some_and(|wake| (self.now + 1..=*next).contains(&wake)))
        {
            self.wakes = Some(next);
            self.put(next, Event::Wakes);
        }
    }

    fn answered(&mut self, worker: usize, outcome: Outcome) {
        match outcome {
            Outcome::Granted(lease) => {
                self.workers[worker] = Work { lease: Some(lease), ..Work::default() };
                let way = self.upto(self.habits.way);
                self.after(way, Event::Arrives(worker));
            }
            Outcome::Refused(_) => self.after(25_000, Event::Asks(worker)),
        }
    }

    fn arrive(&mut self, worker: usize) {
        let lease = self.workers[worker].lease.expect("a lease");
        let fits = self.left() > 0;
        let window = self.window();
        let count = if fits { &mut window.ours } else { &mut window.ours_throttled };
        *count += 1;
        let remaining = Some(permits(self.left()));
        let reset = Some(Reset { at: at(self.now - self.now % WINDOW + WINDOW), within: Span::from_secs(1) });
        let heard = Observation {
            lease: Some(LeaseId(lease.id.0)),
            permits: Some(permits(LIMIT)),
            remaining,
            reset,
            throttled: !fits,
            ..Observation::new(limit_id())
        };
        let work = &mut self.workers[worker];
        work.heard.push(heard);
        work.used += 1;
        let way = self.upto(self.habits.way);
        let work = &self.workers[worker];
        if fits && work.used < u64::from(lease.permits) && at(self.now + way) < lease.ends_at {
            self.after(way, Event::Arrives(worker));
        } else {
            let back = self.upto(self.habits.back);
            self.after(back, Event::Reports(worker));
        }
    }

    fn report(&mut self, worker: usize) {
        let work = std::mem::take(&mut self.workers[worker]);
        let lease = work.lease.expect("a lease");
        let left = permits(u64::from(lease.permits) - work.used);
        let by = (&team_id(), &caller_id(worker));
        let settled = self.allocator.settle(
            at(self.now),
            lease.id,
            by,
            Usage { used: permits(work.used), returned: left, is_final: true },
        );
        settled.expect("a true report");
        for heard in &work.heard {
            self.allocator.observe(at(self.now), heard);
        }
        let rest = self.upto(self.habits.rest);
        self.after(rest, Event::Asks(worker));
    }
}
