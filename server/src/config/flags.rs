//! The flags of `apportion serve`, and the variables of the environment that stand for them.

use super::{LogFormat, LogLevel};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What is set for this start. What is absent is looked up in the file, then it has its default.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Flags {
    /// A TOML file with settings; keys are those of the flags, with `_`, in the tables `tls`, `log` and `limits`; `[[tls.client]]` gives roles to client certificates
    #[arg(long, env = "APPORTION_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the embedded store is [default: ./apportion-data]
    #[arg(long, env = "APPORTION_DATA_DIR", value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,
    /// Where gRPC is served [default: 127.0.0.1:7420]
    #[arg(long, env = "APPORTION_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Where metrics and health are served over HTTP, without TLS [default: 127.0.0.1:7421]
    #[arg(long, env = "APPORTION_HTTP_LISTEN", value_name = "ADDRESS")]
    pub http_listen: Option<SocketAddr>,
    /// The certificate chain of the server, in PEM form
    #[arg(long, env = "APPORTION_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key, in PEM form
    #[arg(long, env = "APPORTION_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Who signs the certificates of clients, in PEM form [default: clients need none]
    #[arg(long, env = "APPORTION_TLS_CLIENT_CA", value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,
    /// Take connections without a client certificate, too: who comes without one needs a token [default: false]
    #[arg(long, env = "APPORTION_TLS_CLIENT_OPTIONAL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub tls_client_optional: Option<bool>,
    /// Listen beyond loopback even without TLS or without authentication
    #[arg(long, env = "APPORTION_INSECURE", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub insecure: Option<bool>,
    /// How the log is written [default: text]
    #[arg(long, env = "APPORTION_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// From which severity on something is logged [default: info]
    #[arg(long, env = "APPORTION_LOG_LEVEL", value_enum)]
    pub log_level: Option<LogLevel>,
    /// Calls at once on one connection [default: 1000]
    #[arg(long, env = "APPORTION_STREAMS_PER_CONNECTION", value_name = "N")]
    pub streams_per_connection: Option<u32>,
    /// The largest message taken, in bytes [default: 1048576]
    #[arg(long, env = "APPORTION_MESSAGE_BYTES", value_name = "N")]
    pub message_bytes: Option<u32>,
    /// The largest headers taken, in bytes [default: 16384]
    #[arg(long, env = "APPORTION_HEADER_BYTES", value_name = "N")]
    pub header_bytes: Option<u32>,
    /// Connections at once [default: 10000]
    #[arg(long, env = "APPORTION_CONNECTIONS", value_name = "N")]
    pub connections: Option<u32>,
    /// How often a connection is asked whether it is alive, in seconds [default: 20]
    #[arg(long, env = "APPORTION_KEEP_ALIVE_SECONDS", value_name = "N")]
    pub keep_alive_seconds: Option<u32>,
    /// How long a TLS handshake, the preface of a connection and a request may each take to come in, in seconds [default: 10]
    #[arg(long, env = "APPORTION_ARRIVAL_SECONDS", value_name = "N")]
    pub arrival_seconds: Option<u32>,
    /// How long a connection stays on which nothing is called, in seconds [default: 300]
    #[arg(long, env = "APPORTION_IDLE_SECONDS", value_name = "N")]
    pub idle_seconds: Option<u32>,
    /// Resets by a client that are pending at once before its connection is closed [default: 100]
    #[arg(long, env = "APPORTION_PENDING_RESETS", value_name = "N")]
    pub pending_resets: Option<u32>,
    /// Resets by the server because of a client's errors before its connection is closed [default: 1000]
    #[arg(long, env = "APPORTION_ERROR_RESETS", value_name = "N")]
    pub error_resets: Option<u32>,
    /// Acquires of one Exchange stream that wait at once; beyond it they are refused [default: 1000]
    #[arg(long, env = "APPORTION_EXCHANGE_IN_FLIGHT", value_name = "N")]
    pub exchange_in_flight: Option<u32>,
    /// Workspaces that can be created [default: 100000]
    #[arg(long, env = "APPORTION_WORKSPACES", value_name = "N")]
    pub workspaces: Option<u32>,
    /// Callers of one team that are remembered at once, until they are idle for a window; a workspace has ten times as many at most [default: 10000]
    #[arg(long, env = "APPORTION_CALLERS_PER_TEAM", value_name = "N")]
    pub callers_per_team: Option<u32>,
    /// Watchers of workspaces at once [default: 1000]
    #[arg(long, env = "APPORTION_WATCHERS", value_name = "N")]
    pub watchers: Option<u32>,
    /// How long a server that stops waits for open calls, in seconds, at most 3600 [default: 10]
    #[arg(long, env = "APPORTION_DRAIN_SECONDS", value_name = "N")]
    pub drain_seconds: Option<u32>,
    /// How many audit entries are kept [default: 100000]
    #[arg(long, env = "APPORTION_AUDIT_ENTRIES", value_name = "N")]
    pub audit_entries: Option<u32>,
}
