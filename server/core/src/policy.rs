//! What a workspace is configured to do: its limits, its teams, and the shares of its priorities.
//!
//! A [`Policy`] is checked once, by [`Policy::check`]; behind it every value is valid. It knows nothing of what was granted.

mod promised;

pub use promised::Promised;

use crate::ids::{LimitId, TeamId};
use crate::permits::Permits;
use crate::priority::{PerPriority, Priority};
use crate::time::{Span, Timestamp};
use std::collections::BTreeMap;
use thiserror::Error;

/// Most limits of one workspace.
pub const LIMITS_MAX: usize = 8;
/// Most teams of one workspace.
pub const TEAMS_MAX: usize = 1024;
/// Deepest nesting of teams.
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
    /// Where windows start: k·window + phase since the Unix epoch. Below `window`.
    pub phase: Span,
    /// When its windows open and close for grants.
    pub margins: Margins,
}

/// Who competes for the budget.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TeamPolicy {
    /// Its name.
    pub id: TeamId,
    /// The team that it is part of, if any. Only teams without parts of their own have callers.
    pub parent: Option<TeamId>,
    /// How much of a contended budget it gets, from 1 to [`WEIGHT_MAX`].
    pub weight: u32,
    /// Permits a window that it is sure of while it asks for them.
    pub reservation: Permits,
    /// Permits a window that it never exceeds; none: no cap. 0 pauses the team.
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
    /// those) is the scheduler's own.
    pub limits: Vec<LimitPolicy>,
    /// The teams, in order of definition; a parent may come after its parts.
    pub teams: Vec<TeamPolicy>,
    /// The share of each window held back for late requests of a priority against all lower ones.
    pub holdback: PerPriority<Share>,
    /// The least share of each window for a priority while it has a backlog.
    pub floors: PerPriority<Share>,
    /// The largest request; none: an eighth of the smallest budget, at least 1.
    pub largest_lease: Option<Permits>,
    /// The priorities that may be granted edge permits out of whatever the next window has left.
    pub edge: PerPriority<bool>,
    /// Whether every priority may be granted an edge permit that the next window would grant it at its opening.
    pub spare_edge: bool,
    /// For how many windows the use by others that was seen is kept from the next ones. 0: not at all.
    pub others_memory: u32,
    /// When the workspace was made. What the provider taught about an earlier one of the same name is not known of this one.
    pub created_at: Timestamp,
}

