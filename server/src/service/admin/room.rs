//! The room where policy is changed: one change at a time, durable first, then in force, then answered.

use crate::convert::field::FieldError;
use crate::convert::team::team_policies;
use crate::convert::time::timestamp;
use crate::convert::workspace::{policy, policy_field};
use crate::engine::{Engine, Versioned};
use crate::service::authorize::Identity;
use crate::service::gate::{self, Gate};
use crate::status::Error;
use crate::store::Version;
use crate::store::catalog::{Catalog, CatalogError, Change, Stored};
use apportion_core::ids::WorkspaceId;
use apportion_core::policy::{Policy, PolicyError};
use apportion_core::time::Span;
use apportion_proto::v1;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How often a change is tried again that another one was in the way of.
const ATTEMPTS: usize = 8;
/// When it is of use to ask again after the store failed.
pub(super) const RETRY: Span = Span::from_secs(1);
/// How often what is in doubt is read back.
const LOOK: Duration = Duration::from_secs(1);

/// What is configured, and the engine that it is in force in. Its calls block.
pub(crate) struct Policies {
    pub(super) catalog: Catalog,
    pub(super) engine: Arc<Engine>,
    pub(super) gate: Arc<Gate>,
    pub(super) most_workspaces: u32,
    changing: Mutex<()>,
    /// Workspaces whose last change may or may not be durable.
    in_doubt: Mutex<BTreeSet<WorkspaceId>>,
}

/// Why an attempt at a change failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// For good.
    Error(Error),
    /// Something changed meanwhile: it may be tried again.
    Conflict,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<FieldError> for Trouble {
    fn from(error: FieldError) -> Self {
        Self::Error(error.into())
    }
}

impl From<CatalogError> for Trouble {
    fn from(error: CatalogError) -> Self {
        if error == CatalogError::Conflict { Self::Conflict } else { Self::Error(lost(&error)) }
    }
}

/// What a client is told where the catalog cannot answer.
pub(super) fn lost(error: &CatalogError) -> Error {
    tracing::error!(%error, "the catalog cannot answer");
    match error {
        CatalogError::Damaged { .. } => Error::Internal("a document in the store cannot be read"),
        _ => Error::StoreLost { retry_after: RETRY },
    }
}

/// A workspace with its teams, as stored.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) id: WorkspaceId,
    pub(super) workspace: Stored<v1::Workspace>,
    pub(super) teams: Vec<Stored<v1::Team>>,
}

impl Whole {
    /// What is stored as the core has it.
    pub(super) fn policy(&self) -> Result<Policy, FieldError> {
        let teams = team_policies(&self.id, self.teams.iter().map(|team| &team.value))?;
        policy(&self.workspace.value, teams)
    }

    /// The team with this id.
    pub(super) fn team(&self, id: &str) -> Option<&Stored<v1::Team>> {
        let name = format!("{}/teams/{id}", self.workspace.value.name);
        self.teams.iter().find(|team| team.value.name == name)
    }
}

impl Policies {
    /// The room of what `catalog` holds and `engine` serves. To be called inside a tokio runtime.
    pub(crate) fn open(
        catalog: Catalog,
        engine: Arc<Engine>,
        gate: Arc<Gate>,
        most_workspaces: u32,
    ) -> Arc<Self> {
        let (changing, in_doubt) = (Mutex::default(), Mutex::default());
        let room = Arc::new(Self { catalog, engine, gate, most_workspaces, changing, in_doubt });
        tokio::spawn(read_back(Arc::downgrade(&room)));
        room
    }

