//! The flags of `apportion serve`, each with its environment variable.

use super::log::{LogFormat, LogLevel};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The settings given as flags or in the environment; all are optional.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Flags {
    /// TOML file with settings, in the tables `cluster`, `etcd`, `tls`, `log` and `limits`; flags take precedence
    #[arg(long, env = "APPORTION_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data directory of the embedded store [default: ./apportion-data]
    #[arg(long, env = "APPORTION_DATA_DIR", value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,
    /// Store of a cluster instead of the embedded one: the members of an etcd, as etcd://HOST:PORT,HOST:PORT
    #[arg(long, env = "APPORTION_STORE", value_name = "URL")]
    pub store: Option<String>,
    /// Name of the cluster; each in the same etcd has a store of its own
    #[arg(long, env = "APPORTION_CLUSTER", value_name = "NAME")]
    pub cluster: Option<String>,
    /// Name of this node, which no other node of the cluster has
    #[arg(long, env = "APPORTION_NODE", value_name = "NAME")]
    pub node: Option<String>,
    /// Where clients reach this node [default: the address of the gRPC server]
    #[arg(long, env = "APPORTION_ADVERTISE", value_name = "HOST:PORT")]
    pub advertise: Option<String>,
    /// PEM file with the CA certificates of etcd [default: no TLS]
    #[arg(long, env = "APPORTION_ETCD_CA", value_name = "FILE")]
    pub etcd_ca: Option<PathBuf>,
    /// PEM file with the certificate chain to show to etcd
    #[arg(long, env = "APPORTION_ETCD_CERT", value_name = "FILE")]
    pub etcd_cert: Option<PathBuf>,
    /// PEM file with its private key
    #[arg(long, env = "APPORTION_ETCD_KEY", value_name = "FILE")]
    pub etcd_key: Option<PathBuf>,
    /// User of etcd
    #[arg(long, env = "APPORTION_ETCD_USER", value_name = "NAME")]
    pub etcd_user: Option<String>,
    /// File with the password of the user
    #[arg(long, env = "APPORTION_ETCD_PASSWORD_FILE", value_name = "FILE")]
    pub etcd_password_file: Option<PathBuf>,
    /// Address of the gRPC server [default: 127.0.0.1:7420]
    #[arg(long, env = "APPORTION_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Address of the HTTP server for metrics and health checks, without TLS [default: 127.0.0.1:7421]
    #[arg(long, env = "APPORTION_HTTP_LISTEN", value_name = "ADDRESS")]
    pub http_listen: Option<SocketAddr>,
    /// Address for other nodes of a cluster [default: 127.0.0.1:7422]
    #[arg(long, env = "APPORTION_PEER_LISTEN", value_name = "ADDRESS")]
    pub peer_listen: Option<SocketAddr>,
    /// PEM file with the certificate chain of this node for other nodes
    #[arg(long, env = "APPORTION_PEER_TLS_CERT", value_name = "FILE")]
    pub peer_tls_cert: Option<PathBuf>,
    /// PEM file with the private key of that certificate
    #[arg(long, env = "APPORTION_PEER_TLS_KEY", value_name = "FILE")]
    pub peer_tls_key: Option<PathBuf>,
    /// PEM file with the CA certificates of the cluster; whoever holds a certificate of them is a node
    #[arg(long, env = "APPORTION_PEER_TLS_CA", value_name = "FILE")]
    pub peer_tls_ca: Option<PathBuf>,
    /// PEM file with the certificate chain of the server
    #[arg(long, env = "APPORTION_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// PEM file with the private key of the server
    #[arg(long, env = "APPORTION_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// PEM file with the CA certificates for client certificates [default: none required]
    #[arg(long, env = "APPORTION_TLS_CLIENT_CA", value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,
    /// Also accept clients without a certificate; they need a token [default: false]
    #[arg(long, env = "APPORTION_TLS_CLIENT_OPTIONAL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub tls_client_optional: Option<bool>,
    /// Allow other addresses than loopback without TLS or authentication [default: false]
    #[arg(long, env = "APPORTION_INSECURE", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub insecure: Option<bool>,
    /// Format of the log [default: text]
    #[arg(long, env = "APPORTION_LOG_FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// Least severity to log [default: info]
    #[arg(long, env = "APPORTION_LOG_LEVEL", value_enum)]
    pub log_level: Option<LogLevel>,
    /// Maximum concurrent calls per connection [default: 1000]
    #[arg(long, env = "APPORTION_STREAMS_PER_CONNECTION", value_name = "N")]
    pub streams_per_connection: Option<u32>,
    /// Maximum message size in bytes [default: 1048576]
    #[arg(long, env = "APPORTION_MESSAGE_BYTES", value_name = "N")]
    pub message_bytes: Option<u32>,
    /// Maximum header size in bytes [default: 16384]
    #[arg(long, env = "APPORTION_HEADER_BYTES", value_name = "N")]
    pub header_bytes: Option<u32>,
    /// Maximum concurrent connections [default: 10000]
    #[arg(long, env = "APPORTION_CONNECTIONS", value_name = "N")]
    pub connections: Option<u32>,
    /// Interval of keep-alive pings in seconds [default: 20]
    #[arg(long, env = "APPORTION_KEEP_ALIVE_SECONDS", value_name = "N")]
    pub keep_alive_seconds: Option<u32>,
    /// Time-out for receiving a TLS handshake, a connection preface or a request, in seconds [default: 10]
    #[arg(long, env = "APPORTION_ARRIVAL_SECONDS", value_name = "N")]
    pub arrival_seconds: Option<u32>,
    /// Time after which an idle connection is closed, in seconds [default: 300]
    #[arg(long, env = "APPORTION_IDLE_SECONDS", value_name = "N")]
    pub idle_seconds: Option<u32>,
    /// Maximum pending stream resets by a client before its connection is closed [default: 100]
    #[arg(long, env = "APPORTION_PENDING_RESETS", value_name = "N")]
    pub pending_resets: Option<u32>,
    /// Maximum stream resets for errors of a client before its connection is closed [default: 1000]
    #[arg(long, env = "APPORTION_ERROR_RESETS", value_name = "N")]
    pub error_resets: Option<u32>,
    /// Maximum waiting requests per Exchange stream; further ones are refused [default: 1000]
    #[arg(long, env = "APPORTION_EXCHANGE_IN_FLIGHT", value_name = "N")]
    pub exchange_in_flight: Option<u32>,
    /// Maximum number of workspaces [default: 100000]
    #[arg(long, env = "APPORTION_WORKSPACES", value_name = "N")]
    pub workspaces: Option<u32>,
    /// Maximum callers tracked per team, ten times as many per workspace; a caller that is idle for a window is forgotten [default: 10000]
    #[arg(long, env = "APPORTION_CALLERS_PER_TEAM", value_name = "N")]
    pub callers_per_team: Option<u32>,
    /// Maximum concurrent watchers of workspaces [default: 1000]
    #[arg(long, env = "APPORTION_WATCHERS", value_name = "N")]
    pub watchers: Option<u32>,
    /// Time that a stopping server waits for open calls in seconds, at most 3600 [default: 10]
    #[arg(long, env = "APPORTION_DRAIN_SECONDS", value_name = "N")]
    pub drain_seconds: Option<u32>,
    /// Number of audit entries to keep [default: 100000]
    #[arg(long, env = "APPORTION_AUDIT_ENTRIES", value_name = "N")]
    pub audit_entries: Option<u32>,
}
