//! The settings of a server.

use super::limits::ServerLimits;
use super::log::Log;
use super::secret::Secret;
use crate::service::certificates::Binding;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The settings of a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The data directory of the embedded store.
    pub data_dir: PathBuf,
    /// The address of the gRPC server.
    pub listen: SocketAddr,
    /// The address of the HTTP server for metrics and health checks.
    pub http_listen: SocketAddr,
    /// The certificates of the gRPC server; `None` disables TLS.
    pub tls: Option<Tls>,
    /// Whether other addresses than loopback are allowed without TLS or authentication.
    pub insecure: bool,
    /// How the log is written.
    pub log: Log,
    /// The limits on clients.
    pub limits: ServerLimits,
    /// How long a stopping server waits for open calls, in seconds.
    pub drain_seconds: u32,
    /// How many audit entries are kept.
    pub audit_entries: u32,
    /// The secret of a token with the role admin that is valid while the server runs.
    pub admin_token: Option<Secret>,
}

/// Files in PEM form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tls {
    /// The certificate chain of the server.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Client certificates; `None` if they are not requested.
    pub clients: Option<Clients>,
}

/// Client certificates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clients {
    /// A PEM file with the CA certificates.
    pub ca: PathBuf,
    /// Whether clients without a certificate are accepted.
    pub optional: bool,
    /// The roles of the names in them.
    pub bindings: Vec<Binding>,
}
