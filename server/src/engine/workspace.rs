//! One workspace: its allocator behind a lock, those who wait for it, and where its answers and effects go.

mod gone;

use super::Versioned;
use super::answer::{Event, Granted, Refused, Report, Request};
use super::lease_name::{LeaseName, Life, Named};
use super::ledger::Command;
use super::parts::Parts;
use super::waiters::Waiters;
use super::waiting::{Acquired, Waiting};
use super::waits::{Asked, Waits};
use apportion_core::allocator::{Allocator, Effect, Settled, Submitted};
use apportion_core::facts::{Finding, Learnt};
use apportion_core::ids::{LimitId, TeamId, WorkspaceId};
use apportion_core::ledger::{MarkKey, Version, WantedBlock};
use apportion_core::permits::Permits;
use apportion_core::policy::{DEPTH_MAX, Policy, PolicyError};
use apportion_core::request::{Answer, Ask, Outcome, Reason, Refusal, Ticket, Usage};
use apportion_core::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use tokio::sync::broadcast;

/// How long any request may wait: as long as it takes to book a block, or "now or never" would depend on what is booked. What
/// cannot be granted by then is refused on arrival all the same.
const LEAST_WAIT: Span = Span::from_ms(50);
/// How many events a slow reader may be behind before it misses some.
const EVENTS_BEHIND: usize = 64;
/// When a repeat that may not join is to come again.
const REPEAT_AFTER: Span = Span::from_secs(1);
/// How late a timer may be for its decision to be made as at the instant for which it was set.
const LATE: Span = Span::from_ms(50);

/// A workspace that is served here.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) id: WorkspaceId,
    pub(super) shard: u16,
    state: Mutex<State>,
    events: OnceLock<broadcast::Sender<Event>>,
}

/// Who decides now.
#[derive(Debug)]
enum Service {
    /// The allocator.
    Open(Box<Allocator>),
    /// Nobody, and why.
    Closed(Refused),
}

/// With what a workspace is opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening<'a> {
    /// Which life begins.
    pub(super) life: Life,
    /// What was learnt of its limits.
    pub(super) learnt: &'a BTreeMap<LimitId, Learnt>,
    /// Whether the clock got a new anchor: what was open under the old one counts as spent.
    pub(super) anew: bool,
    /// Whether the store does not answer.
    pub(super) store_lost: bool,
}

/// What the lock of a workspace guards.
#[derive(Debug)]
pub(super) struct State {
    versioned: Versioned,
    service: Service,
    /// In which life.
    life: Life,
    waiting: Waiters,
    /// The earliest wish that the timer has.
    armed: Timestamp,
    waits: Waits,
}

impl Workspace {
    /// A workspace that nothing can be granted of yet.
    pub(super) fn new(id: WorkspaceId, shard: u16, versioned: Versioned) -> Self {
        let state = State {
            versioned,
            service: Service::Closed(Refused::StoreLost),
            life: Life::default(),
            waiting: Waiters::default(),
            armed: Timestamp::MAX,
            waits: Waits::default(),
        };
        Self { id, shard, state: Mutex::new(state), events: OnceLock::new() }
    }

