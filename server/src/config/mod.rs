//! The settings of `apportion serve`: flags come before the environment, that before one file, that before the default.

mod clients;
mod exposure;
mod file;
mod flags;

pub use crate::service::certificates::Binding;
pub use exposure::{Exposed, check_exposure};
pub use file::FileError;
pub use flags::Flags;

use file::File;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The variable that bears the secret of an administrator's token. Not a flag: others can read the flags of a process.
pub const ADMIN_TOKEN: &str = "APPORTION_ADMIN_TOKEN";

/// The longest that a server that stops may be told to wait: as long as a request may wait.
const DRAIN_SECONDS_MAX: u32 = 3_600;
/// The shortest secret of [`ADMIN_TOKEN`], in bytes.
const ADMIN_TOKEN_LEAST: usize = 16;
/// The longest secret of [`ADMIN_TOKEN`], in bytes: it must fit into a header.
const ADMIN_TOKEN_MOST: usize = 1_024;

/// Everything that a server is started with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Where the embedded store is.
    pub data_dir: PathBuf,
    /// Where gRPC is served.
    pub listen: SocketAddr,
    /// Where metrics and health are served over HTTP.
    pub http_listen: SocketAddr,
    /// The certificates of gRPC; none: no TLS.
    pub tls: Option<Tls>,
    /// Whether to listen beyond loopback without TLS or without authentication.
    pub insecure: bool,
    /// How the log is written.
    pub log: Log,
    /// What clients may take of the server.
    pub limits: ServerLimits,
    /// How long a server that stops waits for open calls, in seconds.
    pub drain_seconds: u32,
    /// How many audit entries are kept.
    pub audit_entries: u32,
    /// The secret of an administrator's token that is valid while the server runs.
    pub admin_token: Option<Secret>,
}

/// Files in PEM form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tls {
    /// The certificate chain of the server.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The certificates of clients; none: nobody is asked for one.
    pub clients: Option<Clients>,
}

/// The certificates of clients.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clients {
    /// Who signs them, a file in PEM form.
    pub ca: PathBuf,
    /// Whether a connection without one is taken, too.
    pub optional: bool,
    /// What the names in them allow.
    pub bindings: Vec<Binding>,
}

/// How the log is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// For people or for machines.
    pub format: LogFormat,
    /// From which severity on.
    pub level: LogLevel,
}

/// The form of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object each line.
    Json,
}

/// The least severity that is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What may fail.
    Warn,
    /// What happens seldom.
    #[default]
    Info,
    /// What happens with each request.
    Debug,
    /// Everything.
    Trace,
}

/// What clients may take of the server. Every bound is at least 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerLimits {
    /// Calls at once on one connection.
    pub streams_per_connection: u32,
    /// The largest message taken, in bytes.
    pub message_bytes: u32,
    /// The largest headers taken, in bytes.
    pub header_bytes: u32,
    /// Connections at once.
    pub connections: u32,
    /// How often a connection is asked whether it is alive, in seconds.
    pub keep_alive_seconds: u32,
    /// How long a TLS handshake, the preface of a connection and a request may each take to come in, in seconds.
    pub arrival_seconds: u32,
    /// How long a connection stays on which nothing is called, in seconds.
    pub idle_seconds: u32,
    /// Resets by a client that are pending at once before its connection is closed.
    pub pending_resets: u32,
    /// Resets by the server because of a client's errors before its connection is closed.
    pub error_resets: u32,
    /// Acquires of one Exchange stream that wait at once; beyond it they are refused.
    pub exchange_in_flight: u32,
    /// Workspaces that can be created.
    pub workspaces: u32,
    /// Callers of one team that are remembered at once; a workspace has ten times as many at most.
    pub callers_per_team: u32,
    /// Watchers at once.
    pub watchers: u32,
}

