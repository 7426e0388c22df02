//! Why the server stopped or did not start.

use super::tls::TlsError;
use crate::config::Exposed;
use crate::engine::StartError;
use crate::membership::MembershipError;
use crate::store::StoreError;
use crate::store::catalog::CatalogError;
use std::net::SocketAddr;

/// Why the server stopped or did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It would be reachable without a credential.
    #[error(transparent)]
    Exposed(#[from] Exposed),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server cannot be a node of its cluster.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// Another process bears the name of this node.
    #[error(
        "cluster.node: another process has taken the name of this node: give each node a name of its own"
    )]
    NameTaken,
    /// What is in the store cannot be used.
    #[error("the store: {0}")]
    Catalog(#[from] CatalogError),
    /// The engine did not start.
    #[error(transparent)]
    Engine(#[from] StartError),
    /// An address cannot be listened on.
    #[error("{what}: {address} cannot be listened on: {error}")]
    Listen {
        /// Which setting.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        error: std::io::Error,
    },
    /// TLS cannot be served with the configured files.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Reflection cannot be served.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A thread or task that every workspace depends on has panicked.
    #[error(
        "{0} failed, so nothing more can be granted; start it again: it goes on from what is in the store"
    )]
    Failed(&'static str),
    /// The runtime or the signals cannot be set up.
    #[error("the process: {0}")]
    Process(#[from] std::io::Error),
}
