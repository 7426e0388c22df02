//! What is wrong with a scenario: one field, one rule.

use apportion_core::policy::{Policy, PolicyError};
use thiserror::Error;

/// Why a scenario cannot be played or drawn.
#[derive(Debug, Error)]
pub enum SimulateError {
    /// A scenario file that breaks a rule.
    #[error("{file}: {fault}")]
    Scenario {
        /// The file.
        file: String,
        /// What is wrong in it.
        fault: Fault,
    },
    /// A file that cannot be read or written.
    #[error("{file}: {source}")]
    File {
        /// The file.
        file: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// An event that makes a policy which breaks a rule.
    #[error("{file}: events: {source}")]
    Policy {
        /// The scenario.
        file: String,
        /// The rule.
        source: apportion_core::policy::PolicyError,
    },
    /// A picture that cannot be drawn.
    #[error("{0}")]
    Plot(String),
}

/// A field of a scenario file and the rule that it breaks.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{}{}{rule}", .field, if .field.is_empty() { "" } else { ": " })]
pub struct Fault {
    /// The path of the field, such as `workspace.teams[3].weight`; empty for the file as a whole.
    pub field: String,
    /// The rule.
    pub rule: String,
}

/// A value, or the field that is wrong.
pub(crate) type Checked<T> = Result<T, Fault>;

impl Fault {
    /// The fault of `field` to break `rule`.
    pub(crate) fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into() }
    }

    /// The field of the file for an error of the policy. `base` is the path of the policy.
    pub(crate) fn of_policy(base: &str, policy: &Policy, error: &PolicyError) -> Self {
        let team = |id: &str| policy.teams.iter().rposition(|team| team.id.as_str() == id).unwrap_or(0);
        let limit = |id: &str| policy.limits.iter().rposition(|limit| limit.id.as_str() == id);
        let of_limit = |id: &str, key: &str| match limit(id) {
            Some(place) if id != "main" => format!("{base}.limits[{place}].{key}"),
            _ => format!("{base}.{key}"),
        };
        let field = match error {
            PolicyError::NoLimit => format!("{base}.limits"),
            PolicyError::TooManyTeams { .. } => format!("{base}.teams"),
            PolicyError::TooMany { field, .. } => format!("{base}.{field}"),
            PolicyError::Duplicate { field: "teams", id } => format!("{base}.teams[{}].id", team(id)),
            PolicyError::Duplicate { field: "limits", id } => of_limit(id, "id"),
            PolicyError::Duplicate { field, .. } => format!("{base}.{field}"),
            PolicyError::TeamRange { field, id, .. } => format!("{base}.teams[{}].{field}", team(id)),
            PolicyError::Range { field: "permits", id, .. } => of_limit(id, "budget"),
            PolicyError::Range { field: "window", id, .. } => of_limit(id, "window_s"),
            PolicyError::Range { field: "phase", id, .. } => of_limit(id, "phase_s"),
            PolicyError::Range { field: "largest_lease", .. } => format!("{base}.lease_max"),
            PolicyError::Range { field, .. } => format!("{base}.{field}"),
            PolicyError::WindowShorterThanGuards { id } | PolicyError::GuardTooShort { id, .. } => {
                of_limit(id.as_str(), "guard_s")
            }
            PolicyError::NoSuchParent { id, .. }
            | PolicyError::Cycle { id }
            | PolicyError::TooDeep { id } => format!("{base}.teams[{}].parent", team(id.as_str())),
        };
        Self::new(field, error.to_string())
    }
}
