//! The settings of a server.

use super::cluster::ClusterSettings;
use super::limits::ServerLimits;
use super::log::Log;
use super::secret::Secret;
use crate::peer::PeerTls;
use crate::service::certificates::Binding;
use crate::store::StorePlace;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data directory of the embedded store, where there is no cluster.
    pub data_dir: PathBuf,
    /// The cluster that this is a node of; `None` where the store is embedded.
    pub cluster: Option<ClusterSettings>,
    /// The address of the gRPC server.
    pub listen: SocketAddr,
    /// The address of the HTTP server for metrics and health checks.
    pub http_listen: SocketAddr,
    /// The address for other nodes of a cluster; `None` uses port 7422 on loopback. Not used by a server that is none of a cluster.
    pub peer_listen: Option<SocketAddr>,
    /// The certificate of this node for others; `None` disables TLS between nodes, which then must be on one machine.
    pub peer_tls: Option<PeerTls>,
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

impl Settings {
    /// Where the store is.
    pub fn place(&self) -> StorePlace {
        match &self.cluster {
            None => StorePlace::Embedded(self.data_dir.clone()),
            Some(cluster) => StorePlace::Etcd(cluster.etcd.clone()),
        }
    }

    /// The store as people call it.
    pub fn store_name(&self) -> String {
        self.cluster.as_ref().map_or_else(|| self.data_dir.display().to_string(), ClusterSettings::store)
    }
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
