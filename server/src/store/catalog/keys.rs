//! Under which key each document is stored.

/// What the keys of workspaces start with.
pub(super) const WORKSPACES: &str = "workspace/";
/// What the keys of tokens start with.
pub(super) const TOKENS: &str = "token/";
/// What the keys of teams start with.
pub(super) const TEAMS: &str = "team/";
/// What the keys of audit entries start with.
pub(crate) const AUDIT_PREFIX: &str = "audit/";
/// Which audit entries there are.
pub(super) const AUDIT_SPAN: &str = "audit-span";
/// Is in the store once a credential was required: tokens may go, and nobody comes in without one all the same.
pub(super) const CLOSED: &str = "closed";

/// The key of the workspace with this id.
pub fn workspace_key(workspace: &str) -> String {
    format!("{WORKSPACES}{workspace}")
}

/// The key of a team, by the ids of its workspace and its own.
pub fn team_key(workspace: &str, team: &str) -> String {
    format!("{TEAMS}{workspace}/{team}")
}

/// The key of the token with this id.
pub fn token_key(token: &str) -> String {
    format!("{TOKENS}{token}")
}

/// The key of the audit entry with this number.
pub(super) fn audit_key(number: u64) -> String {
    format!("{AUDIT_PREFIX}{number:020}")
}
