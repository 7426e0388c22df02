//! Changes of policy: one at a time, durable first, then in force, then answered.

use super::change_error::ChangeError;
use super::stored::{StoredWorkspace, usable_policy};
use crate::convert::time::timestamp;
use crate::domains::Domains;
use crate::engine::{Engine, Versioned};
use crate::error::Error;
use crate::preset;
use crate::service::authorize::Identity;
use crate::service::gate::{self, Gate};
use crate::signals;
use crate::store::StoreVersion;
use crate::store::catalog::{Catalog, CatalogChange, CatalogError};
use apportion_core::ids::WorkspaceId;
use apportion_core::policy::Policy;
use apportion_proto::v1;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// How often a change is tried that conflicts with another one.
const ATTEMPTS_MAX: usize = 8;
/// How often what is in doubt is read back.
const READ_BACK_INTERVAL: Duration = Duration::from_secs(1);

/// What is configured, and the engine that it is in force in. Its calls block.
pub(crate) struct Policies {
    pub(super) catalog: Catalog,
    pub(super) engine: Arc<Engine>,
    pub(super) gate: Arc<Gate>,
    pub(super) most_workspaces: u32,
    /// The domains in force.
    pub(super) domains: Arc<Domains>,
    changing: Mutex<()>,
    /// Workspaces whose last change may or may not be durable.
    in_doubt: Mutex<BTreeSet<WorkspaceId>>,
    /// Whether the domains in force may not be those of the store.
    domains_in_doubt: AtomicBool,
}

impl Policies {
    /// The policies that `catalog` holds and `engine` serves. Must be called inside a tokio runtime.
    pub(crate) fn open(
        catalog: Catalog,
        engine: Arc<Engine>,
        gate: Arc<Gate>,
        most_workspaces: u32,
    ) -> Arc<Self> {
        let policies = Arc::new(Self {
            catalog,
            engine,
            gate,
            most_workspaces,
            domains: Arc::default(),
            changing: Mutex::default(),
            in_doubt: Mutex::default(),
            domains_in_doubt: AtomicBool::new(true),
        });
        tokio::spawn(read_back(Arc::downgrade(&policies)));
        policies
    }

    /// Makes one change at a time, and tries again where another one came first. The change before may have withdrawn the
    /// caller's credential.
    pub(super) fn change<T>(
        &self,
        who: &Identity,
        attempt: impl Fn() -> Result<T, ChangeError>,
    ) -> Result<T, Error> {
        let _changing = self.changing();
        if !who.is_valid(self.engine.clock().now()) {
            return Err(gate::WITHDRAWN);
        }
        for _ in 0..ATTEMPTS_MAX {
            match attempt() {
                Ok(done) => return Ok(done),
                Err(ChangeError::Error(error)) => {
                    if matches!(error, Error::StoreLost) {
                        self.engine.store_failed();
                    }
                    return Err(error);
                }
                Err(ChangeError::Conflict) => {}
            }
        }
        Err(Error::StoreLost)
    }

    /// Makes a change durable. Where the outcome is unknown, `workspace` is read back later.
    pub(super) fn apply(
        &self,
        change: &CatalogChange,
        workspace: Option<&WorkspaceId>,
    ) -> Result<StoreVersion, ChangeError> {
        let applied = self.catalog.apply(change);
        if let (Err(CatalogError::Unknown(_)), Some(id)) = (&applied, workspace) {
            self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        }
        Ok(applied?)
    }

    /// A workspace with its teams.
    pub(super) fn stored_workspace(&self, id: &WorkspaceId) -> Result<StoredWorkspace, ChangeError> {
        let revision = self.catalog.policy_revision(id.as_str())?;
        let workspace = self.catalog.workspace(id.as_str())?.ok_or(Error::UnknownWorkspace)?;
        let teams = self.catalog.all_teams(id.as_str())?;
        Ok(StoredWorkspace { id: id.clone(), workspace, teams, revision })
    }

