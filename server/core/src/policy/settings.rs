//! The settings of a workspace, its limits and its teams.

use crate::ids::{LimitId, TeamId};
use crate::permits::Permits;
use crate::priority::{PerPriority, Priority};
use crate::time::{Span, Timestamp};

/// The most limits of one workspace.
pub const LIMITS_MAX: usize = 8;
/// The most teams of one workspace.
pub const TEAMS_MAX: usize = 1024;
/// The deepest nesting of teams.
pub const DEPTH_MAX: usize = 4;
/// Largest weight: truncation of tags is far below a permit up to here.
pub const WEIGHT_MAX: u32 = 10_000;
/// Longest window of a limit: 366 days.
pub const WINDOW_MAX: Span = Span::from_secs(366 * 86_400);

/// Billionths in a whole: of a share, and of a permit where shares are added up.
pub(crate) const BILLION: u64 = 1_000_000_000;

/// A share of a budget, in billionths, from nothing to all of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Share(u32);

impl Share {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All of it, in billionths.
    pub const WHOLE: u32 = 1_000_000_000;

    /// A share of `billionths`, or nothing where that is more than the whole.
    pub const fn from_billionths(billionths: u32) -> Option<Self> {
        if billionths <= Self::WHOLE { Some(Self(billionths)) } else { None }
    }

    /// A share of `percent` hundredths; the whole where that is more.
    pub const fn from_percent(percent: u32) -> Self {
        Self(if percent > 100 { Self::WHOLE } else { percent * 10_000_000 })
    }

    /// In billionths.
    pub const fn billionths(self) -> u32 {
        self.0
    }

    /// This share of `permits`, exact, in billionths of a permit.
    pub const fn of(self, permits: Permits) -> u64 {
        self.0 as u64 * permits.get() as u64
    }
}

/// When a window of a limit opens and closes for grants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Margins {
    /// After a window's start no permit is granted for so long: the clock error ε.
    pub start: Span,
    /// Before a window's end no permit is granted for so long: clock error, the time from a client's last
    /// check to the provider's count, and the least useful life of a lease, added up.
    pub guard: Span,
    /// The part of the guard in which a lease is still alive: the least useful life.
    pub life: Span,
}

impl Margins {
    /// ε 100 ms, 500 ms from check to count, 250 ms of life.
    pub const DEFAULT: Self =
        Self { start: Span::from_ms(100), guard: Span::from_ms(850), life: Span::from_ms(250) };
}

/// One rule of the provider: so many permits in each window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitPolicy {
    /// Its name.
    pub id: LimitId,
    /// The budget of one window.
    pub permits: Permits,
    /// The length of a window.
    pub window: Span,
    /// Where windows start: at k·window + phase in Unix time. Below `window`.
    pub phase: Span,
    /// When its windows open and close for grants.
    pub margins: Margins,
}

/// A team, which competes for the budget.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TeamPolicy {
    /// Its name.
    pub id: TeamId,
    /// The team that it is part of, if any. Only teams without parts of their own have callers.
    pub parent: Option<TeamId>,
    /// How much of a contended budget it gets, from 1 to [`WEIGHT_MAX`].
    pub weight: u32,
    /// Permits a window that it is guaranteed while it asks for them.
    pub reservation: Permits,
    /// Permits per window that it never exceeds; `None` sets no cap, and 0 pauses the team.
    pub cap: Option<Permits>,
    /// Whether its reservation is also kept while it does not ask.
    pub protected: bool,
    /// The priority of a request that names none.
    pub priority: Priority,
    /// The most urgent priority its requests are served at. The lowest one along the path counts.
    pub highest_priority: Priority,
}

impl TeamPolicy {
    /// A team with every default: weight 1, no reservation, no cap, DEFAULT.
    pub fn new(id: TeamId) -> Self {
        Self {
            id,
            parent: None,
            weight: 1,
            reservation: Permits::ZERO,
            cap: None,
            protected: false,
            priority: Priority::Default,
            highest_priority: Priority::Default,
        }
    }
}

/// Everything that is configured for one workspace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// The provider's limits; a request is charged to all of them. The one with the shortest window (the first of
    /// those) is the primary one.
    pub limits: Vec<LimitPolicy>,
    /// The teams, in order of definition; a parent may come after its parts.
    pub teams: Vec<TeamPolicy>,
    /// The share of each window held back for late requests of a priority against all lower ones.
    pub holdback: PerPriority<Share>,
    /// The least share of each window for a priority while it has a backlog.
    pub floors: PerPriority<Share>,
    /// The largest lease; `None` is an eighth of the smallest budget, at least 1.
    pub largest_lease: Option<Permits>,
    /// The priorities that may be granted edge permits out of whatever the next window has left.
    pub edge: PerPriority<bool>,
    /// Whether every priority may be granted an edge permit that the next window would grant it at its opening.
    pub spare_edge: bool,
    /// For how many windows observed external use is held back from the next ones. 0: not at all.
    pub external_use_memory: u32,
    /// When the workspace was created. What was learned of an earlier one of the same name does not apply to it.
    pub created_at: Timestamp,
}

impl Policy {
    /// A policy of one limit and the given teams, with no holdback, no floors and no edge permits.
    pub fn plain(limit: LimitPolicy, teams: Vec<TeamPolicy>) -> Self {
        Self {
            limits: vec![limit],
            teams,
            holdback: PerPriority::default(),
            floors: PerPriority::default(),
            largest_lease: None,
            edge: PerPriority::default(),
            spare_edge: false,
            external_use_memory: 0,
            created_at: Timestamp::ZERO,
        }
    }

    /// The place in `limits` of the primary limit: the one with the shortest window, the first of those.
    pub fn primary_limit(&self) -> usize {
        (0..self.limits.len()).min_by_key(|&place| self.limits[place].window).unwrap_or(0)
    }

    /// Whether requests of a priority may be granted edge permits at all.
    pub fn has_edges(&self, c: Priority) -> bool {
        self.spare_edge || self.edge[c]
    }

    /// The largest request there may be, in permits, as far as policy goes.
    pub fn largest(&self) -> Permits {
        self.largest_lease.unwrap_or_else(|| {
            let least = self.limits.iter().map(|limit| limit.permits).min().unwrap_or_default();
            Permits::clamped(u64::from((least.get() / 8).max(1)))
        })
    }
}
