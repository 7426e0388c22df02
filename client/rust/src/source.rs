//! Where middleware takes its permits from: a call for each, or a prefetch.

use crate::error::AcquireError;
use crate::permit::Permit;
use crate::prefetch::Prefetch;
use crate::quota::Quota;
use crate::request::Request;

/// A source of permits. Clones share it.
#[derive(Clone, Debug)]
pub enum PermitSource {
    /// Requests each permit from the server when it is needed.
    OnDemand(Quota, Request),
    /// Takes permits that a prefetch holds ready.
    Prefetched(Prefetch),
}

impl PermitSource {
    /// Takes one permit, and waits for it as long as the source allows.
    ///
    /// # Errors
    /// [`AcquireError`] if the server refuses the request or cannot be reached, or if no permit becomes available in time.
    pub async fn permit(&self) -> Result<Permit, AcquireError> {
        match self {
            Self::OnDemand(quota, request) => quota.permit(request).await,
            Self::Prefetched(prefetch) => prefetch.permit().await,
        }
    }
}

impl From<(Quota, Request)> for PermitSource {
    fn from((quota, request): (Quota, Request)) -> Self {
        Self::OnDemand(quota, request)
    }
}

impl From<Prefetch> for PermitSource {
    fn from(prefetch: Prefetch) -> Self {
        Self::Prefetched(prefetch)
    }
}
