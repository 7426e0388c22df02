//! The loads that are measured: workspaces under steady demand, the same one every time.

use apportion_core::allocator::{Allocator, Effect, Submitted};
use apportion_core::bounds::Bounds;
use apportion_core::ids::{CallerId, LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, Share, TeamPolicy};
use apportion_core::priority::{PerPriority, Priority};
use apportion_core::request::{Ask, LeaseId, Outcome, Ticket, Usage};
use apportion_core::time::{Span, Timestamp};
use std::hint::black_box;
use std::time::Instant;

const WINDOW: Span = Span::from_secs(60);
const START: Timestamp = Timestamp::from_ns(1_000_000 * WINDOW.as_ns());

/// `n` permits.
pub(crate) fn permits(n: u32) -> Permits {
    Permits::new(n).expect("a number of permits")
}

/// A team of that name.
pub(crate) fn team(name: &str, parent: Option<&str>, weight: u32) -> TeamPolicy {
    let id = |name| TeamId::new(name).expect("a name");
    TeamPolicy {
        parent: parent.map(id),
        weight,
        highest_priority: Priority::Critical,
        ..TeamPolicy::new(id(name))
    }
}

/// A limit of `budget` permits a minute and these teams.
pub(crate) fn policy(budget: u32, teams: Vec<TeamPolicy>) -> Policy {
    let id = LimitId::new("per-minute").expect("a name");
    let limit = LimitPolicy {
        id,
        permits: permits(budget),
        window: WINDOW,
        phase: Span::ZERO,
        margins: Margins::DEFAULT,
    };
    Policy::plain(limit, teams)
}

/// Two organisations of three teams each, and two teams beside them.
fn eight_teams() -> Vec<TeamPolicy> {
    let mut teams =
        vec![team("shop", None, 4), team("data", None, 2), team("web", None, 3), team("ops", None, 1)];
    for (parent, child, weight) in [
        ("shop", "cart", 3),
        ("shop", "search", 2),
        ("shop", "mail", 1),
        ("data", "etl", 1),
        ("data", "reports", 1),
        ("data", "lab", 2),
    ] {
        teams.push(team(child, Some(parent), weight));
    }
    teams
}

/// Every rule at work: caps, reservations, floors, holdback.
fn every_rule(budget: u32) -> Policy {
    let mut teams = eight_teams();
    for team in &mut teams {
        match team.id.as_str() {
            "data" | "mail" => team.cap = Some(permits(budget / 5)),
            "cart" | "ops" => team.reservation = permits(budget / 10),
            _ => {}
        }
    }
    let percent = |parts: [u32; 3]| PerPriority(parts.map(Share::from_percent));
    Policy {
        holdback: percent([10, 0, 0]),
        floors: percent([0, 10, 5]),
        largest_lease: Some(permits(64)),
        ..policy(budget, teams)
    }
}

/// Numbers that look random and are the same in every run (SplitMix64, Steele, Lea and Flood 2014).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// A workspace, its callers, and a store that books a few permits at a time.
pub(crate) struct World {
    allocator: Allocator,
    now: Timestamp,
    asks: Vec<Ask>,
    /// Whose request a ticket is, by the place that its lower half names.
    askers: Vec<usize>,
    due: Vec<usize>,
    marks: [(Timestamp, Permits); 2],
    /// The largest block that the store books.
    block: Permits,
    /// Requests differ in size and most have a deadline.
    mixed: bool,
    numbers: Numbers,
    newest: Option<(LeaseId, usize, Permits)>,
    /// Answers so far.
    pub(crate) answers: u64,
    /// A digest of every answer: two runs with the same one decided the same.
    pub(crate) digest: u64,
}

impl World {
    fn new(policy: Policy, callers: usize, block: u32, mixed: bool) -> Self {
        let parents: Vec<_> = policy.teams.iter().filter_map(|team| team.parent.clone()).collect();
        let leaves: Vec<_> =
            policy.teams.iter().filter(|team| !parents.contains(&team.id)).cloned().collect();
        let asks = (0..callers).map(|at| Ask {
            team: leaves[at % leaves.len()].id.clone(),
            caller: CallerId::new(&format!("worker-{at}")).expect("a name"),
            priority: Some(Priority::ALL[at / leaves.len() % 3]),
            permits: Permits::ONE,
            min_permits: Permits::ONE,
            deadline: Timestamp::MAX,
            request_id: None,
        });
        Self {
            allocator: Allocator::new(policy, Bounds::NONE, START).expect("a valid policy"),
            now: START + Span::from_secs(1),
            asks: asks.collect(),
            askers: Vec::new(),
            due: (0..callers).collect(),
            marks: [(Timestamp::ZERO, Permits::ZERO); 2],
            block: permits(block),
            mixed,
            numbers: Numbers(7),
            newest: None,
            answers: 0,
            digest: 0,
        }
    }

    /// Nobody waits: every request is granted at once.
    pub(crate) fn alone() -> Self {
        Self::new(policy(1 << 20, eight_teams()), 64, 1 << 20, false)
    }

    /// So many callers wait, always.
    pub(crate) fn backlog(callers: usize) -> Self {
        Self::new(policy(20_000, eight_teams()), callers, 16, false)
    }

    /// The same with every rule at work, requests of all sizes, returns and deadlines.
    pub(crate) fn mixed(callers: usize) -> Self {
        Self::new(every_rule(40_000), callers, 64, true)
    }

    /// So many requests that wait for a window with room, so many of them of each caller.
    pub(crate) fn waiting(requests: usize, of_caller: usize) -> Allocator {
        let Self { mut allocator, now, mut asks, .. } = Self::new(policy(1_000, eight_teams()), 24, 0, false);
        for at in 0..requests / of_caller {
            let ask = &mut asks[at % 24];
            ask.caller = CallerId::new(&format!("worker-{at}")).expect("a name");
            ask.deadline = now + Span::from_secs(3_600);
            for _ in 0..of_caller {
                allocator.submit(now, ask).expect("room in the queue");
            }
        }
        allocator.decide(now);
        allocator
    }