    /// Tries a change while nobody else makes one, anew where something changed meanwhile. Whoever waited for that may have lost
    /// its credential to the change before.
    pub(super) fn change<T>(
        &self,
        who: &Identity,
        attempt: impl Fn() -> Result<T, Trouble>,
    ) -> Result<T, Error> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if !who.is_valid(self.engine.clock().now()) {
            return Err(gate::WITHDRAWN);
        }
        for _ in 0..ATTEMPTS {
            match attempt() {
                Ok(done) => return Ok(done),
                Err(Trouble::Error(error)) => {
                    if matches!(error, Error::StoreLost { .. }) {
                        self.engine.store_failed();
                    }
                    return Err(error);
                }
                Err(Trouble::Conflict) => {}
            }
        }
        Err(Error::StoreLost { retry_after: RETRY })
    }

    /// Makes a change durable. `workspace` is what it is about: where nobody knows whether it was made, it is read back.
    pub(super) fn apply(&self, change: &Change, workspace: Option<&WorkspaceId>) -> Result<Version, Trouble> {
        let applied = self.catalog.apply(change);
        if let (Err(CatalogError::Unknown(_)), Some(id)) = (&applied, workspace) {
            self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        }
        Ok(applied?)
    }

    /// A workspace with its teams.
    pub(super) fn whole(&self, id: &WorkspaceId) -> Result<Whole, Trouble> {
        let workspace = self.catalog.workspace(id.as_str())?.ok_or(Error::UnknownWorkspace)?;
        Ok(Whole { id: id.clone(), workspace, teams: self.catalog.all_teams(id.as_str())? })
    }

    /// Puts in force what is durable already.
    pub(super) fn put(&self, id: &WorkspaceId, policy: Policy, version: Version) -> Result<(), Trouble> {
        let put = self.engine.put(id, Versioned { policy, version });
        Ok(put.map_err(|_| Error::Internal("a policy was checked and does not hold"))?)
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
        let change = Change { expect: Vec::new(), puts: Vec::new(), deletes: Vec::new(), entry };
        self.change(who, || self.apply(&change, None).map(|_| ()))
    }

    /// The instant, on the server's clock.
    pub(super) fn now(&self) -> prost_types::Timestamp {
        timestamp(self.engine.clock().now())
    }

    /// Puts in force what the store holds of the workspaces that are in doubt.
    fn settle_doubts(&self) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let doubts = self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for id in doubts {
            let known = match self.whole(&id) {
                Ok(whole) => {
                    let (policy, version) = (whole.policy(), whole.workspace.version);
                    policy.is_ok_and(|policy| self.put(&id, policy, version).is_ok())
                }
                Err(Trouble::Error(Error::UnknownWorkspace)) => {
                    self.engine.remove(&id);
                    true
                }
                Err(_) => false,
            };
            if known {
                self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            }
        }
    }
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").finish_non_exhaustive()
    }
}

/// Reads back what is in doubt, until the room is gone.
async fn read_back(room: Weak<Policies>) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(room) = room.upgrade() else { return };
        if !room.in_doubt.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            let _ = tokio::task::spawn_blocking(move || room.settle_doubts()).await;
        }
    }
}

/// Holds a policy against every rule, and against its budget unless that is allowed to be exceeded. Returns the warnings.
pub(crate) fn check(policy: &Policy, under: &str, allow_overcommit: bool) -> Result<Vec<String>, Error> {
    policy.check().map_err(|error: PolicyError| {
        let field = format!("{under}.{}", policy_field(policy, &error));
        Error::Policy { error, field }
    })?;
    let promised = policy.promised();
    if !promised.is_too_much() {
        return Ok(Vec::new());
    }
    let error = Error::Overcommitted { needed: promised.needed, budget: promised.budget };
    if allow_overcommit {
        Ok(vec![format!("{error}: reservations shrink in proportion")])
    } else {
        Err(error)
    }
}

/// The etag of a document with this version.
pub(super) fn etag(version: Version) -> String {
    version.to_string()
}

/// Fails where an etag is given, and is not that of the document.
pub(super) fn same_etag(given: &str, version: Version, name: &str) -> Result<(), Error> {
    if given.is_empty() || given == etag(version) {
        return Ok(());
    }
    Err(Error::StaleEtag { name: name.into() })
}
