//! A workspace under steady demand, the same in every run.

use super::numbers::Numbers;
use super::policies::{WINDOW, eight_teams, every_rule, permits, policy};
use apportion_core::allocator::{Allocator, Effect, Submitted};
use apportion_core::bounds::Bounds;
use apportion_core::ids::CallerId;
use apportion_core::permits::Permits;
use apportion_core::policy::Policy;
use apportion_core::priority::Priority;
use apportion_core::request::{Ask, LeaseId, Outcome, Ticket, Usage};
use apportion_core::time::{Span, Timestamp};
use std::hint::black_box;
use std::time::Instant;

const START: Timestamp = Timestamp::from_ns(1_000_000 * WINDOW.as_ns());

/// A workspace, its callers, and a store that books a few permits at a time.
pub(crate) struct World {
    allocator: Allocator,
    now: Timestamp,
    asks: Vec<Ask>,
    /// The caller of each ticket, by the place in its lower half.
    askers: Vec<usize>,
    due: Vec<usize>,
    marks: [(Timestamp, Permits); 2],
    /// The largest block that the store books.
    block: Permits,
    /// Whether requests differ in size and most have a deadline.
    is_mixed: bool,
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
            is_mixed: mixed,
            numbers: Numbers(7),
            newest: None,
            answers: 0,
            digest: 0,
        }
    }

    /// Uncontended: every request is granted at once.
    pub(crate) fn uncontended() -> Self {
        Self::new(policy(1 << 20, eight_teams()), 64, 1 << 20, false)
    }

    /// A backlog of so many callers.
    pub(crate) fn backlog(callers: usize) -> Self {
        Self::new(policy(20_000, eight_teams()), callers, 16, false)
    }

    /// The same with every rule in use, requests of all sizes, returns and deadlines.
    pub(crate) fn mixed(callers: usize) -> Self {
        Self::new(every_rule(40_000), callers, 64, true)
    }

    /// Requests that wait for a window with room, `of_caller` of each caller.
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

    /// Submits a request and decides, `steps` times. Returns how many answers there were.
    #[inline(never)]
    pub(crate) fn run_uncontended(&mut self, steps: u64) -> u64 {
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

    /// The same with a backlog: answered callers ask again, then a block is booked and granted.
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

    /// The duration of each decision in nanoseconds. Decisions of one call share its time.
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

    /// Every caller asks once.
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
        if self.is_mixed {
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
            // A new window: the older of the two is over.
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