    /// Lets requests in, or answers them, `steps` times. Returns how many answers there were.
    #[inline(never)]
    pub(crate) fn run_alone(&mut self, steps: u64) -> u64 {
        let before = self.answers;
        for step in 0..steps {
            self.pass(Span::from_ms(1));
            let caller = usize::try_from(step).unwrap_or(0) % self.asks.len();
            self.ask(caller);
            self.allocator.decide(self.now);
            self.drain();
            if step % 4 == 0 {
                self.settle_newest(step % 8 == 0);
                self.allocator.decide(self.now);
                self.drain();
            }
        }
        self.answers - before
    }

    /// The same where many wait: those who were answered ask again, then a block is booked and granted.
    #[inline(never)]
    pub(crate) fn run_backlogged(&mut self, steps: u64) -> u64 {
        let before = self.answers;
        for step in 0..steps {
            self.pass(Span::from_ms(40));
            self.come_back(|_| {});
            self.allocator.decide(self.now);
            self.drain();
            if step % 16 == 0 {
                self.settle_newest(true);
            }
        }
        self.answers - before
    }

    /// One decision at a time, each with its duration in nanoseconds. What one call decides together shares its time.
    pub(crate) fn time_decisions(&mut self, steps: u64) -> Vec<u64> {
        let mut times = Vec::new();
        for step in 0..steps {
            self.pass(Span::from_ms(80));
            let settled = step % 4 == 0;
            self.come_back(|world| times.extend(world.decide_timed()));
            if settled {
                self.settle_newest(true);
            }
            times.extend(self.decide_timed());
        }
        times
    }

    /// Everybody asks once.
    pub(crate) fn fill(&mut self) {
        self.come_back(|_| {});
    }

    fn decide_timed(&mut self) -> Vec<u64> {
        let before = self.answers;
        let started = Instant::now();
        self.allocator.decide(self.now);
        let took = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.drain();
        let decided = (self.answers - before).max(1);
        vec![took / decided; usize::try_from(decided).unwrap_or(1)]
    }

    fn pass(&mut self, span: Span) {
        self.now = self.now + span;
    }

    fn come_back(&mut self, mut then: impl FnMut(&mut Self)) {
        let mut due = std::mem::take(&mut self.due);
        for caller in due.drain(..) {
            self.ask(caller);
            then(self);
        }
        due.append(&mut self.due); // keeps the memory of the list
        self.due = due;
    }

    fn ask(&mut self, caller: usize) {
        if self.mixed {
            let most = 1 + u32::try_from(self.numbers.below(32)).unwrap_or(0);
            let least = 1 + u32::try_from(self.numbers.below(u64::from(most))).unwrap_or(0);
            let wait = Span::from_secs(1 + self.numbers.below(120));
            let ask = &mut self.asks[caller];
            (ask.permits, ask.min_permits) = (permits(most), permits(least));
            ask.deadline = if caller.is_multiple_of(4) { Timestamp::MAX } else { self.now + wait };
        }
        match self.allocator.submit(self.now, &self.asks[caller]) {
            Ok(Submitted::Waits(ticket)) => {
                let place = place(ticket);
                if self.askers.len() <= place {
                    self.askers.resize(place + 1, 0);
                }
                self.askers[place] = caller;
            }
            other => panic!("a request is taken in: {other:?}"),
        }
    }

    fn drain(&mut self) {
        while let Some(answer) = self.allocator.next_answer() {
            let caller = self.askers[place(answer.ticket)];
            self.due.push(caller);
            self.answers += 1;
            let content = match answer.outcome {
                Outcome::Granted(lease) => {
                    self.newest = Some((lease.id, caller, lease.permits));
                    u64::from(lease.permits) ^ lease.granted_at.as_ns()
                }
                Outcome::Refused(refusal) => refusal.retry_at.unwrap_or_default().as_ns(),
            };
            self.digest = (self.digest ^ answer.ticket.0 ^ content).wrapping_mul(0x0000_0100_0000_01b3);
        }
        while let Some(effect) = self.allocator.next_effect() {
            self.book(&effect);
        }
    }

    fn book(&mut self, effect: &Effect) {
        if let Effect::State(statement) = effect {
            self.allocator.stated(statement.life, statement.number);
        }
        let Effect::Book { series, window, permits, budget, .. } = effect else { return };
        let window_start = &window.start.earliest;
        let at = usize::from(self.marks[0].0 != *window_start);
        if at == 1 && self.marks[1].0 != *window_start {
            // A window that was not heard of yet: the older one is over.
            self.marks = [self.marks[1], (*window_start, Permits::ZERO)];
        }
        let mark = &mut self.marks[at].1;
        let from = *mark;
        *mark = (from + (*permits).min(self.block)).min(*budget);
        let to = *mark;
        self.allocator.booked(*series, *window_start, from, to);
    }

    fn settle_newest(&mut self, unused: bool) {
        let Some((id, caller, permits)) = self.newest.take() else { return };
        let ask = &self.asks[caller];
        let (used, back) = if unused { (Permits::ZERO, permits) } else { (permits, Permits::ZERO) };
        let by = (&ask.team, &ask.caller);
        let settled = self.allocator.settle(self.now, id, by, Usage { used, returned: back, is_final: true });
        black_box(settled.expect("a lease of that caller"));
    }
}

fn place(ticket: Ticket) -> usize {
    usize::try_from(ticket.0 & u64::from(u32::MAX)).unwrap_or(usize::MAX)
}
