//! The allocator of one workspace: the only door to who gets which permit when.
//!
//! Inputs only note what happened; [`Allocator::decide`] then grants and refuses. Answers and effects are data that the caller
//! pulls. Reading order: `names`, `arrive`, `urgency`, `waits`, `kept`, `pick`, `leaving`, `decide`, `edge`, `deadline`, `roll`, `settle`,
//! `unheard`, `former`, `reshape`, `observe`, `change`, `book`, `show`.

mod arrive;
mod book;
mod change;
mod deadline;
mod decide;
mod edge;
mod former;
mod kept;
mod leaving;
mod names;
mod observe;
mod pick;
mod reshape;
mod roll;
mod settle;
mod show;
mod unheard;
mod urgency;
mod waits;

use crate::bounds::Bounds;
use crate::facts::Learned;
use crate::ids::{CallerId, LimitId, RequestId};
use crate::lease::Leases;
use crate::ledger::{Series, Statement};
use crate::limit::Limit;
use crate::permits::Permits;
use crate::policy::{LimitPolicy, Policy, PolicyError};
use crate::priority::{PerPriority, Priority};
use crate::queue::Queue;
use crate::request::{Answer, LeaseId, Ticket};
use crate::share::holdback::Floors;
use crate::share::lane::Lane;
use crate::share::tree::{NodeIx, Tree};
use crate::slab::Slot;
use crate::time::{Span, Timestamp};
use crate::window::Window;
use std::collections::{BTreeMap, VecDeque};

use former::Former;
use names::Names;

pub use arrive::Submitted;
pub use settle::{SettleError, Settled};
pub use show::{LimitNow, TeamNow};

/// What the allocator asks of the world around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Book so many more permits of a window in the ledger, then say what came of it with [`Allocator::booked`],
    /// [`Allocator::window_spent`] or [`Allocator::book_refused`].
    Book {
        /// The limit.
        limit: LimitId,
        /// In which series of windows.
        series: Series,
        /// The window.
        window: Window,
        /// How many more permits.
        permits: Permits,
        /// The budget of that window: the mark never rises above it.
        budget: Permits,
        /// How long before its start the window may be booked at the least: its guard.
        ahead: Span,
    },
    /// Write down what was learned of a limit, so that a restart does not forget it.
    Learn {
        /// The limit.
        limit: LimitId,
        /// What is known now.
        learned: Learned,
    },
    /// A window counts as used: write down that all of it is booked, so that a restart does not forget it.
    Exhausted {
        /// The limit.
        limit: LimitId,
        /// The window.
        window: Window,
        /// Its budget.
        budget: Permits,
    },
    /// Tell the ledger where windows lie, and what was granted where they lay before; once it is written, say so with
    /// [`Allocator::stated`].
    State(Statement),
}

/// The callers of one team, and their lanes.
#[derive(Clone, Debug, Default)]
struct Team {
    lanes: PerPriority<Lane>,
    callers: BTreeMap<CallerId, Slot>,
}

/// What became of a request with an id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    Waiting(Slot),
    Granted(LeaseId),
    Ended,
}

/// A remembered request id: whose, and which.
type RequestKey = (Slot, RequestId);

/// Who gets which permit of one workspace when.
#[derive(Clone, Debug)]
pub struct Allocator {
    bounds: Bounds,
    policy: Policy,
    /// Unlike for any other allocator of the workspace.
    life: u64,
    /// The number of the newest series of windows: they count up.
    newest_series: u32,
    /// The ledger was told where windows lie.
    is_stated: bool,
    /// The number of the newest statement.
    statement: u32,
    /// The statement that must be written before anything is granted: blocks that are here already would be granted from under limits
    /// that the ledger does not know of. 0: none.
    unwritten: u32,
    /// What was granted where they lay before, and to teams that are gone.
    former: Option<Box<Former>>,
    limits: Vec<Limit>,
    scheduler: usize,
    tree: Tree,
    names: Names,
    teams: Vec<Option<Box<Team>>>,
    queue: Queue,
    leases: Leases,
    floors: Floors,
    known: BTreeMap<RequestKey, Known>,
    /// Of those, whose lease ended in this window and in the last one, oldest first; nothing where none did.
    ended: Option<Box<[VecDeque<RequestKey>; 2]>>,
    /// Requests of this instant that are not answered yet, in order of arrival.
    fresh: Vec<Ticket>,
    /// How many of those are watched for their deadline already, while a block is missing.
    watched: u32,
    /// A request that came while nobody waited. It is in the queue, but neither in a lane nor in the tree: if the next decision
    /// grants it at once, nobody competed.
    lone: Option<Slot>,
    answers: VecDeque<Answer>,
    effects: VecDeque<Effect>,
    /// Scheduler's windows so far.
    rolls: u64,
    advanced_to: Timestamp,
    /// Those who waited when the window opened are decided on for the first time: when that began, or the end of time.
    first_round: Option<Timestamp>,
    /// What leases were reported to have used while they were open, in all, modulo 2^32.
    spent: u32,
    /// The largest grant of this window.
    largest: Permits,
    /// A head waits for a block; nobody overtakes it.
    stalled: bool,
    /// How many permits that head was to get.
    lacking: Permits,
    store_lost: bool,
    /// What all teams reserve together.
    reserved: u64,
    any_protected: bool,
}

