//! What leases need to know of the caller of a request.

use crate::error::Error;
use apportion_core::ids::{TeamId, WorkspaceId};
use prost::bytes::Bytes;

/// The caller of a request, with its authority.
pub trait LeaseCaller: std::fmt::Debug + Send + Sync + 'static {
    /// Whether the caller may acquire and settle leases of the first team of `path`; the others are the teams above it.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`].
    fn may_lease(&self, workspace: &WorkspaceId, path: &[TeamId]) -> Result<(), Error>;

    /// The caller as this node asserts it to others.
    fn assertion(&self) -> Bytes;
}