impl ServerLimits {
    /// Enough for hundreds of services behind one connection each.
    pub const DEFAULT: Self = Self {
        streams_per_connection: 1_000,
        message_bytes: 1 << 20,
        header_bytes: 16 << 10,
        connections: 10_000,
        keep_alive_seconds: 20,
        arrival_seconds: 10,
        idle_seconds: 300,
        pending_resets: 100,
        error_resets: 1_000,
        exchange_in_flight: 1_000,
        workspaces: 100_000,
        callers_per_team: 10_000,
        watchers: 1_000,
    };
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself. Do not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// Settings that do not go together, or a file that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is at fault.
    #[error(transparent)]
    File(#[from] FileError),
    /// A bound of 0.
    #[error("{0}: must be at least 1")]
    Zero(&'static str),
    /// More than makes sense.
    #[error("{name}: must be at most {most}")]
    TooMuch {
        /// The setting.
        name: &'static str,
        /// The most that is allowed.
        most: u32,
    },
    /// A secret that could be guessed, or that no client could send.
    #[error(
        "{ADMIN_TOKEN}: must be {ADMIN_TOKEN_LEAST} to {ADMIN_TOKEN_MOST} printable characters without blanks, such as `openssl rand -hex 32` makes"
    )]
    AdminToken,
    /// Half of what TLS needs.
    #[error("tls: cert and key are given together; {0} is missing")]
    HalfTls(&'static str),
    /// Settings of client certificates, and nobody who signs them.
    #[error("tls: {0} needs client_ca: who signs the certificates of clients")]
    NoClientCa(&'static str),
    /// A name that cannot be bound to a role.
    #[error("tls.client {san:?}: {why}")]
    Client {
        /// The name.
        san: String,
        /// What is wrong.
        why: String,
    },
    /// Too many names.
    #[error("tls.client: {count} names, at most {most}")]
    TooManyClients {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
}

impl Settings {
    /// The settings out of flags and environment, as clap has read them, the file that they name, and the secret of [`ADMIN_TOKEN`].
    ///
    /// # Errors
    /// [`ConfigError`] where the file cannot be read, or a value is not allowed.
    pub fn load(flags: &Flags, admin_token: Option<String>) -> Result<Self, ConfigError> {
        let file = flags.config.as_deref().map(file::read).transpose()?.unwrap_or_default();
        Self::resolve(flags, file, admin_token)
    }

    fn resolve(flags: &Flags, file: File, admin_token: Option<String>) -> Result<Self, ConfigError> {
        let loopback = |port| SocketAddr::from((IpAddr::V4(Ipv4Addr::LOCALHOST), port));
        Ok(Self {
            tls: tls(flags, &file)?,
            data_dir: flags
                .data_dir
                .clone()
                .or(file.data_dir)
                .unwrap_or_else(|| PathBuf::from("./apportion-data")),
            listen: flags.listen.or(file.listen).unwrap_or(loopback(7420)),
            http_listen: flags.http_listen.or(file.http_listen).unwrap_or(loopback(7421)),
            insecure: flags.insecure.or(file.insecure).unwrap_or(false),
            log: Log {
                format: flags.log_format.or(file.log.format).unwrap_or_default(),
                level: flags.log_level.or(file.log.level).unwrap_or_default(),
            },
            limits: limits(flags, &file.limits)?,
            drain_seconds: at_most(
                "drain_seconds",
                flags.drain_seconds.or(file.drain_seconds).unwrap_or(10),
                DRAIN_SECONDS_MAX,
            )?,
            audit_entries: at_least_one(
                "audit_entries",
                flags.audit_entries.or(file.audit_entries).unwrap_or(100_000),
            )?,
            admin_token: admin_token.as_deref().map_or(Ok(None), secret)?,
        })
    }
}

/// The secret of [`ADMIN_TOKEN`]: one that nobody guesses, and that a header can bear. Blanks around it come with files and are no
/// part of it; an empty variable is none.
fn secret(text: &str) -> Result<Option<Secret>, ConfigError> {
    if text.is_empty() {
        return Ok(None);
    }
    let secret = text.trim();
    let is_long = (ADMIN_TOKEN_LEAST..=ADMIN_TOKEN_MOST).contains(&secret.len());
    if is_long && secret.chars().all(|c| c.is_ascii_graphic()) {
        Ok(Some(Secret::new(secret.into())))
    } else {
        Err(ConfigError::AdminToken)
    }
}

fn tls(flags: &Flags, file: &File) -> Result<Option<Tls>, ConfigError> {
    let either = |flag: &Option<PathBuf>, file: &Option<PathBuf>| flag.clone().or_else(|| file.clone());
    let clients = clients::clients(
        either(&flags.tls_client_ca, &file.tls.client_ca),
        flags.tls_client_optional.or(file.tls.client_optional),
        &file.tls.client,
    )?;
    match (either(&flags.tls_cert, &file.tls.cert), either(&flags.tls_key, &file.tls.key)) {
        (Some(cert), Some(key)) => Ok(Some(Tls { cert, key, clients })),
        (None, None) if clients.is_none() => Ok(None),
        (None, _) => Err(ConfigError::HalfTls("cert")),
        (Some(_), None) => Err(ConfigError::HalfTls("key")),
    }
}

fn limits(flags: &Flags, file: &file::Limits) -> Result<ServerLimits, ConfigError> {
    let defaults = ServerLimits::DEFAULT;
    macro_rules! resolved {
        ($($field:ident),*) => {
            ServerLimits {
                $($field: at_least_one(
                    concat!("limits.", stringify!($field)),
                    flags.$field.or(file.$field).unwrap_or(defaults.$field),
                )?,)*
            }
        };
    }
    Ok(resolved!(
        streams_per_connection,
        message_bytes,
        header_bytes,
        connections,
        keep_alive_seconds,
        arrival_seconds,
        idle_seconds,
        pending_resets,
        error_resets,
        exchange_in_flight,
        workspaces,
        callers_per_team,
        watchers
    ))
}

fn at_most(name: &'static str, n: u32, most: u32) -> Result<u32, ConfigError> {
    if n > most { Err(ConfigError::TooMuch { name, most }) } else { Ok(n) }
}

fn at_least_one(name: &'static str, n: u32) -> Result<u32, ConfigError> {
    if n == 0 { Err(ConfigError::Zero(name)) } else { Ok(n) }
}

#[cfg(test)]
mod tests;