impl Allocator {
    /// A workspace under a policy, at `now`. Nothing is booked and nothing was learned yet.
    ///
    /// # Errors
    /// What [`Policy::check`] says.
    pub fn new(policy: Policy, bounds: Bounds, now: Timestamp) -> Result<Self, PolicyError> {
        Self::with_learned(policy, bounds, &BTreeMap::new(), 1, now)
    }

    /// The same with what was learned of its limits before a restart or by a former owner. No other allocator of the workspace may
    /// ever have had this `life`, and it is not 0.
    ///
    /// # Errors
    /// What [`Policy::check`] says.
    pub fn with_learned(
        policy: Policy,
        bounds: Bounds,
        learned: &BTreeMap<LimitId, Learned>,
        life: u64,
        now: Timestamp,
    ) -> Result<Self, PolicyError> {
        policy.check()?;
        let limit = |(limit, series): (&LimitPolicy, u32)| {
            Limit::new(limit, &policy, learned.get(&limit.id), series, now)
        };
        let limits: Vec<_> = policy.limits.iter().zip(1..).map(limit).collect();
        let count = policy.limits.iter().zip(1..).map(|(_, series)| series).last().unwrap_or(0);
        let mut allocator = Self {
            bounds,
            life,
            newest_series: count,
            is_stated: false,
            statement: 0,
            unwritten: 0,
            former: None,
            limits,
            scheduler: policy.scheduler(),
            tree: Tree::new(),
            names: Names::default(),
            teams: Vec::new(),
            queue: Queue::default(),
            leases: Leases::default(),
            floors: Floors::default(),
            known: BTreeMap::new(),
            ended: None,
            fresh: Vec::new(),
            watched: 0,
            lone: None,
            answers: VecDeque::new(),
            effects: VecDeque::new(),
            rolls: 0,
            advanced_to: now,
            first_round: None,
            spent: 0,
            largest: Permits::ONE,
            stalled: false,
            lacking: Permits::ZERO,
            store_lost: false,
            reserved: 0,
            any_protected: false,
            policy,
        };
        allocator.plant(now);
        Ok(allocator)
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The next answer that is due.
    pub fn next_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// The next effect that is to be carried out.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Places of requests that are kept until they are decided on for the first time: in proportion to those who wait.
    pub fn undecided(&self) -> usize {
        self.fresh.len()
    }

    /// Permits left in the scheduler's window.
    pub fn left(&self) -> Permits {
        self.limits[self.scheduler].left(self.store_lost)
    }

    /// The lane of a team, if anybody of it ever waited lately.
    fn lane(&self, team: NodeIx, c: Priority) -> Option<&Lane> {
        self.teams.get(team)?.as_ref().map(|team| &team.lanes[c])
    }

    fn lane_mut(&mut self, team: NodeIx, c: Priority) -> &mut Lane {
        &mut self.team_mut(team).lanes[c]
    }

    fn team_mut(&mut self, team: NodeIx) -> &mut Team {
        if self.teams.len() <= team {
            self.teams.resize(team + 1, None);
        }
        self.teams[team].get_or_insert_default()
    }

    /// Permits that wait at a team in one priority.
    fn queued(&self, team: NodeIx, c: Priority) -> u64 {
        self.lane(team, c).map_or(0, |lane| lane.queued)
    }
}