/// Why a policy is refused. Every variant names the field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// No limit.
    #[error("limits: a workspace needs at least one limit")]
    NoLimit,
    /// Too many of something.
    #[error("{field}: {count} are too many, at most {most}")]
    TooMany {
        /// Which list.
        field: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// The same name twice.
    #[error("{field}: the id {id:?} stands twice")]
    Duplicate {
        /// Which list.
        field: &'static str,
        /// The name.
        id: String,
    },
    /// A value outside its range.
    #[error("{field} of {id:?}: {value} is out of range, {rule}")]
    Range {
        /// Which field.
        field: &'static str,
        /// Of whom.
        id: String,
        /// What it was.
        value: u64,
        /// What it may be.
        rule: &'static str,
    },
    /// A window too short for its margins.
    #[error("window of {id:?}: a window must be at least three guards long; set a smaller guard")]
    WindowShorterThanGuards {
        /// The limit.
        id: LimitId,
    },
    /// A guard that does not hold what must pass before a window's end.
    #[error(
        "guard of {id:?}: {} ns are too short; the clock error and the life of a lease take {} ns of it",
        guard.as_ns(),
        needed.as_ns()
    )]
    GuardTooShort {
        /// The limit.
        id: LimitId,
        /// How long it is.
        guard: Span,
        /// How long it must be at the least.
        needed: Span,
    },
    /// A parent that is no team.
    #[error("parent of {id:?}: there is no team {parent:?}")]
    NoSuchParent {
        /// The team.
        id: TeamId,
        /// The parent it names.
        parent: TeamId,
    },
    /// Teams that are part of themselves.
    #[error("parent of {id:?}: the team is part of itself")]
    Cycle {
        /// One of the teams.
        id: TeamId,
    },
    /// Teams nested too deep.
    #[error("parent of {id:?}: teams are nested at most {DEPTH_MAX} deep")]
    TooDeep {
        /// The team.
        id: TeamId,
    },
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
            others_memory: 0,
            created_at: Timestamp::ZERO,
        }
    }

    /// Holds every rule of this page against the policy.
    ///
    /// # Errors
    /// The first rule that does not hold, naming the field.
    pub fn check(&self) -> Result<(), PolicyError> {
        self.check_limits()?;
        self.check_teams()?;
        match self.largest_lease {
            Some(Permits::ZERO) => {
                Err(range("largest_lease", "workspace", 0, "a lease has at least one permit"))
            }
            _ => Ok(()),
        }
    }

    fn check_limits(&self) -> Result<(), PolicyError> {
        if self.limits.is_empty() {
            return Err(PolicyError::NoLimit);
        }
        at_most("limits", self.limits.len(), LIMITS_MAX)?;
        unique("limits", self.limits.iter().map(|limit| limit.id.as_str()))?;
        for LimitPolicy { id, permits, window, phase, margins } in &self.limits {
            if permits.is_zero() {
                return Err(range("permits", id.as_str(), 0, "a limit has at least one permit"));
            }
            if *window == Span::ZERO || *window > WINDOW_MAX {
                return Err(range("window", id.as_str(), window.as_ns(), "from 1 ns to 366 days"));
            }
            if phase >= window {
                return Err(range("phase", id.as_str(), phase.as_ns(), "a phase is shorter than the window"));
            }
            let guard = margins.guard;
            // A clock that is behind grants so much later, and what it granted lives so long.
            let needed = margins.start + margins.life;
            if needed > guard {
                return Err(PolicyError::GuardTooShort { id: id.clone(), guard, needed });
            }
            if guard.as_ns().saturating_mul(3) > window.as_ns() {
                return Err(PolicyError::WindowShorterThanGuards { id: id.clone() });
            }
        }
        Ok(())
    }

    fn check_teams(&self) -> Result<(), PolicyError> {
        at_most("teams", self.teams.len(), TEAMS_MAX)?;
        unique("teams", self.teams.iter().map(|team| team.id.as_str()))?;
        let parents: BTreeMap<_, _> =
            self.teams.iter().map(|team| (&team.id, team.parent.as_ref())).collect();
        for TeamPolicy { id, parent, weight, .. } in &self.teams {
            if !(1..=WEIGHT_MAX).contains(weight) {
                return Err(range("weight", id.as_str(), u64::from(*weight), "from 1 to 10000"));
            }
            let (mut depth, mut above) = (1, parent.as_ref());
            while let Some(parent) = above {
                depth += 1;
                if parent == id {
                    return Err(PolicyError::Cycle { id: id.clone() });
                }
                if depth > self.teams.len() {
                    break; // into a cycle above: the teams of the cycle say so
                }
                above = *parents
                    .get(parent)
                    .ok_or_else(|| PolicyError::NoSuchParent { id: id.clone(), parent: parent.clone() })?;
            }
            if depth > DEPTH_MAX && above.is_none() {
                return Err(PolicyError::TooDeep { id: id.clone() });
            }
        }
        Ok(())
    }

    /// The place in `limits` of the scheduler's own limit: the shortest window, the first of those.
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

fn range(field: &'static str, id: &str, value: u64, rule: &'static str) -> PolicyError {
    PolicyError::Range { field, id: id.into(), value, rule }
}

fn at_most(field: &'static str, count: usize, most: usize) -> Result<(), PolicyError> {
    if count > most { Err(PolicyError::TooMany { field, count, most }) } else { Ok(()) }
}

fn unique<'a>(field: &'static str, ids: impl Iterator<Item = &'a str>) -> Result<(), PolicyError> {
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(PolicyError::Duplicate { field, id: id.into() });
        }
    }
    Ok(())
}
