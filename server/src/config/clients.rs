//! Client certificates: the CA, and the roles of the names in them.

use super::error::ConfigError;
use super::file::{ClientEntry, ClientRole};
use super::settings::Clients;
use crate::service::authorize::{Role, SCOPES_MAX, Scope};
use crate::service::certificates::{Binding, key};
use apportion_core::ids::{TeamId, WorkspaceId};
use std::collections::HashSet;
use std::path::PathBuf;

/// Most names that are bound to a role.
const CLIENTS_MAX: usize = 10_000;
/// The longest name, in bytes.
const SAN_LONGEST: usize = 1_024;

/// The settings of client certificates; none where they are not requested.
pub(super) fn clients(
    ca: Option<PathBuf>,
    optional: Option<bool>,
    named: &[ClientEntry],
) -> Result<Option<Clients>, ConfigError> {
    let Some(ca) = ca else {
        return match (optional, named) {
            (_, [_, ..]) => Err(ConfigError::NoClientCa("client")),
            (Some(true), _) => Err(ConfigError::NoClientCa("client_optional")),
            (_, []) => Ok(None),
        };
    };
    if named.len() > CLIENTS_MAX {
        return Err(ConfigError::TooManyClients { count: named.len(), most: CLIENTS_MAX });
    }
    let mut seen = HashSet::new();
    let bindings = named.iter().map(|client| {
        let is_new = seen.insert(key(&client.san));
        let bound = if is_new { binding(client) } else { Err("it is bound twice".into()) };
        bound.map_err(|why| ConfigError::Client { san: client.san.clone(), why })
    });
    Ok(Some(Clients {
        ca,
        optional: optional.unwrap_or(false),
        bindings: bindings.collect::<Result<_, _>>()?,
    }))
}

fn binding(client: &ClientEntry) -> Result<Binding, String> {
    let san = &client.san;
    if san.is_empty() || san.len() > SAN_LONGEST || !san.chars().all(|c| c.is_ascii_graphic()) {
        return Err(format!("san: a DNS name or URI of 1 to {SAN_LONGEST} printable characters"));
    }
    if san.contains('*') && !san.contains(':') {
        return Err("san: no patterns; name each client".into());
    }
    let (role, least, most) = match client.role {
        ClientRole::Client => (Role::Client, 1, SCOPES_MAX),
        ClientRole::Observer => (Role::Observer, 1, SCOPES_MAX),
        ClientRole::Admin => (Role::Admin, 0, 0),
    };
    match client.scopes.len() {
        0 if least > 0 => return Err("scopes: at least one, such as \"WORKSPACE/TEAM\"".into()),
        count if count > most && most == 0 => return Err("scopes: an admin has none".into()),
        count if count > most => return Err(format!("scopes: at most {most}")),
        _ => {}
    }
    let scopes = client.scopes.iter().map(|text| scope(text)).collect::<Result<_, _>>()?;
    Ok(Binding { san: san.clone(), role, scopes })
}

/// Reads WORKSPACE or WORKSPACE/TEAM, where the workspace may be `*`.
fn scope(text: &str) -> Result<Scope, String> {
    let (workspace, team) = match text.split_once('/') {
        Some((workspace, team)) => (workspace, Some(team)),
        None => (text, None),
    };
    let wrong = |_| format!("scopes: {text:?} is not WORKSPACE or WORKSPACE/TEAM");
    let workspace = if workspace == "*" { None } else { Some(WorkspaceId::new(workspace).map_err(wrong)?) };
    let team = team.map(|team| TeamId::new(team).map_err(wrong)).transpose()?;
    Ok(Scope { workspace, team })
}
