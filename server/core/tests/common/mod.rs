//! A world around one allocator: virtual time, and a ledger that books at once or on demand.
#![allow(dead_code, reason = "each topic uses a part of it")]

pub(crate) mod judge;
pub(crate) mod random;

use apportion_core::allocator::{Allocator, Effect, SettleError, Settled, Submitted};
use apportion_core::bounds::Bounds;
use apportion_core::ids::{CallerId, LimitId, RequestId, TeamId, WorkspaceId};
use apportion_core::ledger::{BookRefusal, Mark, MarkKey, Marks, Raise, Series};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Margins, Policy, TeamPolicy};
use apportion_core::priority::Priority;
use apportion_core::request::{Answer, Ask, Lease, Outcome, Reason, Refusal, Ticket, Usage};
use apportion_core::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Where every world starts: a window of 10 s, of a minute, of an hour starts there.
pub(crate) const START_MS: u64 = 3_600_000 * 24 * 7;
/// The series of windows that a limit is in at first.
pub(crate) const FIRST: Series = Series { life: 1, number: 1 };
/// The window of [`policy`], in milliseconds.
pub(crate) const WINDOW_MS: u64 = 10_000;
/// The guard of [`policy`], in milliseconds: grants stop at 9 s.
pub(crate) const GUARD_MS: u64 = 1_000;

pub(crate) fn permits(n: u32) -> Permits {
    Permits::new(n).expect("a number of permits")
}

pub(crate) fn team_id(id: &str) -> TeamId {
    TeamId::new(id).expect("the name of a team")
}

pub(crate) fn limit_id(id: &str) -> LimitId {
    LimitId::new(id).expect("the name of a limit")
}

pub(crate) fn caller_id(id: &str) -> CallerId {
    CallerId::new(id).expect("the name of a caller")
}

pub(crate) fn request_id(id: &str) -> Option<RequestId> {
    Some(RequestId::new(id).expect("the name of a request"))
}

/// Nothing is booked.
pub(crate) fn first_marks() -> Marks {
    Marks::first(workspace_id())
}

pub(crate) fn workspace_id() -> WorkspaceId {
    WorkspaceId::new("workspace").expect("the name of a workspace")
}

pub(crate) fn mark_key(limit: &LimitId, window_start: Timestamp) -> MarkKey {
    MarkKey { workspace: workspace_id(), limit: limit.clone(), window_start }
}

/// The instant so many milliseconds after the world started.
pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::ZERO + Span::from_ms(START_MS + ms)
}

/// A limit with a guard of a second, whose leases live for the first half of it.
pub(crate) fn limit(id: &str, budget: u32, window_ms: u64) -> LimitPolicy {
    let margins =
        Margins { start: Span::ZERO, guard: Span::from_ms(GUARD_MS), life: Span::from_ms(GUARD_MS / 2) };
    LimitPolicy {
        id: limit_id(id),
        permits: permits(budget),
        window: Span::from_ms(window_ms),
        phase: Span::ZERO,
        margins,
    }
}

/// A team that may ask in every priority.
pub(crate) fn team(id: &str) -> TeamPolicy {
    TeamPolicy { highest_priority: Priority::Critical, ..TeamPolicy::new(team_id(id)) }
}

/// The same below another one.
pub(crate) fn part(id: &str, parent: &str) -> TeamPolicy {
    TeamPolicy { parent: Some(team_id(parent)), ..team(id) }
}

/// One limit, `main`, of 10 s, and the teams; a request may be as large as the budget.
pub(crate) fn policy(budget: u32, teams: Vec<TeamPolicy>) -> Policy {
    let plain = Policy::plain(limit("main", budget, WINDOW_MS), teams);
    Policy { largest_lease: Some(permits(budget)), ..plain }
}

/// A request of the only caller that waits for ever and takes no less than it asks for.
pub(crate) fn ask(team: &str, n: u32) -> Ask {
    Ask {
        team: team_id(team),
        caller: caller_id("only"),
        priority: None,
        permits: permits(n),
        min_permits: permits(n),
        deadline: Timestamp::MAX,
        request_id: None,
    }
}

/// What became of a request so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    Granted(Lease),
    Refused(Refusal),
    Waits(Ticket),
}