    /// The state, alone. Where a decision panicked half-way, nothing it left behind may be granted from: the workspace is
    /// closed, and the next request lets it start anew, with a block that the ledger knows to be free.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            let mut state = poisoned.into_inner();
            self.state.clear_poison();
            state.close(&Refused::Internal);
            state
        })
    }

    pub(super) fn acquire(
        self: &Arc<Self>,
        parts: &Arc<Parts>,
        request: Request,
    ) -> Result<Acquired, Refused> {
        let mut guard = self.lock();
        let now = parts.clock.now();
        let state = &mut *guard;
        let allocator = state.service.open().inspect_err(|refused| {
            if *refused == Refused::Internal {
                parts.tell(Command::Serve(self.id.clone(), None));
            }
        })?;
        let wait = request.max_wait.unwrap_or_else(|| shortest_window(allocator.policy()));
        let wait = request.longest_wait.map_or(wait, |longest| wait.min(longest)).max(LEAST_WAIT);
        let ask = Ask { deadline: now + wait, ..request.ask };
        let submitted = allocator.acquire(now, &ask).map_err(|refusal| Refused::ByRule(refusal, now));
        let ticket = match submitted {
            Ok(Submitted::Repeats(lease)) => {
                let name = LeaseName::new(&parts.secret, &self.id, state.life, lease.id);
                self.drain(parts, state, now, None); // time passed for the others too
                return Ok(Acquired::Granted(Granted { name, lease, received_at: now }));
            }
            Ok(Submitted::Waits(ticket)) => ticket,
            Err(refused) => {
                if names_a_team(&refused) {
                    state.waits.refused(now, asked(&ask), allocator.policy());
                }
                self.drain(parts, state, now, None);
                return Err(refused);
            }
        };
        let own = self.drain(parts, state, now, Some((ticket, &ask)));
        match own {
            Some(Ok(granted)) => Ok(Acquired::Granted(granted)),
            Some(Err(refused)) => Err(refused),
            None => {
                let place = state.waiting.add(ticket, now, &ask, parts.settings.bounds.waiting);
                let place = place.map_err(|reason| too_many(reason, now))?;
                let waiting = Waiting::new(Arc::clone(self), Arc::clone(parts), ticket, &ask, place);
                Ok(Acquired::Waits(waiting))
            }
        }
    }

    pub(super) fn settle(
        self: &Arc<Self>,
        parts: &Arc<Parts>,
        report: &Report<'_>,
    ) -> Result<Settled, Refused> {
        let mut guard = self.lock();
        let now = parts.clock.now();
        let state = &mut *guard;
        let named = LeaseName::read(report.lease, &parts.secret, &self.id, state.life);
        let allocator = state.service.open()?;
        let lease = match named.ok_or(Refused::NotYourLease)? {
            Named::Lease(id) => Some(id),
            Named::Ended => None,
        };
        let observations = (report.observe)(allocator.policy(), lease, now).map_err(Refused::UnknownLimit)?;
        let by = (report.team, report.caller);
        let settled = lease
            .map(|id| {
                allocator.settle(
                    now,
                    id,
                    by,
                    Usage { used: report.used, returned: report.returned, is_final: report.is_final },
                )
            })
            .unwrap_or(Ok(Settled { returned: Permits::ZERO, accepted: Permits::ZERO, is_open: false }));
        let settled = match settled {
            Ok(settled) => settled,
            Err(error) => {
                self.drain(parts, state, now, None);
                return Err(settle_error(error));
            }
        };
        for observation in &observations {
            if let Some(finding) = allocator.observe(now, observation) {
                self.tell_of(allocator, &observation.limit, &finding, now);
            }
        }
        // What came back or was learnt can change who is served now; a report that says only what was used cannot.
        if !settled.accepted.is_zero() || !observations.is_empty() {
            allocator.decide(now);
        }
        self.drain(parts, state, now, None);
        Ok(settled)
    }

    /// It is the time that the allocator named.
    pub(super) fn wake(self: &Arc<Self>, parts: &Arc<Parts>) {
        let mut guard = self.lock();
        let now = parts.clock.now();
        if now >= guard.armed {
            let due = std::mem::replace(&mut guard.armed, Timestamp::MAX);
            // The last that is kept is let go at the very close of a window, and a timer is always a little late. A lease that is
            // granted as at that instant ends no later for it.
            if now.since(due) <= LATE {
                self.decide(parts, &mut guard, due);
            }
            self.decide(parts, &mut guard, now);
        }
    }

    /// Lets `act` happen to the allocator, where there is one, and decides anew.
    pub(super) fn with(self: &Arc<Self>, parts: &Arc<Parts>, act: impl FnOnce(&mut Allocator)) {
        let mut guard = self.lock();
        if let Service::Open(allocator) = &mut guard.service {
            act(allocator);
            let now = parts.clock.now();
            self.decide(parts, &mut guard, now);
        }
    }

    fn decide(self: &Arc<Self>, parts: &Arc<Parts>, state: &mut State, now: Timestamp) {
        if let Service::Open(allocator) = &mut state.service {
            allocator.decide(now);
            self.drain(parts, state, now, None);
        }
    }

    /// Sends answers and effects where they belong, and sets the timer. Returns the answer to `own`, who does not wait yet.
    fn drain(
        self: &Arc<Self>,
        parts: &Arc<Parts>,
        state: &mut State,
        now: Timestamp,
        own: Option<(Ticket, &Ask)>,
    ) -> Option<Result<Granted, Refused>> {
        let Service::Open(allocator) = &mut state.service else { return None };
        let mut mine = None;
        while let Some(Answer { ticket, outcome }) = allocator.next_answer() {
            let waiters = state.waiting.take(ticket);
            let told = waiters.len() + usize::from(own.is_some_and(|(own, _)| own == ticket));
            if let (Outcome::Granted(lease), 2..) = (&outcome, told) {
                allocator.also_answered(lease.id, u32::try_from(told - 1).unwrap_or(u32::MAX));
            }
            for waiter in waiters {
                state.waits.answered(now, waiter.asked(), waiter.arrived, &outcome, allocator.policy());
                let told = self.tell(parts, state.life, &outcome, (waiter.arrived, now));
                waiter.tell(told);
            }
            if let Some((_, ask)) = own.filter(|(own, _)| *own == ticket) {
                state.waits.answered(now, asked(ask), now, &outcome, allocator.policy());
                mine = Some(self.tell(parts, state.life, &outcome, (now, now)));
            }
        }
        while let Some(effect) = allocator.next_effect() {
            parts.tell(self.command(state.versioned.version, effect));
        }
        if let Some(at) = allocator.next_deadline().filter(|at| *at < state.armed) {
            state.armed = at;
            parts.timer.set(at, self);
        }
        mine
    }

    /// What a client is told that asked and was answered at these instants.
    fn tell(
        &self,
        parts: &Parts,
        life: Life,
        outcome: &Outcome,
        (arrived, now): (Timestamp, Timestamp),
    ) -> Result<Granted, Refused> {
        match outcome {
            Outcome::Granted(lease) => {
                let name = LeaseName::new(&parts.secret, &self.id, life, lease.id);
                Ok(Granted { name, lease: *lease, received_at: arrived })
            }
            Outcome::Refused(refusal) => Err(Refused::ByRule(refusal.clone(), now)),
        }
    }

    /// What the ledger is to do about an effect.
    fn command(&self, version: u64, effect: Effect) -> Command {
        let workspace = self.id.clone();
        match effect {
            Effect::Book { limit, series, window, permits, budget, ahead } => {
                let policy_version = Version(version);
                let block =
                    WantedBlock { workspace, limit, window, permits, budget, ahead, policy_version, series };
                Command::Want(self.shard, block)
            }
            Effect::Learn { limit, learnt } => Command::Learn(self.shard, workspace, limit, learnt),
            Effect::Exhausted { limit, window, budget } => {
                let key = MarkKey { workspace, limit, window_start: window.start.earliest };
                Command::Exhausted(self.shard, key, window, budget)
            }
            Effect::State(statement) => Command::State(self.shard, workspace, statement),
        }
    }

    /// Opens the workspace: a new allocator that knows what was learnt. Not while the clock cannot be trusted: once it can, all
    /// workspaces are opened anew. Who finds that it stepped closes them afterwards, one by one, so none slips through.
    pub(super) fn open(self: &Arc<Self>, parts: &Arc<Parts>, opening: Opening<'_>) {
        let mut guard = self.lock();
        let now = parts.clock.now();
        if !parts.clock.is_steady() {
            return guard.close(&Refused::ClockUnsteady);
        }
        guard.close(&Refused::StoreLost);
        let policy = guard.versioned.policy.clone();
        match Allocator::with_learned(
            policy,
            parts.settings.bounds,
            opening.learnt,
            opening.life.number(),
            now,
        ) {
            Ok(mut allocator) => {
                allocator.set_store_lost(opening.store_lost);
                if opening.anew {
                    allocator.spend_open_windows(now);
                }
                guard.service = Service::Open(Box::new(allocator));
                guard.life = opening.life;
            }
            Err(error) => tracing::error!(workspace = %self.id, %error, "the stored policy does not hold"),
        }
    }

    /// What waits is refused, nothing comes back, and nothing is granted until the workspace is opened again.
    pub(super) fn close(&self, why: &Refused) {
        self.lock().close(why);
    }

    /// Closes it for good, and says how many permits of each window were booked here and never granted.
    pub(super) fn finish(&self) -> Vec<(MarkKey, Permits)> {
        let mut guard = self.lock();
        let unspent = match &guard.service {
            Service::Open(allocator) => allocator.unspent().map(|of| self.mark(of)).collect(),
            Service::Closed(_) => Vec::new(),
        };
        guard.close(&Refused::Draining);
        unspent
    }

    fn mark(&self, (limit, window_start, permits): (&LimitId, Timestamp, Permits)) -> (MarkKey, Permits) {
        (MarkKey { workspace: self.id.clone(), limit: limit.clone(), window_start }, permits)
    }

    pub(super) fn set_store_lost(self: &Arc<Self>, parts: &Arc<Parts>, lost: bool) {
        self.with(parts, |allocator| allocator.set_store_lost(lost));
    }

    pub(super) fn set_policy(
        self: &Arc<Self>,
        parts: &Arc<Parts>,
        versioned: Versioned,
    ) -> Result<(), PolicyError> {
        let mut guard = self.lock();
        let now = parts.clock.now();
        versioned.policy.check()?;
        if let Service::Open(allocator) = &mut guard.service {
            let before = allocator.policy().limits.clone();
            allocator.set_policy(now, versioned.policy.clone())?;
            for limit in &allocator.policy().limits {
                if !before.iter().any(|old| old.id == limit.id && old.permits == limit.permits) {
                    self.say(Event::LimitChanged {
                        limit: limit.id.clone(),
                        permits: limit.permits,
                        window: limit.window,
                    });
                }
            }
        }
        guard.waits.set_policy(&versioned.policy);
        guard.versioned = versioned;
        self.decide(parts, &mut guard, now);
        Ok(())
    }

    /// A team and what it is part of, itself first.
    pub(super) fn path_of(&self, team: &TeamId) -> Vec<TeamId> {
        let guard = self.lock();
        let teams = &guard.versioned.policy.teams;
        let parent = |id: &TeamId| teams.iter().find(|team| team.id == *id)?.parent.clone();
        std::iter::successors(Some(team.clone()), parent).take(DEPTH_MAX).collect()
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.lock().service, Service::Open(_))
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.requests()
    }

    pub(super) fn events(&self) -> broadcast::Receiver<Event> {
        self.events.get_or_init(|| broadcast::channel(EVENTS_BEHIND).0).subscribe()
    }

    fn say(&self, event: Event) {
        if let Some(events) = self.events.get() {
            let _ = events.send(event);
        }
    }

    /// Tells those who listen what an observation changed. Windows are those in force, where the provider's responses moved them too.
    fn tell_of(&self, allocator: &mut Allocator, limit: &LimitId, finding: &Finding, now: Timestamp) {
        if !finding.exhausted && finding.budget.is_none() {
            return;
        }
        let Some(of) = allocator.limits_now(now).into_iter().find(|known| known.id == *limit) else { return };
        if finding.exhausted {
            let until = finding.stop_until.unwrap_or(of.window.end.latest);
            self.say(Event::Revoked { limit: limit.clone(), window: of.window, until });
        }
        if let Some(permits) = finding.budget {
            self.say(Event::LimitChanged { limit: limit.clone(), permits, window: of.length });
        }
    }

    /// What a reader makes of the allocator, where there is one, and of how requests fared.
    pub(super) fn read<T>(
        self: &Arc<Self>,
        parts: &Arc<Parts>,
        read: impl FnOnce(Timestamp, Result<&mut Allocator, &Refused>, &Waits) -> T,
    ) -> T {
        let mut guard = self.lock();
        let now = parts.clock.now();
        let state = &mut *guard;
        let allocator = match &mut state.service {
            Service::Open(allocator) => Ok(&mut **allocator),
            Service::Closed(why) => Err(&*why),
        };
        let read = read(now, allocator, &state.waits);
        self.drain(parts, state, now, None); // to look lets time pass
        read
    }
}

