//! Starts the engine on a store. The first start creates the workspace `default`.

use super::error::ServeError;
use crate::clock::{Clock, Source};
use crate::config::{Settings, check_exposure};
use crate::convert::lease::DEFAULT_NAME;
use crate::convert::time::timestamp;
use crate::engine::{Engine, EngineSettings, Serving, Versioned};
use crate::preset;
use crate::service::admin::{Policies, usable_policy};
use crate::service::certificates::Bindings;
use crate::service::gate::{self, ENVIRONMENT_TOKEN, Gate};
use crate::store::catalog::{
    Catalog, CatalogChange, CatalogError, Document, KeptToken, policy_key, team_key, workspace_key,
};
use crate::store::{OpenedStore, StoreVersion};
use apportion_core::bounds::Bounds;
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::Horizon;
use apportion_core::time::Timestamp;
use apportion_proto::v1;
use std::sync::Arc;
use std::time::SystemTime;

/// The actor of what the first start creates.
const SERVER: &str = "server";

/// What the services of a server need.
pub(super) struct Opened {
    pub(super) store: OpenedStore,
    pub(super) engine: Arc<Engine>,
    pub(super) gate: Arc<Gate>,
    pub(super) policies: Arc<Policies>,
}

/// Starts the engine with the workspaces of a store.
pub(super) fn open(
    clocks: Box<dyn Source>,
    settings: &Settings,
    opened: OpenedStore,
) -> Result<Opened, ServeError> {
    let catalog = Catalog::new(Arc::clone(&opened.store), settings.audit_entries.into());
    initialize(&catalog)?;
    let tokens = catalog.all_tokens()?;
    if settings.admin_token.is_some() {
        catalog.close()?;
    }
    let is_closed = !tokens.is_empty() || catalog.is_closed()?;
    check_exposure(settings, is_closed)?;
    let clients = settings.tls.as_ref().and_then(|tls| tls.clients.as_ref());
    let gate = clients.map_or_else(Gate::open, |clients| Gate::certified(Bindings::new(&clients.bindings)));
    let gate = Arc::new(gate);
    if is_closed {
        gate.close();
    }
    tokens.iter().for_each(|token| gate.admit(token));
    if let Some(secret) = &settings.admin_token {
        gate.admit(&admin(secret.expose()));
    }
    let clock = Arc::new(Clock::new(clocks, Horizon::DEFAULT.clock_error));
    if gate.is_closed() && !gate.has_administrator() {
        tracing::warn!(
            "no credential of an administrator is known that does not end: set APPORTION_ADMIN_TOKEN, and make a token with it"
        );
    }
    let Kept { served, signals, unusable } = workspaces(&catalog)?;
    let engine_settings = engine_settings(opened.shards, settings);
    let engine = Arc::new(Engine::start(engine_settings, clock, Arc::clone(&opened.store), served)?);
    signals.iter().for_each(|(id, version)| engine.set_signals_version(id, *version));
    unusable.iter().for_each(|(id, why, version)| engine.close_unusable(id, why, *version));
    let policies =
        Policies::open(catalog, Arc::clone(&engine), Arc::clone(&gate), settings.limits.workspaces);
    policies.resolve_doubts_of_domains();
    Ok(Opened { store: opened, engine, gate, policies })
}

/// The settings of the engine: a server that alone uses its store serves everything, a node of a cluster what it claims.
fn engine_settings(shards: u16, settings: &Settings) -> EngineSettings {
    let (node, serving) = match &settings.cluster {
        Some(cluster) => (cluster.node.clone(), Serving::Claimed),
        None => {
            let node = NodeId::new("embedded").unwrap_or_else(|_| unreachable!("it is a name"));
            (node, Serving::Everything)
        }
    };
    let bounds = Bounds { callers_per_team: settings.limits.callers_per_team, ..Bounds::DEFAULT };
    EngineSettings { node, horizon: Horizon::DEFAULT, bounds, shards, serving }
}

/// Creates the workspace `default` on the first start, so that a first call needs no set-up. Once it is deleted, it stays deleted.
fn initialize(catalog: &Catalog) -> Result<(), ServeError> {
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
    let created = catalog.apply(&CatalogChange {
        expect: vec![(policy_key(&id), None), (workspace_key(&id), None), (team_key(&id, &id), None)],
        puts: vec![
            Document::Workspace { workspace: id.clone(), value: workspace },
            Document::Team { workspace: id, team: of, value: team },
        ],
        deletes: Vec::new(),
        entry,
    });
    match created {
        // Another node of the cluster was first.
        Ok(_) | Err(CatalogError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn now() -> prost_types::Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    timestamp(Timestamp::from_ns(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
}

/// The workspaces of a store.
#[derive(Default)]
struct Kept {
    /// Those that can be served.
    served: Vec<(WorkspaceId, Versioned)>,
    /// The version of the signals of each.
    signals: Vec<(WorkspaceId, u32)>,
    /// Those that cannot, with what is wrong, and the revision of the policy.
    unusable: Vec<(WorkspaceId, String, StoreVersion)>,
}

/// Every workspace. One that cannot be used keeps no other one from being served.
fn workspaces(catalog: &Catalog) -> Result<Kept, ServeError> {
    let mut all = Kept::default();
    catalog.load(|id, kept| {
        let Ok(id) = WorkspaceId::new(id) else {
            return tracing::error!(id, "no workspace can have this id: its documents are left alone");
        };
        let version = kept.revision;
        match usable_policy(&id, &kept) {
            Ok((policy, signals)) => {
                all.signals.push((id.clone(), signals));
                all.served.push((id, Versioned { policy, version }));
            }
            Err(why) => all.unusable.push((id, why, version)),
        }
    })?;
    Ok(all)
}

/// The administrator whose secret is in the environment.
fn admin(secret: &str) -> KeptToken {
    let token =
        v1::Token { name: ENVIRONMENT_TOKEN.into(), role: v1::Role::Admin.into(), ..v1::Token::default() };
    KeptToken { token, secret_sha256: gate::hash(secret) }
}
