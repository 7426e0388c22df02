//! TLS of gRPC: its files, read once at the start.

use crate::config::Tls;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

/// How long a client has until a connection is secure: it holds one of the places for connections.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Files that TLS cannot be served with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("tls: {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// What is in the files cannot be used, or does not belong together.
    #[error("tls: {cert} and {key}{clients} cannot be used: {why}")]
    Unusable {
        /// The certificate chain.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
        /// Who signs the certificates of clients, where that is set.
        clients: String,
        /// Why.
        why: String,
    },
}

/// A server that serves with TLS alone.
pub(super) fn secured(server: Server, tls: &Tls) -> Result<Server, TlsError> {
    let mut config = ServerTlsConfig::new()
        .timeout(HANDSHAKE)
        .identity(Identity::from_pem(read(&tls.cert)?, read(&tls.key)?));
    if let Some(clients) = &tls.clients {
        let authority = Certificate::from_pem(read(&clients.ca)?);
        config = config.client_ca_root(authority).client_auth_optional(clients.optional);
    }
    server.tls_config(config).map_err(|error| {
        // The outermost says only that it is about transport.
        let mut cause = error.source();
        while let Some(inner) = cause.and_then(|cause| cause.source()) {
            cause = Some(inner);
        }
        let clients = tls.clients.as_ref().map(|clients| format!(" with {}", clients.ca.display()));
        TlsError::Unusable {
            cert: tls.cert.clone(),
            key: tls.key.clone(),
            clients: clients.unwrap_or_default(),
            why: cause.map_or_else(|| error.to_string(), ToString::to_string),
        }
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Unreadable { path: path.into(), error })
}