impl Reply {
    #[track_caller]
    pub(crate) fn lease(self) -> Lease {
        match self {
            Self::Granted(lease) => lease,
            other => panic!("expected a lease, not {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            other => panic!("expected a refusal, not {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn reason(self) -> Reason {
        self.refusal().reason
    }

    #[track_caller]
    pub(crate) fn ticket(self) -> Ticket {
        match self {
            Self::Waits(ticket) => ticket,
            other => panic!("expected a request that waits, not {other:?}"),
        }
    }
}

/// One allocator on virtual time.
pub(crate) struct World {
    pub(crate) allocator: Allocator,
    pub(crate) now: Timestamp,
    /// Every answer so far, and when it came.
    pub(crate) answers: BTreeMap<Ticket, (Timestamp, Outcome)>,
    /// Tickets of grants in the order in which they came.
    pub(crate) granted: Vec<Ticket>,
    /// Whether blocks are left unanswered in [`World::unbooked`].
    pub(crate) books_late: bool,
    pub(crate) unbooked: Vec<Effect>,
    /// What was booked, and what is known of it.
    pub(crate) marks: Marks,
}

impl World {
    pub(crate) fn new(policy: Policy) -> Self {
        Self::within(policy, Bounds::DEFAULT)
    }

    pub(crate) fn within(policy: Policy, bounds: Bounds) -> Self {
        Self {
            allocator: Allocator::new(policy, bounds, at(0)).expect("a policy that holds"),
            now: at(0),
            answers: BTreeMap::new(),
            granted: Vec::new(),
            books_late: false,
            unbooked: Vec::new(),
            marks: first_marks(),
        }
    }

    /// Takes a request in, decides, and says what became of it.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Reply {
        let reply = self.submit(ask);
        self.decide();
        match reply {
            Reply::Waits(ticket) => self.outcome(ticket),
            reply => reply,
        }
    }

    /// Takes a request in without a decision.
    pub(crate) fn submit(&mut self, ask: &Ask) -> Reply {
        let submitted = self.allocator.submit(self.now, ask);
        self.collect();
        match submitted {
            Ok(Submitted::Waits(ticket)) => Reply::Waits(ticket),
            Ok(Submitted::Repeats(lease)) => Reply::Granted(lease),
            Err(refusal) => Reply::Refused(refusal),
        }
    }

    /// Takes in `count` such requests and decides once. Returns their tickets.
    pub(crate) fn flood(&mut self, ask: &Ask, count: u32) -> Vec<Ticket> {
        let tickets = (0..count).map(|_| self.submit(ask).ticket()).collect();
        self.decide();
        tickets
    }

    /// What became of a request so far.
    pub(crate) fn outcome(&self, ticket: Ticket) -> Reply {
        match self.answers.get(&ticket) {
            Some((_, Outcome::Granted(lease))) => Reply::Granted(*lease),
            Some((_, Outcome::Refused(refusal))) => Reply::Refused(refusal.clone()),
            None => Reply::Waits(ticket),
        }
    }

    /// How many permits these requests were granted.
    pub(crate) fn sum(&self, tickets: &[Ticket]) -> u32 {
        let permits = |ticket: &Ticket| match self.outcome(*ticket) {
            Reply::Granted(lease) => lease.permits.get(),
            _ => 0,
        };
        tickets.iter().map(permits).sum()
    }

    /// Lets time pass, calling only when the allocator wants to be called, and at the end.
    pub(crate) fn go(&mut self, ms: u64) {
        while let Some(next) = self.allocator.next_deadline().filter(|&next| next < at(ms)) {
            assert!(next > self.now, "the next deadline {next:?} is not after {:?}", self.now);
            self.now = next;
            self.decide();
        }
        self.now = at(ms);
        self.decide();
    }

    /// Decides until nothing is left to do at this instant.
    pub(crate) fn decide(&mut self) {
        loop {
            self.allocator.decide(self.now);
            self.collect();
            if !self.book() {
                return;
            }
        }
    }

    pub(crate) fn settle(&mut self, lease: &Lease, used: u32, returned: u32) -> Result<Settled, SettleError> {
        self.settle_by(lease, ("a", "only"), (used, returned), false)
    }

    pub(crate) fn settle_by(
        &mut self,
        lease: &Lease,
        (team, caller): (&str, &str),
        (used, returned): (u32, u32),
        is_final: bool,
    ) -> Result<Settled, SettleError> {
        let by = (&team_id(team), &caller_id(caller));
        let settled = self.allocator.settle(
            self.now,
            lease.id,
            by,
            Usage { used: permits(used), returned: permits(returned), is_final },
        );
        self.decide();
        settled
    }

    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Policy)) {
        let mut policy = self.allocator.policy().clone();
        change(&mut policy);
        self.allocator.set_policy(self.now, policy).expect("a policy that holds");
        self.decide();
    }

    /// Answers the blocks that were asked for; true: there were some.
    pub(crate) fn book(&mut self) -> bool {
        while let Some(effect) = self.allocator.next_effect() {
            self.unbooked.push(effect);
        }
        if self.books_late || self.unbooked.is_empty() {
            return false;
        }
        for effect in std::mem::take(&mut self.unbooked) {
            self.confirm(effect);
        }
        true
    }

    /// Does to the marks what an effect asks for.
    pub(crate) fn confirm(&mut self, effect: Effect) {
        match effect {
            Effect::Book { limit, series, window, permits, budget, .. } => {
                let key = mark_key(&limit, window.start.earliest);
                match self.marks.raise(&key, &window, permits, budget, series) {
                    Ok(Raise { from, to, .. }) => self.allocator.booked(series, key.window_start, from, to),
                    Err(BookRefusal::Spent | BookRefusal::Closed) => {
                        self.allocator.window_spent(series, key.window_start)
                    }
                    Err(_) => self.allocator.book_refused(series, key.window_start),
                }
            }
            Effect::State(statement) => {
                self.marks.state(&statement);
                self.allocator.stated(statement.life, statement.number);
            }
            Effect::Exhausted { limit, window, budget } => {
                self.marks.spend(&mark_key(&limit, window.start.earliest), &window, budget);
            }
            Effect::Learn { .. } => {}
        }
    }

    /// How much of a window was booked.
    pub(crate) fn mark(&self, limit: &str, window_start: Timestamp) -> Permits {
        self.marks.hi(&mark_key(&limit_id(limit), window_start))
    }

    /// Somebody else booked so much of a window of 10 s.
    pub(crate) fn set_mark(&mut self, limit: &str, window_start: Timestamp, n: u32) {
        let mark = Mark {
            window_end: window_start + Span::from_ms(WINDOW_MS),
            hi: permits(n),
            known: Permits::ZERO,
            life: 0,
            booked: Permits::ZERO,
            is_exhausted: false,
        };
        self.marks.marks.insert(mark_key(&limit_id(limit), window_start), mark);
    }

    fn collect(&mut self) {
        while let Some(Answer { ticket, outcome }) = self.allocator.next_answer() {
            if matches!(outcome, Outcome::Granted(_)) {
                self.granted.push(ticket);
            }
            let former = self.answers.insert(ticket, (self.now, outcome));
            assert_eq!(former, None, "{ticket:?} was answered twice");
        }
    }
}
