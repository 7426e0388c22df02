//! Scenarios: a policy, timed demand and events, replayed on virtual time through the allocator.
//!
//! These are the typed values; files are read elsewhere. Everything that happens is named by its instant on the
//! virtual clock, on which window 0 of the scheduler's limit starts at [`Scenario::origin`].

mod replay;

pub use replay::replay;

use crate::ids::{CallerId, LimitId, TeamId};
use crate::permits::Permits;
use crate::policy::{Policy, TeamPolicy};
use crate::priority::Priority;
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Requests that wait behind every backlog, at the least.
pub const BACKLOG: u32 = 1000;

/// One workspace, its policy, and what happens to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// The policy at the start.
    pub policy: Policy,
    /// The start of window 0: time 0 of the scenario. A multiple of every window, plus the scheduler's phase.
    pub origin: Timestamp,
    /// How much later than that, and than every multiple of its window, windows of a limit may start as far as is known: a
    /// window opens after its latest start and closes before its earliest end. Absent: not at all.
    pub start_within: BTreeMap<LimitId, Span>,
    /// How many windows are played.
    pub windows: u32,
    /// Who asks for what.
    pub demand: Vec<Demand>,
    /// What else happens, in file order.
    pub events: Vec<Event>,
}

impl Scenario {
    /// How many requests always wait behind a backlog: so many that one round of decisions does not empty it.
    pub fn backlog(&self) -> u32 {
        let changed = self.events.iter().filter_map(|event| match event.what {
            Change::SetBudget { permits, .. } => Some(permits),
            _ => None,
        });
        let budgets = self.policy.limits.iter().map(|limit| limit.permits).chain(changed);
        BACKLOG + budgets.max().unwrap_or_default().get()
    }
}

/// Requests of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Demand {
    /// The team that asks.
    pub team: TeamId,
    /// The caller inside the team.
    pub caller: CallerId,
    /// The priority it asks for; none: the team's.
    pub priority: Option<Priority>,
    /// Permits of each request.
    pub permits: Permits,
    /// The least that each would take.
    pub min_permits: Permits,
    /// How long each waits at most; none: for ever.
    pub max_wait: Option<Span>,
    /// A name for events and expectations.
    pub tag: Option<String>,
    /// When they come.
    pub shape: Shape,
}

/// When requests come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shape {
    /// From then on at least [`BACKLOG`] more always wait.
    Backlog {
        /// The first instant.
        from: Timestamp,
    },
    /// So many at once.
    Once {
        /// How many.
        count: u32,
        /// When.
        at: Timestamp,
    },
    /// So many, 1 ms before the start of each listed window.
    PerWindow {
        /// How many.
        count: u32,
        /// The windows; none: all of them.
        windows: Option<Vec<u32>>,
    },
    /// So many workers, each asking again when it has thought about what it got.
    Workers {
        /// How many.
        count: u32,
        /// The time from a grant to the next request.
        think: Span,
        /// When all of them ask first.
        from: Timestamp,
    },
}

/// Something that happens at an instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Change,
}

/// What happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A team gets new settings. Absent: stays as it is.
    SetTeam {
        /// Which team.
        id: TeamId,
        /// Its new weight.
        weight: Option<u32>,
        /// Its new reservation.
        reservation: Option<Permits>,
        /// Its new cap, or none.
        cap: Option<Option<Permits>>,
        /// Its new priority of a request that names none.
        priority: Option<Priority>,
        /// Its new highest allowed priority.
        highest_priority: Option<Priority>,
    },
    /// A team is added behind all others.
    AddTeam(TeamPolicy),
    /// A team without parts is removed; what waits there is refused.
    RemoveTeam {
        /// Which team.
        id: TeamId,
    },
    /// A limit's budget changes by policy, from its next window on.
    SetBudget {
        /// Which limit.
        limit: LimitId,
        /// Its new budget.
        permits: Permits,
    },
    /// Unused permits of a team's oldest open leases come back.
    Return {
        /// Which team.
        team: TeamId,
        /// How many permits.
        permits: Permits,
    },
    /// A response of the provider: so much of the window is left, everything granted until then already counted.
    Upstream {
        /// Which limit.
        limit: LimitId,
        /// What is left.
        remaining: Option<Permits>,
        /// The budget, where the response names it.
        permits: Option<Permits>,
        /// The response was a refusal: the window is exhausted.
        throttled: bool,
    },
    /// Every waiting request with this tag is withdrawn.
    Cancel {
        /// The tag.
        tag: String,
    },
}

/// One line of the event log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// A request was granted.
    Grant {
        /// When.
        at: Timestamp,
        /// To which team.
        team: TeamId,
        /// To which caller.
        caller: CallerId,
        /// At which priority it was served.
        priority: Priority,
        /// How many permits.
        permits: Permits,
        /// In which window of the scheduler's limit, from 0.
        window: u32,
        /// Whether it is also charged to the next window.
        edge: bool,
        /// How long it waited.
        waited: Span,
        /// The tag of its demand.
        tag: Option<String>,
    },
    /// A request was refused.
    Reject {
        /// When.
        at: Timestamp,
        /// Of which team.
        team: TeamId,
        /// Of which caller.
        caller: CallerId,
        /// At which priority it would have been served.
        priority: Priority,
        /// How many permits it asked for.
        permits: Permits,
        /// Why, in the words of the format: INVALID, DEADLINE or EXPIRED.
        reason: Verdict,
        /// Why, in the words of the contract.
        detail: crate::request::Reason,
        /// How long from now until it is of use to ask again.
        retry_after: Option<Span>,
        /// The tag of its demand.
        tag: Option<String>,
    },
    /// Permits came back.
    Return {
        /// When.
        at: Timestamp,
        /// From which team.
        team: TeamId,
        /// How many were offered.
        permits: Permits,
        /// How many were taken.
        accepted: Permits,
        /// In which window.
        window: u32,
    },
}

/// The kinds of refusal that an event log knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Can never be granted.
    Invalid,
    /// Certain on arrival to miss its deadline.
    Deadline,
    /// Waited its time out.
    Expired,
}
