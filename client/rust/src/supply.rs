//! Where the permits of requests come from: a call for each, or a prefetch.

use crate::error::AcquireError;
use crate::permit::Permit;
use crate::prefetch::Prefetch;
use crate::quota::Quota;
use crate::request::Request;

/// Where permits come from. Clones share it.
#[derive(Clone, Debug)]
pub enum Supply {
    /// Each is asked for when it is needed.
    Direct(Quota, Request),
    /// They are held ready.
    Ahead(Prefetch),
}

impl Supply {
    /// One permit, and as long a wait for it as the supply allows.
    ///
    /// # Errors
    /// [`AcquireError`]: the service refused, could not be reached, or nothing came in time.
    pub async fn permit(&self) -> Result<Permit, AcquireError> {
        match self {
            Self::Direct(quota, request) => quota.permit(request).await,
            Self::Ahead(prefetch) => prefetch.permit().await,
        }
    }
}

impl From<(Quota, Request)> for Supply {
    fn from((quota, request): (Quota, Request)) -> Self {
        Self::Direct(quota, request)
    }
}

impl From<Prefetch> for Supply {
    fn from(prefetch: Prefetch) -> Self {
        Self::Ahead(prefetch)
    }
}
