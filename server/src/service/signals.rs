//! The signals of a workspace, as its clients get them: read from the catalog, which every node shares.

use super::authorize::{Action, Identity};
use super::gate;
use crate::convert::field::name_or;
use crate::convert::lease::DEFAULT_NAME;
use crate::error::Error;
use crate::preset;
use crate::signals::version;
use crate::store::Store;
use crate::store::catalog::Catalog;
use apportion_core::ids::WorkspaceId;
use apportion_proto::v1;
use std::sync::Arc;

/// Reads workspaces.
#[derive(Clone)]
pub(super) struct SignalsCalls(Arc<Catalog>);

impl std::fmt::Debug for SignalsCalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignalsCalls").finish_non_exhaustive()
    }
}

impl SignalsCalls {
    /// Reads workspaces from this store. It writes nothing, so how much of the audit is kept does not matter.
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Catalog::new(store, 1)))
    }

    /// The signals of a workspace, for whoever has a credential in it.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`], [`Error::UnknownWorkspace`], or that the store cannot be read.
    pub(super) async fn of(
        &self,
        who: &Identity,
        request: &v1::GetSignalsRequest,
    ) -> Result<v1::GetSignalsResponse, Error> {
        let id: WorkspaceId = name_or("workspace", &request.workspace, DEFAULT_NAME)?;
        gate::check(who, Action::Signals, Some(&id), &[])?;
        let catalog = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || catalog.workspace(id.as_str())).await;
        let stored = match read {
            Ok(Ok(stored)) => stored.ok_or(Error::UnknownWorkspace)?,
            Ok(Err(error)) => {
                tracing::error!(%error, "the signals of a workspace cannot be read");
                return Err(Error::StoreLost);
            }
            Err(_) => return Err(Error::Internal("reading signals panicked")),
        };
        let signals = preset::signals(&stored.value);
        let signals_version = version(&signals);
        Ok(v1::GetSignalsResponse { signals: Some(signals), signals_version })
    }
}
