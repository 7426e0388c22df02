//! Under which key each document is stored.

/// What the keys of workspaces start with.
pub(crate) const WORKSPACES: &str = "workspace/";
/// What the keys of tokens start with.
pub(super) const TOKENS: &str = "token/";
/// What the keys of domains start with.
pub(super) const DOMAINS: &str = "domain/";
/// What the keys of teams start with.
pub(crate) const TEAMS: &str = "team/";
/// What the keys of the revisions of policies start with.
const POLICIES: &str = "policies/";
/// What the keys of drains and pins start with: where the shards of a cluster are to go.
pub(crate) const PLACEMENT: &str = "placement/";
/// What the keys of drains start with.
pub(super) const DRAINS: &str = "placement/drains/";
/// What the keys of pins start with.
pub(super) const PINS: &str = "placement/pins/";
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

/// The key of the revision of a workspace's policy: every change of the workspace or of one of its teams compares it and writes it
/// anew, and so does every booking compare it. Two changes that were checked apart never stand together.
pub fn policy_key(workspace: &str) -> String {
    format!("{POLICIES}{workspace}")
}

/// The workspace to whose policy the document under this key belongs.
pub fn policy_of(key: &str) -> Option<&str> {
    let of_team = || key.strip_prefix(TEAMS)?.split_once('/').map(|(workspace, _)| workspace);
    key.strip_prefix(WORKSPACES).or_else(of_team)
}

/// The key of a team, by the ids of its workspace and its own.
pub fn team_key(workspace: &str, team: &str) -> String {
    format!("{TEAMS}{workspace}/{team}")
}

/// The key of the token with this id.
pub fn token_key(token: &str) -> String {
    format!("{TOKENS}{token}")
}

/// The key of the drain of a node: it is there while the node drains.
pub fn drain_key(node: &str) -> String {
    format!("{DRAINS}{node}")
}

/// The key of the pin of a shard.
pub fn pin_key(shard: u16) -> String {
    format!("{PINS}{shard}")
}

/// The key of the domain with this id.
pub fn domain_key(domain: &str) -> String {
    format!("{DOMAINS}{domain}")
}

/// The key of the audit entry with this number.
pub(super) fn audit_key(number: u64) -> String {
    format!("{AUDIT_PREFIX}{number:020}")
}
