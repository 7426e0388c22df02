//! The rules that a policy must keep.

use super::settings::{
    DEPTH_MAX, LIMITS_MAX, LimitPolicy, Policy, TEAMS_MAX, TeamPolicy, WEIGHT_MAX, WINDOW_MAX,
};
use crate::ids::{LimitId, TeamId};
use crate::permits::Permits;
use crate::time::Span;
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a policy is refused. Every variant names the field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// No limit.
    #[error("limits: a workspace needs at least one limit")]
    NoLimit,
    /// Too many of something.
    #[error("{field}: at most {most} are allowed, got {count}")]
    TooMany {
        /// The list.
        field: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// Too many teams.
    #[error("teams: at most {most} are allowed, got {count}")]
    TooManyTeams {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// The same name twice.
    #[error("{field}: the id {id:?} occurs twice")]
    Duplicate {
        /// The list.
        field: &'static str,
        /// The name.
        id: String,
    },
    /// A value of the workspace or of a limit outside its range.
    #[error("{field} of {id:?}: {value} is out of range, {rule}")]
    Range {
        /// The field.
        field: &'static str,
        /// The id of the limit.
        id: String,
        /// The value.
        value: u64,
        /// The allowed range.
        rule: &'static str,
    },
    /// A value of a team outside its range.
    #[error("{field} of {id:?}: {value} is out of range, {rule}")]
    TeamRange {
        /// The field.
        field: &'static str,
        /// The id of the team.
        id: String,
        /// The value.
        value: u64,
        /// The allowed range.
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
        "guard of {id:?}: must be at least start_margin + lease_life ({}), got {}",
        shown(*needed),
        shown(*guard)
    )]
    GuardTooShort {
        /// The limit.
        id: LimitId,
        /// How long it is.
        guard: Span,
        /// The least length allowed.
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
    /// Checks every rule of this file.
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
            // A clock that is behind grants that much later, and a lease lives that long.
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
        let count = self.teams.len();
        if count > TEAMS_MAX {
            return Err(PolicyError::TooManyTeams { count, most: TEAMS_MAX });
        }
        unique("teams", self.teams.iter().map(|team| team.id.as_str()))?;
        let parents: BTreeMap<_, _> =
            self.teams.iter().map(|team| (&team.id, team.parent.as_ref())).collect();
        for TeamPolicy { id, parent, weight, .. } in &self.teams {
            if !(1..=WEIGHT_MAX).contains(weight) {
                return Err(PolicyError::TeamRange {
                    field: "weight",
                    id: id.to_string(),
                    value: u64::from(*weight),
                    rule: "from 1 to 10000",
                });
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
}

/// A span with its unit: milliseconds if it is a whole number of them.
fn shown(span: Span) -> String {
    match (span.as_ns() / 1_000_000, span.as_ns() % 1_000_000) {
        (ms, 0) => format!("{ms}ms"),
        _ => format!("{}ns", span.as_ns()),
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
