//! The file of settings. Unknown keys are refused with their line.

use super::log::{LogFormat, LogLevel};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// An invalid file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: std::io::Error,
    },
    /// It is not TOML, or has an unknown key or a value of the wrong type. The message names the line.
    #[error("{path}: {error}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: toml::de::Error,
    },
}

/// The whole file.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
pub(super) struct ConfigFile {
    pub(super) data_dir: Option<PathBuf>,
    pub(super) store: Option<String>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) http_listen: Option<SocketAddr>,
    pub(super) peer_listen: Option<SocketAddr>,
    pub(super) insecure: Option<bool>,
    pub(super) drain_seconds: Option<u32>,
    pub(super) audit_entries: Option<u32>,
    pub(super) cluster: ClusterTable,
    pub(super) etcd: EtcdTable,
    pub(super) tls: TlsTable,
    pub(super) peer_tls: PeerTlsTable,
    pub(super) log: LogTable,
    pub(super) limits: LimitsTable,
}

/// The table `cluster`.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
pub(super) struct ClusterTable {
    pub(super) name: Option<String>,
    pub(super) node: Option<String>,
    pub(super) advertise: Option<String>,
}

/// The table `etcd`.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
pub(super) struct EtcdTable {
    pub(super) ca: Option<PathBuf>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) user: Option<String>,
    pub(super) password_file: Option<PathBuf>,
}

/// The table `tls`.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
pub(super) struct TlsTable {
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) client_ca: Option<PathBuf>,
    pub(super) client_optional: Option<bool>,
    pub(super) client: Vec<ClientEntry>,
}

/// The table `peer_tls`.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
pub(super) struct PeerTlsTable {
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) ca: Option<PathBuf>,
}

/// An entry of `tls.client`: a name in client certificates, and its role.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ClientEntry {
    pub(super) san: String,
    pub(super) role: ClientRole,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
}

/// The roles, as a file names them.
#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClientRole {
    Client,
    Observer,
    Admin,
}

/// The table `log`.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
pub(super) struct LogTable {
    pub(super) format: Option<LogFormat>,
    pub(super) level: Option<LogLevel>,
}

/// The table `limits`.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, expecting = "a table", default)]
pub(super) struct LimitsTable {
    pub(super) streams_per_connection: Option<u32>,
    pub(super) message_bytes: Option<u32>,
    pub(super) header_bytes: Option<u32>,
    pub(super) connections: Option<u32>,
    pub(super) keep_alive_seconds: Option<u32>,
    pub(super) arrival_seconds: Option<u32>,
    pub(super) idle_seconds: Option<u32>,
    pub(super) pending_resets: Option<u32>,
    pub(super) error_resets: Option<u32>,
    pub(super) exchange_in_flight: Option<u32>,
    pub(super) workspaces: Option<u32>,
    pub(super) callers_per_team: Option<u32>,
    pub(super) watchers: Option<u32>,
}

/// Reads the file at `path`.
pub(super) fn read(path: &Path) -> Result<ConfigFile, FileError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| FileError::Unreadable { path: path.into(), error })?;
    parse(path, &text)
}

/// Reads the text of the file at `path`.
pub(super) fn parse(path: &Path, text: &str) -> Result<ConfigFile, FileError> {
    toml::from_str(text).map_err(|error| FileError::Malformed { path: path.into(), error })
}
