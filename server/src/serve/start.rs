//! What is read out of the store when the server starts, and what the first start puts into it.

use super::ServeError;
use crate::config::ServerLimits;
use crate::convert::lease::DEFAULT_NAME;
use crate::convert::names;
use crate::convert::team::team_policies;
use crate::convert::time::timestamp;
use crate::convert::workspace::policy;
use crate::engine::{Settings, Versioned};
use crate::preset;
use crate::service::gate;
use crate::store::catalog::{Catalog, CatalogChange, Document, KeptToken, Stored, team_key, workspace_key};
use apportion_core::bounds::Bounds;
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::Horizon;
use apportion_core::policy::Policy;
use apportion_core::time::Timestamp;
use apportion_proto::v1;
use std::time::SystemTime;

/// Who changed what the first start made.
const SERVER: &str = "server";
/// The name of whoever holds the token of the environment.
const ADMIN: &str = "tokens/environment";

/// The engine of a server that is alone with its store.
pub(super) fn engine_settings(shards: u16, limits: &ServerLimits) -> Settings {
    let node = NodeId::new("embedded").unwrap_or_else(|_| unreachable!("it is a name"));
    let bounds = Bounds { callers_per_team: limits.callers_per_team, ..Bounds::DEFAULT };
    Settings { node, horizon: Horizon::DEFAULT, bounds, shards }
}

/// The first start makes the workspace `default`, so that a first call needs no set-up. It is made once: whoever deletes
/// it does not find it again.
pub(super) fn first(catalog: &Catalog) -> Result<(), ServeError> {
    if !catalog.audit(None, 1)?.is_empty() || catalog.workspace(DEFAULT_NAME)?.is_some() {
        return Ok(());
    }
    let now = now();
    let workspace = v1::Workspace {
        name: format!("workspaces/{DEFAULT_NAME}"),
        create_time: Some(now),
        update_time: Some(now),
        ..preset::intercom()
    };
    let team =
        v1::Team { create_time: Some(now), update_time: Some(now), ..preset::default_team(DEFAULT_NAME) };
    let entry = v1::AuditEntry {
        actor: SERVER.into(),
        method: "CreateWorkspace".into(),
        resource: workspace.name.clone(),
        time: Some(now),
        ..v1::AuditEntry::default()
    };
    let (id, of) = (DEFAULT_NAME.to_owned(), DEFAULT_NAME.to_owned());
    catalog.apply(&CatalogChange {
        expect: vec![(workspace_key(&id), None), (team_key(&id, &id), None)],
        puts: vec![
            Document::Workspace { workspace: id.clone(), value: workspace },
            Document::Team { workspace: id, team: of, value: team },
        ],
        deletes: Vec::new(),
        entry,
    })?;
    Ok(())
}

fn now() -> prost_types::Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    timestamp(Timestamp::from_ns(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
}

/// Every workspace with its policy.
pub(super) fn workspaces(catalog: &Catalog) -> Result<Vec<(WorkspaceId, Versioned)>, ServeError> {
    let mut read = Vec::new();
    catalog.load(|workspace, teams| read.push(versioned(&workspace, &teams)))?;
    read.into_iter().collect()
}

fn versioned(
    workspace: &Stored<v1::Workspace>,
    teams: &[Stored<v1::Team>],
) -> Result<(WorkspaceId, Versioned), ServeError> {
    let stored = |why: String| ServeError::Stored { workspace: workspace.value.name.clone(), why };
    let id = names::workspace("name", &workspace.value.name).map_err(|error| stored(error.to_string()))?;
    let teams = team_policies(&id, teams.iter().map(|team| &team.value));
    let policy: Result<Policy, _> = teams.and_then(|teams| policy(&workspace.value, teams));
    let policy = policy.map_err(|error| stored(error.to_string()))?;
    policy.check().map_err(|error| stored(error.to_string()))?;
    Ok((id, Versioned { policy, version: workspace.version }))
}

/// Every token.
pub(super) fn tokens(catalog: &Catalog) -> Result<Vec<KeptToken>, ServeError> {
    let mut tokens = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = catalog.tokens(after.as_deref(), usize::MAX)?;
        let Some(last) = page.last() else { return Ok(tokens) };
        after = last.value.token.name.strip_prefix("tokens/").map(str::to_owned);
        tokens.extend(page.into_iter().map(|stored| stored.value));
    }
}

/// The administrator whose secret stands in the environment.
pub(super) fn admin(secret: &str) -> KeptToken {
    let token = v1::Token { name: ADMIN.into(), role: v1::Role::Admin.into(), ..v1::Token::default() };
    KeptToken { token, secret_sha256: gate::hash(secret) }
}
