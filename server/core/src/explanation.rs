//! What would become of a request, and why: answers to people who wonder why a team waits.

use crate::ids::{LimitId, TeamId};
use crate::permits::Permits;
use crate::priority::Priority;
use crate::request::{Reason, Refusal};
use crate::time::Timestamp;

/// What would become of a request that came at an instant, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The instant.
    pub now: Timestamp,
    /// The priority at which it would be served; `None` if no team would take it.
    pub priority: Option<Priority>,
    /// What would become of it if nothing else happened: no other request came, and nothing was returned or observed.
    pub prospect: Prospect,
    /// The same if it could wait as long as it takes. Equal to `prospect` where that is a grant, or a refusal that is final.
    pub prospect_without_deadline: Prospect,
    /// What keeps it from being granted at once; `None` if nothing does.
    pub obstacle: Option<Obstacle>,
    /// It cannot be granted sooner, unless permits come back, a request ahead of it leaves or a limit is raised. `None` if a grant at
    /// once is not ruled out, or it can never be granted.
    pub earliest: Option<Timestamp>,
    /// Permits that its team could be granted now in its priority if no other request competed, caps included. Counts the
    /// windows as they are before the request.
    pub available: Permits,
    /// Every limit, in the order of the policy.
    pub limits: Vec<LimitRoom>,
    /// The team and those above it, itself first.
    pub path: Vec<TeamRoom>,
    /// What waits.
    pub waiting: WaitingAhead,
}

/// What would become of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Prospect {
    /// It would be granted.
    Granted {
        /// When.
        at: Timestamp,
        /// How many permits.
        permits: Permits,
    },
    /// It would be refused.
    Refused {
        /// When.
        at: Timestamp,
        /// Why.
        refusal: Refusal,
    },
    /// It would still wait then; what follows was not computed.
    Waits {
        /// Until when it was computed.
        until: Timestamp,
    },
}

/// What keeps a request from being granted at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Obstacle {
    /// The rule that stops it.
    pub rule: Rule,
    /// The reason of a refusal, on arrival or if its deadline passed now.
    pub reason: Reason,
    /// The limit that stops it, where one does.
    pub limit: Option<LimitId>,
}

/// A rule that stops a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// It is refused on arrival; the reason says why.
    Refused,
    /// The provider throttles or asked to wait.
    Cooldown,
    /// The clock was wrong during the window.
    Clock,
    /// The team, or one above it, is at its cap.
    Cap,
    /// The store cannot be reached.
    Store,
    /// A window is not open: it is at its edge, and the priority may have no edge permits.
    Edge,
    /// A window is at its edge, and the next one would not grant an edge permit when it opens.
    NextWindow,
    /// Too little of a window is left.
    Budget,
    /// Enough is left, but it is kept for others.
    Kept,
    /// Earlier requests of the same caller and priority come first.
    CallerQueue,
    /// It is the turn of other teams or callers.
    Turn,
}

/// The window of one limit, as one request sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitRoom {
    /// The limit.
    pub id: LimitId,
    /// The budget of the window in force.
    pub budget: Permits,
    /// Permits of it that may still be granted.
    pub left: Permits,
    /// Kept for external use that is expected in the rest of the window. Not part of `left`.
    pub external_use: Permits,
    /// Parts of `left` that are kept for others. In the first moment of a window a floor may draw on them.
    pub kept: Vec<KeptPermits>,
    /// Whether ordinary grants are made now.
    pub is_open: bool,
    /// When it closes for ordinary grants.
    pub closes: Timestamp,
    /// When the next window opens.
    pub next_opens: Timestamp,
}

/// Permits that are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptPermits {
    /// For what.
    pub purpose: Purpose,
    /// How many.
    pub permits: u64,
}

/// What permits are kept for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The holdback of a more urgent priority.
    Holdback(Priority),
    /// The expected demand of a team in a priority.
    ExpectedDemand(TeamId, Priority),
    /// The floors of less urgent priorities that wait.
    Floors,
    /// Protected reservations of teams that do not wait.
    Reservations,
}

/// A team of the path of a request, in the window of the primary limit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TeamRoom {
    /// The team.
    pub id: TeamId,
    /// Permits granted in this window, what is part of it included, less what came back.
    pub granted: Permits,
    /// The most that it may be granted in a window.
    pub cap: Option<Permits>,
    /// What is left under that cap, in the next window too where one is at its edge.
    pub room: Option<Permits>,
    /// Permits that it reserves in a window.
    pub reservation: Permits,
    /// Whether it was granted less than that, scaled to the budget: then it is served first.
    pub is_owed: bool,
}

/// What waits when a request comes, itself not counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WaitingAhead {
    /// Requests that wait in the workspace.
    pub requests: u64,
    /// Permits for which they wait.
    pub permits: u64,
    /// Permits for which requests of its own team and priority wait.
    pub permits_of_team: u64,
}