impl Service {
    fn open(&mut self) -> Result<&mut Allocator, Refused> {
        match self {
            Self::Open(allocator) => Ok(allocator),
            Self::Closed(why) => Err(why.clone()),
        }
    }
}

impl State {
    fn close(&mut self, why: &Refused) {
        for waiter in self.waiting.take_all() {
            waiter.tell(Err(why.clone()));
        }
        self.service = Service::Closed(why.clone());
        self.armed = Timestamp::MAX;
    }
}

fn settle_error(error: apportion_core::allocator::SettleError) -> Refused {
    match error {
        apportion_core::allocator::SettleError::NotYours => Refused::NotYourLease,
        too_much => Refused::SettledTooMuch(too_much),
    }
}

fn asked(ask: &Ask) -> Asked<'_> {
    Asked { team: &ask.team, priority: ask.priority }
}

/// A repeat that may not join those who wait already.
fn too_many(reason: Reason, now: Timestamp) -> Refused {
    Refused::ByRule(Refusal { reason, retry_at: Some(now + REPEAT_AFTER), limit: None }, now)
}

/// Whether the refused request named a team that exists: only such are counted, or anybody could fill the memory.
fn names_a_team(refused: &Refused) -> bool {
    !matches!(refused, Refused::ByRule(Refusal { reason: Reason::UnknownTeam, .. }, _))
}

fn shortest_window(policy: &Policy) -> Span {
    policy.limits[policy.primary_limit()].window
}