    /// Puts in force what is durable already.
    pub(super) fn put(
        &self,
        id: &WorkspaceId,
        policy: Policy,
        version: StoreVersion,
    ) -> Result<(), ChangeError> {
        let put = self.engine.put(id, Versioned { policy, version });
        Ok(put.map_err(|_| Error::Internal("a policy was checked and does not hold"))?)
    }

    /// Tells clients, with their next lease, which signals a workspace has.
    pub(super) fn put_signals(&self, id: &WorkspaceId, workspace: &v1::Workspace) {
        self.engine.set_signals_version(id, signals::version(&preset::signals(workspace)));
    }

    /// The audit entry of a change that is made now.
    pub(super) fn entry(
        &self,
        who: &Identity,
        method: &str,
        resource: String,
        changes: Vec<v1::FieldChange>,
    ) -> v1::AuditEntry {
        let (actor, method, time) = (who.name.clone(), method.to_owned(), Some(self.now()));
        v1::AuditEntry { name: String::new(), time, actor, method, resource, changes }
    }

    /// Writes an entry of what was done without a change.
    pub(super) fn note(&self, who: &Identity, method: &str, resource: &str) -> Result<(), Error> {
        let entry = self.entry(who, method, resource.into(), Vec::new());
        let change = CatalogChange { expect: Vec::new(), puts: Vec::new(), deletes: Vec::new(), entry };
        self.change(who, || self.apply(&change, None).map(|_| ()))
    }

    /// The instant, on the server's clock.
    pub(super) fn now(&self) -> prost_types::Timestamp {
        timestamp(self.engine.clock().now())
    }

    /// One change at a time.
    pub(super) fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in force of these workspaces may not be what the store holds.
    pub(super) fn doubt(&self, workspaces: Vec<WorkspaceId>) {
        self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner).extend(workspaces);
    }

    /// The domains in force.
    pub(crate) fn domains(&self) -> Arc<Domains> {
        Arc::clone(&self.domains)
    }

    /// The domains in force may not be what the store holds.
    pub(crate) fn doubt_domains(&self) {
        self.domains_in_doubt.store(true, Ordering::Release);
    }

    /// Puts the domains in force that the store holds, where these are in doubt.
    pub(crate) fn resolve_doubts_of_domains(&self) {
        if self.domains_in_doubt.swap(false, Ordering::AcqRel)
            && let Err(error) = self.see_domains()
        {
            tracing::error!(%error, "the domains cannot be read");
            self.doubt_domains();
        }
    }

    /// Puts in force what the store holds of the workspaces that are in doubt.
    pub(super) fn resolve_doubts(&self) {
        let _changing = self.changing();
        let doubts = self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for id in doubts {
            if self.put_kept(&id) {
                self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            }
        }
    }
}

impl Policies {
    /// Puts in force what the store holds of a workspace, and closes the workspace where that cannot be used. Returns whether the store
    /// could be read.
    fn put_kept(&self, id: &WorkspaceId) -> bool {
        let kept = match self.catalog.kept_policy(id.as_str()) {
            Ok(Some(kept)) => kept,
            Ok(None) => {
                self.engine.remove(id);
                return true;
            }
            Err(_) => return false,
        };
        let version = kept.revision;
        let put = usable_policy(id, &kept).and_then(|(policy, signals)| {
            self.engine.put(id, Versioned { policy, version }).map_err(|error| error.to_string())?;
            self.engine.set_signals_version(id, signals);
            Ok(())
        });
        put.unwrap_or_else(|why| self.engine.close_unusable(id, &why, version));
        true
    }
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").finish_non_exhaustive()
    }
}

/// Reads back what is in doubt, until the policies are gone.
async fn read_back(policies: Weak<Policies>) {
    let mut ticks = tokio::time::interval(READ_BACK_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(policies) = policies.upgrade() else { return };
        if !policies.in_doubt.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            let policies = Arc::clone(&policies);
            let _ = tokio::task::spawn_blocking(move || policies.resolve_doubts()).await;
        }
        if policies.domains_in_doubt.load(Ordering::Acquire) {
            let _ = tokio::task::spawn_blocking(move || policies.resolve_doubts_of_domains()).await;
        }
    }
}
